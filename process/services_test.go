//go:build unix

package process_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr/process"
)

func TestServicesStartBeforeTheMembersAndStopAfterThem(t *testing.T) {
	home := newHome(t)
	stack := stackOf(member(t, home, "a", "good"), member(t, home, "b", "good"))
	stack.Services = []process.Member{member(t, home, "service", "good")}
	r := run(t, home, stack)
	r.next(t, "service started", "a started", "b started")
	r.says(t, "service: hello from service", "a: hello from a", "b: hello from b")
	s, err := home.State()
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Services) != 1 || s.Services[0].Status != process.Running {
		t.Errorf("got %+v", s.Services)
	}
	r.end()
	r.next(t, "a ended", "b ended", "service ended")
}

func TestMembersWaitForTheirPreparation(t *testing.T) {
	home := newHome(t)
	stack := stackOf(member(t, home, "a", "good"))
	stack.Services = []process.Member{member(t, home, "service", "good")}
	var events []string
	note := func(e process.Event) { events = append(events, e.Member+" "+word(e.Kind)) }
	ctx, end := context.WithCancel(t.Context())
	err := home.Run(ctx, stack, process.Options{
		Events:  note,
		Ready:   end,
		Prepare: func(context.Context, process.Stack) error { events = append(events, "prepared"); return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"service started", "prepared", "a started"}, events[:3]); diff != "" {
		t.Error(diff)
	}
}

func TestAPreparationThatFailsLeavesNothingRunning(t *testing.T) {
	home := newHome(t)
	stack := stackOf(member(t, home, "a", "good"))
	stack.Services = []process.Member{member(t, home, "service", "good")}
	wrong := errors.New("not today")
	err := home.Run(t.Context(), stack, process.Options{
		Prepare: func(context.Context, process.Stack) error { return wrong },
	})
	if !errors.Is(err, wrong) {
		t.Errorf("got %v", err)
	}
	s, err := home.State()
	if err != nil {
		t.Fatal(err)
	}
	if s.Running || s.Services[0].Status != process.Stopped || s.Members[0].Status != process.Stopped {
		t.Errorf("got %+v", s)
	}
}

func TestAChangeRestartsTheMembersThatItNames(t *testing.T) {
	home := newHome(t)
	stack := stackOf(member(t, home, "a", "good"), member(t, home, "b", "good"))
	r := run(t, home, stack)
	r.next(t, "a started", "b started")
	r.says(t, "b: hello from b")
	wanted := stackOf(member(t, home, "a", "good"), member(t, home, "b", "good"))
	wanted.Members[0].Env, wanted.Members[1].Env = []string{"WHO=someone"}, []string{"WHO=else"}
	if err := home.Change(t.Context(), wanted, "b"); err != nil {
		t.Fatal(err)
	}
	r.next(t, "b ended", "b started")
	r.says(t, "b: hello from else")
	now, err := home.Stack()
	if err != nil {
		t.Fatal(err)
	}
	stack.Members[1], stack.Home = wanted.Members[1], home.Dir // a goes on as it was
	if diff := cmp.Diff(stack, now); diff != "" {
		t.Error(diff)
	}
	if err := home.Change(t.Context(), wanted, "c"); err == nil {
		t.Error("a member that there is not was changed")
	}
}
