//go:build unix

package process_test

import (
	"errors"
	"net"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr/process"
)

func TestAMemberIsAddedWhileTheOthersRun(t *testing.T) {
	home := newHome(t)
	stack := stackOf(member(t, home, "a", "good"))
	r := run(t, home, stack)
	r.next(t, "a started")
	stack.Members = append(stack.Members, member(t, home, "b", "good"))
	if err := home.Change(t.Context(), stack, "b"); err != nil {
		t.Fatal(err)
	}
	r.next(t, "b started") // and a is not touched
	wantStatuses(t, home, map[string]process.Status{"a": process.Running, "b": process.Running})
	wantKept(t, home, "a", "b")
}

func TestADismissedMemberIsGoneAndItsDataIsKept(t *testing.T) {
	home := newHome(t)
	stack := stackOf(member(t, home, "a", "good"), member(t, home, "b", "good"))
	r := run(t, home, stack)
	r.next(t, "a started", "b started")
	if err := os.MkdirAll(stack.Members[1].DataDir, 0o700); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time it is gone already
		if err := home.Dismiss(t.Context(), "b"); err != nil {
			t.Fatal(err)
		}
	}
	wantStatuses(t, home, map[string]process.Status{"a": process.Running})
	wantKept(t, home, "a")
	if _, err := os.Stat(stack.Members[1].DataDir); err != nil {
		t.Error(err)
	}
	r.end()
	_ = r.wait()
	if err := home.Dismiss(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	wantKept(t, home)
}

func TestAStoppedMemberRestsUntilItIsStarted(t *testing.T) {
	home := newHome(t)
	stack := stackOf(member(t, home, "a", "good"), member(t, home, "b", "good"))
	launch(t, home, stack)
	if err := home.Stop(t.Context(), 0, "b"); err != nil {
		t.Fatal(err)
	}
	if err := home.Shutdown(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	stack, err := home.Stack()
	if err != nil {
		t.Fatal(err)
	}
	launch(t, home, stack)
	wantStatuses(t, home, map[string]process.Status{"a": process.Running, "b": process.Stopped})
	if err := home.Start(t.Context(), "b"); err != nil {
		t.Fatal(err)
	}
	wantStatuses(t, home, map[string]process.Status{"a": process.Running, "b": process.Running})
}

func TestAMemberThatMayNotTakeItsTimeIsKilled(t *testing.T) {
	home := newHome(t)
	r := run(t, home, stackOf(member(t, home, "a", "deaf")))
	r.says(t, "a: hello")
	if err := home.Stop(t.Context(), 50*time.Millisecond, "a"); err != nil {
		t.Fatal(err)
	}
	s, err := home.State()
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Members[0].LastExit; got != "signal: killed" {
		t.Errorf("got %q", got)
	}
}

func TestAMemberWhosePortIsTakenIsNotAdded(t *testing.T) {
	home := newHome(t)
	stack := stackOf(member(t, home, "a", "good"))
	r := run(t, home, stack)
	r.next(t, "a started")
	b := member(t, home, "b", "good")
	b.Addresses = map[string]string{listener(t): "client port"}
	stack.Members = append(stack.Members, b)
	if err := home.Change(t.Context(), stack, "b"); err == nil {
		t.Fatal("it was added")
	}
	wantKept(t, home, "a")
	wantStatuses(t, home, map[string]process.Status{"a": process.Running})
}

// wantKept compares the members that the stack has now.
func wantKept(t *testing.T, home process.Home, want ...string) {
	t.Helper()
	stack, err := home.Stack()
	if err != nil && !errors.Is(err, process.ErrNoStack) {
		t.Fatal(err)
	}
	var got []string
	for _, m := range stack.Members {
		got = append(got, m.Name)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("members (-want +got):\n%s", diff)
	}
}

// listener gives an address that is taken.
func listener(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.Addr().String()
}
