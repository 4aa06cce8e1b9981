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
