package converge_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/converge"
	"github.com/etcdctr/etcdctr/member"
	"github.com/etcdctr/etcdctr/runtime"
)

func TestEveryPlanHasAnEnd(t *testing.T) {
	verbs := []converge.Asked{
		{Verb: converge.Up},
		{Verb: converge.Start},
		{Verb: converge.Stop},
		{Verb: converge.Restart},
		{Verb: converge.Down},
		{Verb: converge.Replace, Servers: []string{"etcd1"}},
		{Verb: converge.Replace, Servers: []string{"etcd1", "etcd2"}},
	}
	for _, w := range every(func(members int) int { return min(members, 1) }) {
		w.settle()
		for _, asked := range verbs {
			steps, err := converge.Plan(w.situation(asked, nil))
			var refusal *converge.Refusal
			if err != nil && !errors.As(err, &refusal) {
				t.Fatalf("%s: %v\nfrom %s\n%s", asked.Verb, err, w, steps[:min(len(steps), 22)])
			}
		}
	}
}

// Nobody takes over from members that are all stopped: waiting for clients' streams
// would only make everybody wait.
func TestAStopOfAllWaitsForNoStreams(t *testing.T) {
	for _, verb := range []converge.Verb{converge.Stop, converge.Down} {
		s := onMachines()
		s.Asked.Verb = verb
		steps, err := converge.Plan(s)
		if err != nil {
			t.Fatal(err)
		}
		stopped := 0
		for _, step := range steps {
			if step.Kind == converge.End {
				stopped += len(step.Servers)
				if step.Grace <= 0 || step.Grace > 2*time.Second {
					t.Errorf("%s: %s has a grace of %s", verb, strings.Join(step.Servers, ", "), step.Grace)
				}
			}
		}
		if stopped != 3 {
			t.Errorf("%s stops %d members, want 3", verb, stopped)
		}
	}
}

// An engine has nothing left of a member whose container and volume somebody deleted.
func TestTheLastOfThreeIsNeitherStartedNorRestartedAlone(t *testing.T) {
	for _, state := range []runtime.Status{runtime.Running, runtime.Restarting, runtime.Stopped} {
		for _, verb := range []converge.Verb{converge.Restart, converge.Start} {
			s := converge.Situation{
				Asked: converge.Asked{Verb: verb},
				Have: &runtime.State{Name: "sim", Servers: []runtime.Server{{
					Name: "etcd1", Role: runtime.Member, Status: state, Data: runtime.Kept,
					Settings: cluster.Settings{{Name: "initial-cluster", Value: "etcd1=http://etcd1:2380,etcd2=http://etcd2:2380,etcd3=http://etcd3:2380"}},
				}}},
			}
			_, _, err := converge.Next(s)
			refusal := (*converge.Refusal)(nil)
			if !errors.As(err, &refusal) || !slices.Equal(refusal.Remedy.Command, []string{"recover"}) {
				t.Errorf("%s of one that is %s: %v", verb, state, err)
			}
		}
	}
}

// The leader was lost a moment ago: who chooses the next one is waited for.
func TestALeaderThatIsLostIsRemovedOnceTheOthersHaveAnother(t *testing.T) {
	w := world{want: 3, minor: 7, agreed: 7, stored: 7, founders: 3}
	for slot, kind := range []string{"data lost", "serving", "serving"} {
		put(t, &w, slot, kind)
	}
	w.settle()
	for _, leaderless := range [][]int{{1}, {1, 2}} {
		s := w.situation(converge.Asked{Verb: converge.Replace, Servers: []string{name(0)}}, nil)
		var names []string
		for _, slot := range leaderless {
			s.Etcd.Endpoints[slot].Leader, s.Etcd.Endpoints[slot].Read = 0, member.NoLeader
			names = append(names, name(slot))
		}
		step, more, err := converge.Next(s)
		if err != nil || !more || step.Kind != converge.AwaitServing || !slices.Equal(step.Servers, names) {
			t.Errorf("without a leader at %v: %v %v", names, step, err)
		}
		s.Done = []converge.Step{step} // in vain
		if _, _, err := converge.Next(s); err == nil {
			t.Error("they are waited for again")
		}
	}
}
