package runtimes

import (
	"errors"
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/runtime"
)

// Whoever gives Docker Compose a file of another release has all members start with that.
func TestAFileOfAReleaseThatDoesNotReadTheirDataIsTold(t *testing.T) {
	for _, test := range []struct {
		has, to        string
		told, backward bool
	}{
		{has: "3.6.16", to: "3.6.16"},
		{has: "3.5.35", to: "3.6.16"},
		{has: "3.6.16", to: "3.5.35", told: true, backward: true},
		{has: "3.5.35", to: "3.7.3", told: true},
		{has: "", to: "3.5.35"}, // which nobody knows
	} {
		to, err := cluster.ReadVersion(test.to)
		if err != nil {
			t.Fatal(err)
		}
		have := &runtime.State{Servers: []runtime.Server{{Name: "etcd1", Role: runtime.Member, Release: test.has}}}
		got, told := errors.AsType[*HopError](hop(to, have))
		if told != test.told || told && got.Backward != test.backward {
			t.Errorf("from %q to %s: %v", test.has, test.to, got)
		}
	}
}
