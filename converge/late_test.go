package converge_test

import (
	"slices"
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/converge"
	"github.com/etcdctr/etcdctr/runtime"
)

// Of a stack that was taken down there is its data. What waits for its members is
// none of the services that come before them.
func TestWhatWaitsForMembersComesAfterThem(t *testing.T) {
	want, err := cluster.Resolve(cluster.Spec{Members: cluster.Count(3)}, cluster.InContainers)
	if err != nil {
		t.Fatal(err)
	}
	s := converge.Situation{Want: want, Asked: converge.Asked{Verb: converge.Up}, Have: &runtime.State{Name: want.Name}}
	for _, m := range want.Members {
		s.Have.Servers = append(s.Have.Servers, runtime.Server{Name: m.Name, Role: runtime.Member, Status: runtime.Absent, Data: runtime.Kept})
		s.Changes = append(s.Changes, runtime.Change{Server: m.Name, Kind: runtime.Missing})
	}
	s.Changes = append(s.Changes,
		runtime.Change{Server: "discovery", Kind: runtime.Missing}, runtime.Change{Server: "discovery-guard", Kind: runtime.Missing, Late: true})
	steps, err := converge.Plan(s)
	if err != nil {
		t.Fatalf("%v after %s", err, steps)
	}
	var order []string
	for _, step := range steps {
		if step.Kind == converge.Apply {
			order = append(order, step.Servers...)
		}
	}
	guard := slices.Index(order, "discovery-guard")
	if order[0] != "discovery" || guard >= 0 && guard < slices.Index(order, "etcd1") {
		t.Errorf("the order is %v", order)
	}
}
