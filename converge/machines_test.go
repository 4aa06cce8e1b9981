package converge_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/converge"
	"github.com/etcdctr/etcdctr/member"
	"github.com/etcdctr/etcdctr/runtime"
)

// onMachines is a situation of three members that serve.
func onMachines() converge.Situation {
	w := serving(3, 3)
	w.settle()
	return w.situation(converge.Asked{Verb: converge.Up}, nil)
}

// moved has etcd2 wanted at another address than it is: the server there goes by
// another name here, and etcd counts it by its own.
func moved(s converge.Situation) converge.Situation {
	i := slices.IndexFunc(s.Have.Servers, func(x runtime.Server) bool { return x.Name == "etcd2" })
	s.Have.Servers[i].Name = "etcd2@old"
	for i, e := range s.Etcd.Endpoints {
		if e.Name == "etcd2" {
			s.Etcd.Endpoints[i].Name = "etcd2@old"
		}
	}
	for i, m := range s.Want.Members {
		if m.Name == "etcd2" {
			s.Want.Members[i].Settings = cluster.Settings{
				{Name: "name", Value: "etcd2"}, {Name: "advertise-client-urls", Value: "http://new:2379"}, {Name: "initial-advertise-peer-urls", Value: "http://new:2380"},
			}
		}
	}
	s.Changes = []runtime.Change{{Server: "etcd2", Kind: runtime.Missing}, {Server: "etcd2@old", Kind: runtime.Leave}}
	return s
}

// stepsOf are the steps of a plan, each with what it is about.
func stepsOf(t *testing.T, s converge.Situation) []string {
	t.Helper()
	steps, err := converge.Plan(s)
	if err != nil {
		t.Fatalf("%v\n%s", err, steps)
	}
	var all []string
	for _, step := range steps {
		if step.Kind != converge.AwaitSteady && step.Kind != converge.Prepare {
			all = append(all, string(step.Kind)+" "+strings.Join(step.Servers, " "))
		}
	}
	return all
}

func TestAMemberThatMovesJoinsBeforeItLeaves(t *testing.T) {
	got := stepsOf(t, moved(onMachines()))
	at := slices.IndexFunc(got, func(s string) bool { return strings.HasPrefix(s, "stop") || strings.HasPrefix(s, "remove") })
	if at < 0 || !slices.Contains(got[:at], "promote etcd2") || !slices.Contains(got[at:], "remove member etcd2@old") {
		t.Errorf("the steps are %q", got)
	}
}

// Two containers of one machine can't be published at one port.
func TestAMemberThatTakesAPortComesWhenThatIsFree(t *testing.T) {
	s := onMachines()
	s.Want.Members[2].Name, s.Want.Members[2].PublishedPort = "etcd4", 2579
	s.Want.Members[2].Settings = cluster.Settings{
		{Name: "name", Value: "etcd4"}, {Name: "advertise-client-urls", Value: "http://etcd4:2379"}, {Name: "initial-advertise-peer-urls", Value: "http://etcd4:2380"},
	}
	s.Changes = []runtime.Change{{Server: "etcd4", Kind: runtime.Missing}, {Server: "etcd3", Kind: runtime.Leave}}
	before := func(first, second string) {
		t.Helper()
		got := stepsOf(t, s)
		if at := slices.Index(got, first); at < 0 || !slices.Contains(got[at:], second) {
			t.Errorf("%s does not come before %s: %q", first, second, got)
		}
	}
	before("join etcd4", "remove member etcd3")
	for i, x := range s.Have.Servers {
		if x.Name == "etcd3" {
			s.Have.Servers[i].Published = []string{"127.0.0.1:2579"}
		}
	}
	before("remove member etcd3", "join etcd4")
}

// Its machine is gone for good: what is left of it is not waited for.
func TestAMemberThatMovesFromAMachineThatIsAwayIsRemovedFirst(t *testing.T) {
	s := moved(onMachines())
	lose(&s, "etcd2@old")
	got := stepsOf(t, s)
	want := []string{
		"remove member etcd2@old", "add learner etcd2", "join etcd2", "promote etcd2", "wait until it serves etcd2", "remove etcd2@old", "compare the data etcd1 etcd2 etcd3",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Who is removed while it serves is started again by its runtime, and would hold the
// port of the one that comes.
func TestWhoIsRemovedMakesWayForTheOneThatTakesItsAddress(t *testing.T) {
	w := serving(2, 3)
	w.settle()
	s := w.situation(converge.Asked{Verb: converge.Up}, nil)
	taken := s.Want.Members[1].Settings
	s.Want.Members[1] = cluster.Member{Name: "etcd2", Settings: cluster.Settings{
		{Name: "name", Value: "etcd2"},
		{Name: "advertise-client-urls", Value: taken.Get("advertise-client-urls")},
		{Name: "initial-advertise-peer-urls", Value: taken.Get("initial-advertise-peer-urls")},
	}}
	rename(&s, "etcd2", "etcd3@old")
	s.Changes = []runtime.Change{{Server: "etcd2", Kind: runtime.Missing}, {Server: "etcd3", Kind: runtime.Missing}, {Server: "etcd3@old", Kind: runtime.Leave}}
	got := stepsOf(t, s)
	want := []string{"remove member etcd3@old", "stop etcd3@old", "add learner etcd2", "join etcd2"}
	if i := slices.Index(got, want[0]); i < 0 || len(got) < i+4 || !slices.Equal(got[i:i+4], want) {
		t.Errorf("the steps are %q", got)
	}

	// A run that was killed after the removal has left it running.
	s.Etcd.Members = slices.DeleteFunc(s.Etcd.Members, func(m member.Member) bool { return m.Name == "etcd2" })
	for i, e := range s.Etcd.Endpoints {
		if e.Name == "etcd3@old" {
			s.Etcd.Endpoints[i] = member.Endpoint{Name: e.Name, Trouble: member.Refused}
		}
	}
	if got := stepsOf(t, s); len(got) == 0 || got[0] != "stop etcd3@old" {
		t.Errorf("after that the steps are %q", got)
	}
}

// rename gives a server another name here.
func rename(s *converge.Situation, from, to string) {
	for i, x := range s.Have.Servers {
		if x.Name == from {
			s.Have.Servers[i].Name = to
		}
	}
	for i, e := range s.Etcd.Endpoints {
		if e.Name == from {
			s.Etcd.Endpoints[i].Name = to
		}
	}
}

// lose has a member's machine not answer.
func lose(s *converge.Situation, names ...string) {
	for i, x := range s.Have.Servers {
		if slices.Contains(names, x.Name) {
			s.Have.Servers[i].Status, s.Have.Servers[i].Data = runtime.Away, runtime.Unknown
		}
	}
	for i, e := range s.Etcd.Endpoints {
		if slices.Contains(names, e.Name) {
			s.Etcd.Endpoints[i] = member.Endpoint{Name: e.Name, Trouble: member.Unreachable}
		}
	}
}

// A machine that does not answer has not lost its data: nobody takes its member's
// place, and nothing else is touched.
func TestAMemberOnAMachineThatIsAwayIsLeftAlone(t *testing.T) {
	for _, verb := range []converge.Verb{converge.Up, converge.Start, converge.Restart} {
		s := onMachines()
		s.Asked.Verb = verb
		lose(&s, "etcd3")
		steps, err := converge.Plan(s)
		if refusal := (*converge.Refusal)(nil); !errors.As(err, &refusal) || refusal.Server != "etcd3" || len(steps) > 0 {
			t.Errorf("%s: %v\n%s", verb, err, steps)
		}
	}
	for _, verb := range []converge.Verb{converge.Stop, converge.Down} {
		s := onMachines()
		s.Asked.Verb = verb
		lose(&s, "etcd3")
		steps, _ := converge.Plan(s)
		stopped := slices.ContainsFunc(steps, func(x converge.Step) bool { return x.Kind == converge.End && slices.Contains(x.Servers, "etcd1") })
		if !stopped {
			t.Errorf("%s leaves etcd1 running:\n%s", verb, steps)
		}
	}
}

// Where a member is away, it is told why another is not restarted, and what to do by the
// key that says where members are.
func TestWhyAnotherMemberIsNotRestartedWhileOneIsAway(t *testing.T) {
	for held, place := range map[string]string{"": "another host and engine", "its node machine3 is down": "another node"} {
		s := onMachines()
		s.Asked = converge.Asked{Verb: converge.Restart, Servers: []string{"etcd2"}}
		lose(&s, "etcd3")
		i := slices.IndexFunc(s.Have.Servers, func(x runtime.Server) bool { return x.Name == "etcd3" })
		s.Have.Servers[i].Held = held
		_, err := converge.Plan(s)
		refusal := (*converge.Refusal)(nil)
		if !errors.As(err, &refusal) || refusal.Server != "etcd3" || !strings.Contains(refusal.Reason, "too few for a quorum") ||
			!strings.Contains(refusal.Reason, held) || !strings.Contains(refusal.Remedy.Text, place) {
			t.Errorf("it is refused by %v", err)
		}
	}
}

// A member may serve although nobody reaches the engine of its machine.
func TestAMemberServesThoughItsMachineIsAway(t *testing.T) {
	s := onMachines()
	i := slices.IndexFunc(s.Have.Servers, func(x runtime.Server) bool { return x.Name == "etcd3" })
	s.Have.Servers[i].Status = runtime.Away
	s.Changes = []runtime.Change{{Server: "etcd1", Kind: runtime.Replace, Differences: []runtime.Difference{{Name: "snapshot-count", Was: "1", Is: "2"}}}}
	step, more, err := converge.Next(s)
	if err != nil || !more {
		t.Fatalf("nothing is done: %v", err)
	}
	if !slices.Equal(step.Servers, []string{"etcd1"}) {
		t.Errorf("the step is %s", step)
	}
}

// Without a quorum nothing is founded anew, whatever the machines that are away have.
func TestWithoutAQuorumTheMachinesThatAreAwayAreNamed(t *testing.T) {
	s := onMachines()
	lose(&s, "etcd2", "etcd3")
	s.Etcd.Members = nil
	for i, e := range s.Etcd.Endpoints {
		if e.Name == "etcd1" {
			s.Etcd.Endpoints[i] = member.Endpoint{Name: "etcd1", Trouble: member.Silent}
		}
	}
	steps, err := converge.Plan(s)
	if err == nil || len(steps) > 0 || !strings.Contains(err.Error(), "etcd2 and etcd3") {
		t.Errorf("%v\n%s", err, steps)
	}
}

// What was recovered on other machines is met by the former members once those are
// back.
func TestWhoIsNotWantedIsTheOneToStop(t *testing.T) {
	s := moved(onMachines())
	s.Want.Members = s.Want.Members[:1]
	s.Etcd.Endpoints[1].Cluster, s.Etcd.Endpoints[2].Cluster = 8, 8
	_, err := converge.Plan(s)
	var refusal *converge.Refusal
	if !errors.As(err, &refusal) || !slices.Equal(refusal.Remedy.Command, []string{"stop", "etcd2@old", "etcd3"}) {
		t.Errorf("%v: %+v", err, refusal)
	}
	s.Want.Members = onMachines().Want.Members
	if _, err = converge.Plan(s); !errors.As(err, &refusal) || refusal.Remedy.Command != nil {
		t.Errorf("both are wanted: %+v", refusal)
	}
}

// What a member has left where it was before is nothing that could be started, by up or by
// start, whatever the others still wait for; nor is who has ended there since it was removed.
func TestStartAsksNothingOfAPlaceThatAMemberHasLeft(t *testing.T) {
	for _, status := range []runtime.Status{runtime.Absent, runtime.Ended} {
		s := onMachines()
		s.Asked.Verb, s.Want, s.Changes = converge.Start, nil, nil
		for i := range s.Have.Servers {
			s.Have.Servers[i].Settings = cluster.Settings{{Name: "initial-cluster", Value: "etcd1=http://a,etcd2=http://b,etcd3=http://c,etcd4=http://d,etcd5=http://e"}}
		}
		left := s.Have.Servers[2]
		left.Name, left.Status, left.Data, left.Former = "etcd3@old", status, runtime.Kept, true
		s.Have.Servers = append(s.Have.Servers, left)
		lose(&s, "etcd2")
		quiet(&s)
		if steps, err := converge.Plan(s); err != nil || strings.Contains(steps.String(), "etcd3@old") {
			t.Errorf("%s: of those that run it says %v\n%s", status, err, steps)
		}
		s.Have.Servers[2].Status = runtime.Absent
		if _, err := converge.Plan(s); err == nil || !strings.Contains(err.Error(), "etcd3: nothing but its data") {
			t.Errorf("%s: of one that is described: %v", status, err)
		}
		for i := range s.Have.Servers {
			s.Have.Servers[i].Status = runtime.Absent
		}
		if _, err := converge.Plan(s); err == nil || !strings.Contains(err.Error(), "etcd1: nothing but its data") {
			t.Errorf("%s: of one that is down: %v", status, err)
		}
	}
}
