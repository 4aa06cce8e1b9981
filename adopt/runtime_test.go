package adopt

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr/runtime"
)

// fakeOurs has servers, and knows no more of data than they say.
type fakeOurs struct {
	runtime.Runtime
	servers []runtime.Server
}

func (f fakeOurs) Observe(_ context.Context, name string) (*runtime.State, error) {
	return &runtime.State{Name: name, Servers: f.servers}, nil
}

// fakeForeign notes what is done.
type fakeForeign struct {
	Foreign
	stack *Stack
	done  []string
}

func (f *fakeForeign) Look(context.Context) (*Stack, error) { return f.stack, f.stack.check() }

func (f *fakeForeign) Stop(_ context.Context, m Member, _ time.Duration) error {
	f.done = append(f.done, "stop "+m.Name)
	return nil
}

func (f *fakeForeign) Retire(_ context.Context, _ string, m Member) error {
	f.done = append(f.done, "retire "+m.Name)
	return nil
}

// An adoption that was killed may have taken a member's data and not have retired it,
// and whatever started that may have started it again.
func TestMembersWhoseDataWasTakenAreRetiredUnlessTheyWentOn(t *testing.T) {
	ours := func(status runtime.Status) runtime.Server {
		return runtime.Server{Name: "etcd1", Role: runtime.Member, Status: status, Data: runtime.Kept}
	}
	for _, c := range []struct {
		name   string
		ours   runtime.Server
		theirs runtime.Status
		left   int
		done   []string
	}{
		{"stopped, with its successor's data", ours(runtime.Created), runtime.Stopped, 0, []string{"retire etcd1"}},
		{"stopped, beside its successor", ours(runtime.Running), runtime.Stopped, 0, []string{"retire etcd1"}},
		{"started again since", ours(runtime.Stopped), runtime.Running, 1, nil},
		{"started again beside its successor", ours(runtime.Running), runtime.Running, 0, []string{"stop etcd1", "retire etcd1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			foreign := &fakeForeign{stack: shop(of("etcd1", c.theirs, open("etcd1")...))}
			r := &Runtime{Runtime: fakeOurs{servers: []runtime.Server{c.ours}}, Foreign: foreign}
			s, err := r.look(t.Context(), "ours")
			if err != nil || len(s.left) != c.left {
				t.Errorf("%d are left, %v; want %d", len(s.left), err, c.left)
			}
			if err := r.settle(t.Context(), "ours"); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.done, foreign.done); diff != "" {
				t.Error(diff)
			}
		})
	}
}
