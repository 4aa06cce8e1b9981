package etcdctr_test

import (
	"strings"
	"testing"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/runtime"
)

// A cluster of which no member is there is not healthy, whatever else is.
func TestAClusterWithoutMembersIsDownAndNotHealthy(t *testing.T) {
	service := runtime.Server{Name: "backup", Role: runtime.Service, Status: runtime.Running}
	kept := func(name string) runtime.Server {
		return runtime.Server{Name: name, Role: runtime.Member, Status: runtime.Absent, DataAt: "etcd_" + name}
	}
	for name, tt := range map[string]struct {
		has                    []runtime.Server
		backups                string
		members                int
		cause, command, remedy string
	}{
		"taken down": {
			has:   []runtime.Server{kept("etcd1"), kept("etcd2"), kept("etcd3")},
			cause: "is down: none of its members is there, and the data is kept of etcd1, etcd2, etcd3", command: "etcdctr up", remedy: "`etcdctr up` starts it on that data",
		},
		"taken away beside a service": {
			has:   []runtime.Server{service, kept("etcd1"), kept("etcd2"), kept("etcd3")},
			cause: "the data is kept of etcd1, etcd2, etcd3", command: "etcdctr up", remedy: "`etcdctr up` starts it",
		},
		"without a quorum of its data": {
			has: []runtime.Server{kept("etcd3")}, members: 3,
			cause: "the data is kept of etcd3", command: "etcdctr recover", remedy: "`etcdctr up` starts it",
		},
		"nothing but a service": {
			has:   []runtime.Server{service},
			cause: "and no data of theirs, only backup", command: "etcdctr up", remedy: "`etcdctr up` founds a new and empty one",
		},
		"nothing but the service of backups": {
			has: []runtime.Server{service}, backups: "/backups",
			cause: "and no data of theirs, only backup", command: "etcdctr restore /backups", remedy: "`etcdctr restore /backups` brings back what a backup holds",
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := described{fake: fake{name: "docker", has: map[string]*runtime.State{"etcd": {Name: "etcd", Servers: tt.has}}}}
			c := find(t, r, cluster.Spec{TLS: "none", Members: cluster.Count(tt.members), Backup: cluster.BackupSpec{Destination: tt.backups}})
			w := c.Watch(etcdctr.WatchOptions{})
			defer w.Leave()
			report, err := w.Check(t.Context())
			if err != nil || report.Healthy || len(report.Failures) != 1 || !strings.Contains(report.Failures[0], tt.cause) || !strings.Contains(report.Failures[0], tt.remedy) {
				t.Errorf("health says %+v, %v", report, err)
			}
			if d, err := c.Examine(t.Context(), etcdctr.Examination{}); err != nil || d.Healthy || !strings.Contains(d.Cause, tt.cause) || d.Command != tt.command {
				t.Errorf("the doctor says %+v, %v", d, err)
			}
		})
	}
}

// theirs is a Compose project of a cluster's name that something else has started.
type theirs struct{ etcd bool }

func (theirs) Error() string { return "etcd is a Compose project that is not etcdctr's" }

func (theirs) Is(target error) bool { return target == runtime.ErrNotFound }

func (t theirs) RunsEtcd() bool { return t.etcd }

func TestTheDoctorFoundsNothingBesideWhatSomethingElseHasStarted(t *testing.T) {
	for etcd, command := range map[bool]string{true: "etcdctr adopt --dry-run --name etcd-etcd etcd", false: ""} {
		c := find(t, described{fake: fake{name: "docker", err: theirs{etcd}}}, cluster.Spec{TLS: "none"})
		d, err := c.Examine(t.Context(), etcdctr.Examination{})
		if err != nil || d.Healthy || d.Command != command || !strings.HasPrefix(d.Cause, "is a Compose project that is not etcdctr's") {
			t.Errorf("with etcd in it %t: %+v, %v", etcd, d, err)
		}
	}
}
