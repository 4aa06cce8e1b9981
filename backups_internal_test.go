package etcdctr

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/runtime"
)

// A folder of this machine says nothing of backups in one of another machine.
func TestBackupsOnAnotherMachineAreNotLookedForHere(t *testing.T) {
	here := runtime.Server{Name: cluster.BackupName, Role: runtime.Service, Status: runtime.Running}
	there := here
	there.Host = "203.0.113.1"
	member := there
	member.Role = runtime.Member
	want := &FarBackupsError{Folder: "/backups", Host: "203.0.113.1"}
	for what, test := range map[string]struct {
		destination string
		service     bool
		server      runtime.Server
		want        error
	}{
		"a service elsewhere":      {"/backups", true, there, want},
		"a service here":           {"/backups", true, here, nil},
		"a bucket":                 {"s3://backups", true, there, nil},
		"somebody here takes them": {"/backups", false, there, nil},
		"a member of that name":    {"/backups", true, member, nil},
	} {
		got := far(&cluster.Backup{Destination: test.destination, Service: test.service}, &runtime.State{Servers: []runtime.Server{test.server}})
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
}

// What goes by the place of the backups does not take a folder of this machine for one of
// another, of the same name.
func TestBackupsAreWhereTheSpecSaysUnlessThatIsElsewhere(t *testing.T) {
	for _, test := range []struct{ destination, host, want string }{
		{"/backups", "", "/backups"},
		{"/backups", "203.0.113.1", ""},
		{"s3://backups", "203.0.113.1", "s3://backups"},
		{"", "", ""},
	} {
		c := &Cluster{spec: cluster.Spec{Backup: cluster.BackupSpec{Destination: test.destination}}}
		if got := c.BackupsAt(); got != test.destination {
			t.Errorf("%q of a cluster that is nowhere yet is at %q", test.destination, got)
		}
		c.have = &runtime.State{Servers: []runtime.Server{{Name: cluster.BackupName, Role: runtime.Service, Host: test.host}}}
		if got := c.BackupsAt(); got != test.want {
			t.Errorf("%q with the service on %q is at %q, want %q", test.destination, test.host, got, test.want)
		}
	}
}
