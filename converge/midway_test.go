package converge_test

import (
	"fmt"
	"testing"

	"github.com/etcdctr/etcdctr/converge"
)

// A program that was killed between two releases has left one member that does not run.
// Those that serve are of the other release already, and agree on it once that one does:
// it starts with theirs, and goes no way by a release that none of them runs, whose image
// may be at hand nowhere.
func TestTheLastMemberGoesToTheReleaseThatTheOthersServe(t *testing.T) {
	for _, to := range []int8{6, 7} {
		for _, left := range []status{created, stopped, gone} {
			t.Run(fmt.Sprintf("to 3.%d, %s", to, statuses[left]), func(t *testing.T) {
				s := midway(to, left).situation(converge.Asked{Verb: converge.Up}, nil)
				route, err := converge.Route(s, release(to))
				if err != nil || len(route) != 1 || route[0] != release(to) {
					t.Errorf("the route is %v (%v)", route, err)
				}
				steps, err := converge.Plan(s)
				if err != nil {
					t.Errorf("%v after\n%s", err, steps)
				}
				for _, step := range steps {
					if step.Kind == converge.Prepare && step.To != release(to).String() {
						t.Errorf("%s", step)
					}
				}
			})
		}
	}
}

// midway is a cluster of which two members serve a minor, and the third did not get there.
func midway(to int8, left status) *world {
	w := &world{want: 3, minor: to, agreed: 13 - to, stored: 6, founders: 3}
	if to < w.agreed {
		w.target = to
	}
	for slot := range 3 {
		w.sit(slot, node{status: runs}, true)
		w.nodes[slot].minor = to
	}
	w.nodes[2].status = left
	w.settle()
	return w
}
