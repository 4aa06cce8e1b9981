package cluster_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/etcdctr/etcdctr/cluster"
)

func TestATextOfASpecIsReadAsTheSameSpec(t *testing.T) {
	for name, spec := range map[string]cluster.Spec{
		"nothing": {},
		"a count": {Name: "orders", Members: cluster.Count(5), Etcd: "3.6", Runtime: "process", EtcdBinary: "/opt/{minor}/etcd"},
		"words that look like other things": {
			Name: "on", InitialClusterToken: "1e3", LogLevel: "null", QuotaBackendBytes: "0x10", SnapshotCount: "~",
			DiscoveryUser: "a: b # c", CertsDir: " spaces ", Subnet: "line\nline",
		},
		"members one by one": {
			Members: cluster.Members{List: []cluster.MemberSpec{
				{Name: "a", Host: "10.0.0.1", ClientPort: "2379"},
				{Name: "b", Settings: map[string]string{"max-txn-ops": "1000"}, Environment: map[string]string{"GOGC": "off"}},
			}},
			Settings: map[string]string{"strict-reconfig-check": "true", "a": "no"},
		},
		"users and roles": {Auth: &cluster.AuthSpec{
			Enabled: "false",
			Roles: []cluster.RoleSpec{
				{Name: "b.c", Permissions: []cluster.PermissionSpec{{Prefix: new(""), Access: "read"}, {From: "\x00", To: "\x01 # \u2028", Access: "write"}}},
				{Name: "a"},
			},
			Users: []cluster.UserSpec{{Name: "x", Roles: []string{"b.c", "a"}, PasswordFile: "secrets/x"}, {Name: "w"}},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := cluster.Load("kept", []byte(spec.Text()))
			if err != nil {
				t.Fatalf("%v\n%s", err, spec.Text())
			}
			if diff := cmp.Diff(spec, got, cmpopts.IgnoreUnexported(cluster.Spec{})); diff != "" {
				t.Errorf("(-spec +read):\n%s", diff)
			}
		})
	}
}
