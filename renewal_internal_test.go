package etcdctr

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr/runtime"
)

// Whoever revokes has to learn of members that can't be given the list.
func TestMembersThatCanBeBroughtNoFilesAreNamed(t *testing.T) {
	one := runtime.Server{Name: "etcd1", Role: runtime.Member, Status: runtime.Running}
	two := runtime.Server{Name: "etcd2", Role: runtime.Member, Status: runtime.Away}
	gone := runtime.Server{Name: "etcd3", Role: runtime.Member, Status: runtime.Absent}
	for what, test := range map[string]struct {
		servers []runtime.Server
		keeps   bool
		handed  bool
		want    error
	}{
		"all have theirs":               {[]runtime.Server{one, gone}, false, false, nil},
		"a machine that is away":        {[]runtime.Server{one, two, gone}, false, false, &KeptError{Away: []string{"etcd2"}}},
		"those that never change":       {[]runtime.Server{one, gone}, true, false, &KeptError{Anew: []string{"etcd1"}}},
		"those, and one that is silent": {[]runtime.Server{one, two}, true, false, &KeptError{Anew: []string{"etcd1"}, Away: []string{"etcd2"}}},
		"those that archives were of":   {[]runtime.Server{one, gone}, false, true, &KeptError{Handed: []string{"etcd1"}}},
	} {
		got := unreached(&runtime.State{Servers: test.servers}, test.keeps, test.handed)
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
}
