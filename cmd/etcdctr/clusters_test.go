package main

import (
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/runtime/hosts"
)

// A spec is checked before the token is read that is kept for it, or made.
func TestASpecIsCheckedWithoutItsToken(t *testing.T) {
	if err := checked(cluster.Spec{Bootstrap: "discovery"}); err != nil {
		t.Error(err)
	}
	if checked(cluster.Spec{Bootstrap: "discovery", TLS: "perhaps"}) == nil {
		t.Error("TLS can be perhaps")
	}
}

func TestStepsOfMachinesNeedNoEngine(t *testing.T) {
	e := &engines{folder: "/here"}
	if got, want := e.placeOf(hosts.New(hosts.Options{})), "hosts /here"; got != want {
		t.Errorf("the place is %q, want %q", got, want)
	}
}
