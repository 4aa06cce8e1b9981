package etcdctr

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/runtime"
)

// Nobody has to be told of a new authority who is seen to have the files that are here, and
// reads them again.
func TestServicesThatReadTheirFilesAgainAreOwnClients(t *testing.T) {
	here, other := t.TempDir(), t.TempDir()
	backup := runtime.Server{Name: cluster.BackupName, Role: runtime.Service, Status: runtime.Running}
	prometheus := runtime.Server{Name: cluster.PrometheusName, Role: runtime.Service, Status: runtime.Stopped}
	data := runtime.Server{Name: cluster.PrometheusName, Role: runtime.Service, Status: runtime.Absent}
	member := runtime.Server{Name: cluster.BackupName, Role: runtime.Member, Status: runtime.Running}
	far := backup
	far.Host = "203.0.113.1"
	described := cluster.Spec{Backup: cluster.BackupSpec{Destination: "backups"}, Monitoring: "true"}
	for what, test := range map[string]struct {
		spec    cluster.Spec
		certs   string // what the members have
		servers []runtime.Server
		want    []string
	}{
		"services of this folder":            {described, here, []runtime.Server{backup, prometheus}, []string{"backup", "monitoring"}},
		"by another path":                    {described, here + "/.", []runtime.Server{backup}, []string{"backup"}},
		"described no more":                  {cluster.Spec{}, here, []runtime.Server{backup}, []string{"backup"}},
		"none":                               {described, here, nil, nil},
		"data that one has left":             {described, here, []runtime.Server{data}, nil},
		"a member of that name":              {described, here, []runtime.Server{member}, nil},
		"another folder":                     {described, other, []runtime.Server{backup, prometheus}, nil},
		"a folder that is gone":              {described, filepath.Join(here, "gone"), []runtime.Server{backup}, nil},
		"copies":                             {described, "", []runtime.Server{backup, prometheus}, []string{"backup", "monitoring"}},
		"copies on another machine":          {described, "", []runtime.Server{far}, []string{"backup"}},
		"copies, described no more":          {cluster.Spec{}, "", []runtime.Server{backup, prometheus}, nil},
		"copies, and others take the backup": {cluster.Spec{Backup: cluster.BackupSpec{Destination: "backups", Service: "false"}}, "", []runtime.Server{backup}, nil},
	} {
		t.Run(what, func(t *testing.T) {
			test.spec.CertsDir = here
			c := New(Options{}).Describe(test.spec)
			have := &runtime.State{Name: "etcd", CertsDir: test.certs, Servers: test.servers}
			c.runtime, c.have = bare{}, have
			got, err := c.ownClients(t.Context(), have)
			if diff := cmp.Diff(test.want, got); err != nil || diff != "" {
				t.Errorf("own clients (-want +got): %v\n%s", err, diff)
			}
		})
	}
}
