package main

import (
	"testing"

	"github.com/etcdctr/etcdctr/runtime/hosts"
)

func TestStepsOfMachinesNeedNoEngine(t *testing.T) {
	e := &engines{folder: "/here"}
	if got, want := e.placeOf(hosts.New(hosts.Options{})), "hosts /here"; got != want {
		t.Errorf("the place is %q, want %q", got, want)
	}
}
