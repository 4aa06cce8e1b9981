package swarm

import (
	"testing"

	"github.com/moby/moby/api/types/swarm"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/runtime"
)

// twins is a swarm with two nodes of one name, the first of which has etcd1 by that name, as
// `docker stack deploy` binds it.
func twins(state swarm.NodeState) manager {
	s := service(false)
	s.Spec.TaskTemplate.Placement = &swarm.Placement{Constraints: []string{"node.hostname == south"}}
	t := ran(swarm.TaskStateRunning, "2")
	t.ServiceID = s.ID
	m := manager{
		info:  swarm.Info{LocalNodeState: swarm.LocalNodeStateActive, ControlAvailable: true},
		nodes: []swarm.Node{aNode("1", "north"), aNode("2", "south"), aNode("3", "south")}, services: []swarm.Service{s}, tasks: []swarm.Task{t},
	}
	m.nodes[1].Status = swarm.NodeStatus{State: state, Addr: "192.0.2.2"}
	return m
}

// A member that runs is on one of them already; of others the name says nothing.
func TestOfNodesOfOneNameAMemberStaysOnItsOwn(t *testing.T) {
	spec := cluster.Spec{Name: "c", Etcd: "3.6", Runtime: Name, Members: cluster.Members{List: []cluster.MemberSpec{{Name: "etcd1", Node: "south"}}}}
	r := New(Options{Engine: twins(swarm.NodeStateReady)})
	if _, err := r.Place(t.Context(), spec); err != nil {
		t.Errorf("of one that is there it says %v", err)
	}
	spec.Members.List[0].Name = "etcd2"
	want := "etcd2: node: 2 nodes are called south: name one by its ID, which is one of 2 (192.0.2.2, ready), 3 (of no address, ready)"
	if _, err := r.Place(t.Context(), spec); err == nil || err.Error() != want {
		t.Errorf("of a new one it says\n%v\nwant\n%s", err, want)
	}
}

func TestNodesOfOneNameAreToldApart(t *testing.T) {
	for state, want := range map[swarm.NodeState]runtime.Server{
		swarm.NodeStateReady: {Status: runtime.Running, Detail: "running on south (2)"},
		swarm.NodeStateDown: {Status: runtime.Away, Detail: "running: its node south (2) is down; one that is called so too is another node, as after a machine has left the swarm " +
			"and joined again: its ID as the member's node has the member begin there, from the others"},
	} {
		have, err := New(Options{Engine: twins(state)}).Observe(t.Context(), "c")
		if err != nil {
			t.Fatal(err)
		}
		if got := have.Servers[0]; got.Status != want.Status || got.Detail != want.Detail || got.Host != "south (2)" {
			t.Errorf("%s: it is %s on %s: %s", state, got.Status, got.Host, got.Detail)
		}
	}
	all := nodes(twins(swarm.NodeStateReady).nodes)
	if all.hostname("1") != "north" || all.hostname("3") != "south (3)" {
		t.Errorf("they are called %s and %s", all.hostname("1"), all.hostname("3"))
	}
	to := func(node string) swarm.Service {
		s := service(false)
		s.Spec.TaskTemplate.Placement.Constraints = []string{"node.id==" + node}
		return s
	}
	f := &found{name: "c", nodes: all}
	if got := differences(f, to("2"), to("3").Spec); len(got) != 1 || got[0].Was != "south (2)" || got[0].Is != "south (3)" {
		t.Errorf("a member that goes from one to the other differs in %v", got)
	}
}
