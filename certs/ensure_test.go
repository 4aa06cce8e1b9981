package certs_test

import (
	"testing"

	"github.com/etcdctr/etcdctr/certs"
)

func threeMembers() certs.Plan {
	return certs.Plan{
		Cluster: "orders",
		Members: []certs.Member{{Name: "etcd1"}, {Name: "etcd2"}, {Name: "etcd3"}},
		Clients: []certs.ClientIdentity{{Name: "root"}},
	}
}

func TestEnsureMakesWhatIsMissingOnce(t *testing.T) {
	pki := &certs.PKI{Dir: t.TempDir()}
	first, err := pki.Ensure(t.Context(), threeMembers())
	if err != nil {
		t.Fatal(err)
	}
	if got := first.String(); got != "9 created" {
		t.Errorf("first run: %s", got)
	}
	second, err := pki.Ensure(t.Context(), threeMembers())
	if err != nil {
		t.Fatal(err)
	}
	if got := second.String(); got != "9 reused" {
		t.Errorf("second run: %s", got)
	}
}
