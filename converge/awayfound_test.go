package converge_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/converge"
	"github.com/etcdctr/etcdctr/member"
	"github.com/etcdctr/etcdctr/runtime"
)

// unseen is a situation of three described members, of which nothing is there but
// that the machines of some do not answer.
func unseen(verb converge.Verb, away ...string) converge.Situation {
	s := onMachines()
	s.Asked.Verb = verb
	lose(&s, away...)
	s.Have.Servers = slices.DeleteFunc(s.Have.Servers, func(x runtime.Server) bool { return x.Status != runtime.Away })
	s.Changes = nil
	for i := range s.Have.Servers {
		s.Have.Servers[i].Detail = "Permission denied (publickey)"
	}
	for _, m := range s.Want.Members {
		if !slices.Contains(away, m.Name) {
			s.Changes = append(s.Changes, runtime.Change{Server: m.Name, Kind: runtime.Missing})
		}
	}
	quiet(&s)
	return s
}

// quiet has no member answer.
func quiet(s *converge.Situation) {
	s.Etcd.Members = nil
	for i, e := range s.Etcd.Endpoints {
		s.Etcd.Endpoints[i] = member.Endpoint{Name: e.Name, Trouble: member.Refused}
	}
}

// Nobody knows what is on a machine that does not answer: it is not said to have data,
// and nothing is founded beside it.
func TestOfMachinesThatWereNeverSeenNothingIsClaimed(t *testing.T) {
	for _, away := range [][]string{{"etcd3"}, {"etcd2", "etcd3"}} {
		for _, verb := range []converge.Verb{converge.Up, converge.Start, converge.Restart} {
			steps, err := converge.Plan(unseen(verb, away...))
			var refusal *converge.Refusal
			if !errors.As(err, &refusal) || len(steps) > 0 {
				t.Fatalf("%s without %s: %v\n%s", verb, away, err, steps)
			}
			said := err.Error() + refusal.Remedy.Text
			for _, what := range append([]string{"Permission denied (publickey)", "no data of the cluster"}, away...) {
				if !strings.Contains(said, what) {
					t.Errorf("%s without %s says nothing of %q: %s", verb, away, what, said)
				}
			}
			if strings.Contains(said, "quorum") || refusal.Remedy.Command != nil {
				t.Errorf("%s without %s says: %s, and gives %q", verb, away, said, refusal.Remedy.Command)
			}
		}
	}
}

// kept is a situation of members of which only the data is there, as after down.
func kept(verb converge.Verb, away ...string) converge.Situation {
	s := onMachines()
	s.Asked.Verb = verb
	lose(&s, away...)
	for i, x := range s.Have.Servers {
		if x.Status != runtime.Away {
			s.Have.Servers[i] = runtime.Server{Name: x.Name, Role: runtime.Member, Status: runtime.Absent, Data: runtime.Kept}
			s.Changes = append(s.Changes, runtime.Change{Server: x.Name, Kind: runtime.Missing})
		}
	}
	quiet(&s)
	return s
}

func TestThoseThatHaveAQuorumBeginWithoutAMachineThatIsAway(t *testing.T) {
	step, more, err := converge.Next(kept(converge.Up, "etcd1"))
	if err != nil || !more {
		t.Fatalf("nothing begins: %v", err)
	}
	if step.Kind == converge.Prepare {
		s := kept(converge.Up, "etcd1")
		s.Done = append(s.Done, step)
		step, _, err = converge.Next(s)
	}
	if diff := cmp.Diff([]string{"etcd2", "etcd3"}, step.Servers); diff != "" || step.Kind != converge.Apply || err != nil {
		t.Errorf("%v: %s %s", err, step, diff)
	}
}

// A member whose machine is lost takes another place by the quorum of the others, where they
// have one.
func TestWithoutAQuorumLostMachinesLeadToRecover(t *testing.T) {
	for _, node := range []string{"", "its node is down"} {
		s := kept(converge.Up, "etcd1", "etcd2")
		for i := range s.Have.Servers {
			if s.Have.Servers[i].Status == runtime.Away {
				s.Have.Servers[i].Held = node
			}
		}
		steps, err := converge.Plan(s)
		var refusal *converge.Refusal
		if !errors.As(err, &refusal) || !strings.Contains(refusal.Remedy.Text, "`etcdctr recover` rebuilds") {
			t.Errorf("%q: %v: %+v\n%s", node, err, refusal, steps)
		}
	}
}

func TestStartSaysWhoIsLeftWithNothingButData(t *testing.T) {
	_, more, err := converge.Next(kept(converge.Start, "etcd1"))
	var refusal *converge.Refusal
	if !errors.As(err, &refusal) || more || !slices.Equal(refusal.Remedy.Command, []string{"up"}) {
		t.Errorf("%v: %+v", err, refusal)
	}
}

// withoutFirst is a world in which the machine of etcd1 does not answer.
type withoutFirst struct{ *fake }

func (f withoutFirst) Observe(ctx context.Context, name string) (*runtime.State, error) {
	have, err := f.fake.Observe(ctx, name)
	if err == nil {
		have.Servers[0].Status, have.Servers[0].Detail = runtime.Away, "no route to host"
	}
	return have, err
}

func (f withoutFirst) Data(ctx context.Context, name, server string) (runtime.Data, error) {
	if server == "etcd1" {
		return runtime.Unknown, nil
	}
	return f.fake.Data(ctx, name, server)
}

func (f withoutFirst) Changes(ctx context.Context, want *cluster.Cluster, have *runtime.State) ([]runtime.Change, error) {
	changes, err := f.fake.Changes(ctx, want, have)
	return slices.DeleteFunc(changes, func(c runtime.Change) bool { return c.Server == "etcd1" }), err
}

// After down, two of three serve without the third, and what is lacking is told then.
func TestUpBringsUpThoseThatCanBe(t *testing.T) {
	f := &fake{world: serving(3, 3)}
	f.world.settle()
	for i := range f.world.nodes[:3] {
		f.world.nodes[i].status = gone
	}
	f.world.settle()
	synctest.Test(t, func(t *testing.T) {
		hands := f.hands()
		hands.Runtime = withoutFirst{f}
		provided := false
		hands.Provide = func(context.Context, *cluster.Cluster) (bool, error) {
			provided = true
			return false, nil
		}
		_, err := hands.Do(t.Context(), f.wish(converge.Asked{Verb: converge.Up}))
		var refusal *converge.Refusal
		if !errors.As(err, &refusal) || refusal.Server != "etcd1" || !strings.Contains(err.Error(), "no route to host") {
			t.Errorf("%v", err)
		}
		if !provided || !f.world.quorum() || f.world.nodes[0].status != gone {
			t.Errorf("provided: %t; %s\n%q", provided, f.world, f.calls)
		}
	})
}
