package adopt

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/runtime"
)

// fakeOurs has servers, and knows no more of data than they say.
type fakeOurs struct {
	runtime.Runtime
	servers []runtime.Server
}

func (fakeOurs) Name() string { return string(cluster.Docker) }

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

// emptied notes what is taken away of ours.
type emptied struct {
	fakeOurs
	foreign *fakeForeign
}

func (e emptied) SetAside(_ context.Context, _, server string) (string, error) {
	e.foreign.done = append(e.foreign.done, "set aside "+server)
	return "", nil
}

func (e emptied) Remove(_ context.Context, _ string, removal runtime.Removal) error {
	e.foreign.done = append(e.foreign.done, fmt.Sprint("remove all, data: ", removal.Data))
	return nil
}

// What was begun of an adoption that is given up is taken away, and what was taken of
// members that have gone on since is no member's data any more.
func TestWhatWasBegunIsTakenAway(t *testing.T) {
	taken := runtime.Server{Name: "etcd1", Role: runtime.Member, Status: runtime.Created, Data: runtime.Kept}
	for _, c := range []struct {
		name  string
		ours  []runtime.Server
		begun bool
		data  bool
		done  []string
	}{
		{"nothing but a network", nil, true, false, []string{"part", "remove all, data: false"}},
		{"a member's data", []runtime.Server{taken}, true, false, []string{"set aside etcd1", "part", "remove all, data: false"}},
		{"a member's data, which is to go", []runtime.Server{taken}, true, true, []string{"part", "remove all, data: true"}},
		{"another member", []runtime.Server{{Name: "other", Role: runtime.Member, Status: runtime.Running}}, false, false, []string{"part", "remove all, data: false"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			foreign := &fakeForeign{stack: shop(of("etcd1", runtime.Running, open("etcd1")...))}
			r := &Runtime{Runtime: emptied{fakeOurs{servers: c.ours}, foreign}, Foreign: foreign}
			s, err := r.Observe(t.Context(), "ours")
			if err != nil || s.Begun != c.begun {
				t.Errorf("begun: %v, %v", s.Begun, err)
			}
			if err := r.Remove(t.Context(), "ours", runtime.Removal{Data: c.data}); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.done, foreign.done); diff != "" {
				t.Error(diff)
			}
		})
	}
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

// Who was removed from the cluster ends by itself, at any moment.
func TestAMemberThatHasEndedByItselfIsNotStoppedOnceMore(t *testing.T) {
	gone := of("", runtime.Stopped)
	gone.DataAt = "/srv/etcd"
	foreign := &fakeForeign{stack: shop(gone)}
	r := &Runtime{Runtime: onlyKnown{fakeOurs{servers: []runtime.Server{{Name: "etcd1", Role: runtime.Member, Status: runtime.Running}}}}, Foreign: foreign}
	if err := r.Stop(t.Context(), "ours", 0, "m1"); err != nil {
		t.Error(err)
	}
	if got := foreign.stack.Kept(); got != "/srv/etcd" {
		t.Errorf("what is kept is %q", got)
	}
}

// onlyKnown stops no server that it does not have.
type onlyKnown struct{ fakeOurs }

func (o onlyKnown) Stop(_ context.Context, _ string, _ time.Duration, servers ...string) error {
	return fmt.Errorf("%v: is not a member", servers)
}
