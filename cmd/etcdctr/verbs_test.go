package main

import (
	"testing"

	"github.com/etcdctr/etcdctr/runtime"
)

// A member that is gone with all that it had may be replaced, and so is one to choose.
func TestAnUnknownNameListsMembersThatAreGoneToo(t *testing.T) {
	err := withDescribed(&runtime.UnknownError{Name: "etcd", Servers: []string{"etcd9"}, Has: []string{"etcd1", "etcd3"}}, []string{"etcd1", "etcd2", "etcd3"})
	if want := "etcd has no server etcd9: it has etcd1, etcd2, etcd3"; err.Error() != want {
		t.Errorf("%v; want %s", err, want)
	}
}
