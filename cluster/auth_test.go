package cluster_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/etcdctr/etcdctr/cluster"
)

func TestPermissionsCoverARangeTogether(t *testing.T) {
	prefix := cluster.Permission{Key: "/a/", End: "/a0", Read: true, Write: true}
	for name, c := range map[string]struct {
		have []cluster.Permission
		want cluster.Permission
		may  bool
	}{
		"nothing":                    {nil, cluster.Permission{Key: "/a/", Read: true}, false},
		"the same range":             {[]cluster.Permission{prefix}, prefix, true},
		"a key of it":                {[]cluster.Permission{prefix}, cluster.Permission{Key: "/a/b", Read: true, Write: true}, true},
		"the key before it":          {[]cluster.Permission{prefix}, cluster.Permission{Key: "/a", Read: true}, false},
		"the key behind it":          {[]cluster.Permission{prefix}, cluster.Permission{Key: "/a0", Read: true}, false},
		"more than it":               {[]cluster.Permission{prefix}, cluster.Permission{Key: "/a/", End: "/a1", Read: true}, false},
		"to read and not to write":   {[]cluster.Permission{{Key: "k", Read: true}}, cluster.Permission{Key: "k", Read: true, Write: true}, false},
		"to write and not to read":   {[]cluster.Permission{{Key: "k", Write: true}}, cluster.Permission{Key: "k", Read: true}, false},
		"one of each":                {[]cluster.Permission{{Key: "k", Write: true}, {Key: "k", Read: true}}, cluster.Permission{Key: "k", Read: true, Write: true}, true},
		"all keys":                   {[]cluster.Permission{{Key: "\x00", End: "\x00", Read: true}}, cluster.Permission{Key: "x", End: "\x00", Read: true}, true},
		"an end where there is none": {[]cluster.Permission{prefix}, cluster.Permission{Key: "/a/", End: "\x00", Read: true}, false},
		"two that meet": {
			[]cluster.Permission{{Key: "m", End: "z", Read: true}, {Key: "a", End: "m", Read: true}},
			cluster.Permission{Key: "b", End: "y", Read: true},
			true,
		},
		"two with a gap": {
			[]cluster.Permission{{Key: "n", End: "z", Read: true}, {Key: "a", End: "m", Read: true}},
			cluster.Permission{Key: "b", End: "y", Read: true},
			false,
		},
	} {
		if got := cluster.Permits(c.have, c.want); got != c.may {
			t.Errorf("%s: permitted is %t, want %t", name, got, c.may)
		}
	}
}

func TestMembersAreUsersThatMayDoNothingWhereEtcdGoesByItsUsers(t *testing.T) {
	auth := func(enabled string) *cluster.Auth {
		return resolve(t, cluster.Spec{Members: cluster.Count(3), Auth: &cluster.AuthSpec{
			Enabled: enabled, Users: []cluster.UserSpec{{Name: "etcd"}},
		}}).Auth
	}
	want := []cluster.User{
		{Name: "etcd"}, {Name: "etcd1", Member: true}, {Name: "etcd2", Member: true}, {Name: "etcd3", Member: true},
	}
	if diff := cmp.Diff(want, auth("").Users, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("users (-want +got):\n%s", diff)
	}
	if off := auth("false").Users; len(off) != 1 {
		t.Errorf("where nobody looks at users, there are %v", off)
	}
}

func TestPermissionsAreToldAsTheyAreWritten(t *testing.T) {
	c := resolve(t, cluster.Spec{Auth: &cluster.AuthSpec{
		Roles: []cluster.RoleSpec{{Name: "all", Permissions: []cluster.PermissionSpec{
			{Prefix: new(""), Access: "read"},
			{Key: "a", Access: "write"},
			{Prefix: new("b/"), Access: "readwrite"},
			{From: "c", Access: "read"},
			{From: "d", To: "f", Access: "read"},
		}}},
		Users: []cluster.UserSpec{{Name: "somebody", Roles: []string{"all"}}, {Name: "everybody", Roles: []string{"root"}}},
	}})
	want := []string{"read on all keys", "write on key a", "readwrite on prefix b/", "read on keys from c", "read on keys from d to f"}
	for i, p := range c.Auth.Of("somebody") {
		if p.String() != want[i] {
			t.Errorf("it is %q, want %q", p, want[i])
		}
	}
	if !cluster.Permits(c.Auth.Of("everybody"), cluster.Permission{Key: "\x00", End: "\x00", Read: true, Write: true}) {
		t.Error("who has the role root may not do everything")
	}
}
