package etcdctr

import (
	"testing"

	"github.com/etcdctr/etcdctr/certs"
	"github.com/etcdctr/etcdctr/runtime"
)

// What was made for a member that is yet to join is nothing that those who are there have
// to be looked at again for.
func TestCertificatesOfWhoIsNotThereYetChangeNobody(t *testing.T) {
	c := &Cluster{have: &runtime.State{Servers: []runtime.Server{{Name: "etcd1"}}}}
	for _, x := range []struct {
		change    certs.Change
		concerned bool
	}{
		{certs.Change{Identity: "members/etcd1/peer", Action: certs.Reused}, false},
		{certs.Change{Identity: "members/etcd2/peer", Action: certs.Created}, false},
		{certs.Change{Identity: "members/etcd1/peer", Action: certs.Renewed}, true},
		{certs.Change{Identity: "clients/root", Action: certs.Created}, true},
		{certs.Change{Identity: "peer-ca", Action: certs.Created}, true},
	} {
		if got := c.concerned(certs.Report{Changes: []certs.Change{x.change}}); got != x.concerned {
			t.Errorf("%+v concerns what is there: %t", x.change, got)
		}
	}
}
