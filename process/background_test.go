//go:build unix

package process_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/etcdctr/etcdctr/process"
)

// launch starts a stack in the background, and ends it with the test.
func launch(t *testing.T, home process.Home, stack process.Stack) {
	t.Helper()
	t.Cleanup(func() { _ = home.Shutdown(context.Background(), true) })
	if err := home.Launch(t.Context(), stack, supervisorCommand(t)); err != nil {
		t.Fatal(err)
	}
}

func supervisorCommand(t *testing.T) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(self(t))
	cmd.Args = []string{"supervisor"}
	return cmd
}

func TestAStackInTheBackgroundTakesOrdersAndEnds(t *testing.T) {
	home := newHome(t)
	launch(t, home, stackOf(member(t, home, "a", "good"), member(t, home, "b", "good")))
	wantStatuses(t, home, map[string]process.Status{"a": process.Running, "b": process.Running})
	if err := home.Stop(t.Context(), 0, "b"); err != nil {
		t.Fatal(err)
	}
	wantStatuses(t, home, map[string]process.Status{"a": process.Running, "b": process.Stopped})
	var already *process.RunningError
	if err := home.Launch(t.Context(), stackOf(), supervisorCommand(t)); !errors.As(err, &already) {
		t.Errorf("got %v", err)
	}
	if err := home.Shutdown(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	wantStatuses(t, home, map[string]process.Status{"a": process.Stopped, "b": process.Stopped})
	before, err := home.State()
	if err != nil {
		t.Fatal(err)
	}
	if err := home.Shutdown(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	after, err := home.State()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before.Members, after.Members); diff != "" {
		t.Errorf("stopped again, they have stopped anew (-want +got):\n%s", diff)
	}
	if err := home.Start(t.Context(), "a"); err == nil || err.Error() != "test is not running" {
		t.Errorf("got %v", err)
	}
}

// A script that holds a lock while it calls this program has it alone again.
func TestABackgroundHoldsNoFileOfWhoStartedIt(t *testing.T) {
	theirs, handed, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.Close()
	if _, err := unix.FcntlInt(handed.Fd(), unix.F_SETFD, 0); err != nil { // as what a shell hands over
		t.Fatal(err)
	}
	home := newHome(t)
	launch(t, home, stackOf(member(t, home, "a", "good")))
	if err := handed.Close(); err != nil {
		t.Fatal(err)
	}
	if err := theirs.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := theirs.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("somebody still has the file: %v", err)
	}
}

func TestWhyTheBackgroundFailsIsToldInTheForeground(t *testing.T) {
	home := newHome(t)
	a := member(t, home, "a", "good")
	a.Path = "/missing"
	err := home.Launch(t.Context(), stackOf(a), supervisorCommand(t))
	if err == nil || !strings.HasPrefix(err.Error(), "cannot start a: ") {
		t.Errorf("got %v", err)
	}
}

func TestAKilledSupervisorLeavesNoOrphansAndARecoverableState(t *testing.T) {
	home := newHome(t)
	stack := stackOf(member(t, home, "a", "deaf"), member(t, home, "b", "good"))
	stack.StopGrace = 100 * time.Millisecond
	launch(t, home, stack)
	before, err := home.State()
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(before.Supervisor.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "supervisor and members to end", func() bool {
		now, err := home.State()
		return err == nil && !now.Running && !before.Members[0].Process.Alive() && !before.Members[1].Process.Alive()
	})
	wantStatuses(t, home, map[string]process.Status{"a": process.Lost, "b": process.Lost})

	r := run(t, home, stack)
	r.next(t, " recovered", "a started", "b started")
}

func TestAnOrphanIsFoundByItsNumberAndStartTimeAndEnded(t *testing.T) {
	home := newHome(t)
	stack := stackOf(member(t, home, "a", "good"), member(t, home, "b", "good"))
	orphan, stranger := startDeaf(t), startDeaf(t)
	writeState(t, home, process.State{Name: "test", Socket: filepath.Join(home.Dir, "none"), Members: []process.MemberState{
		{Name: "a", Status: process.Running, Process: process.ID{PID: orphan.Process.Pid, Started: time.Now()}},
		// The number of b's process went to a stranger after the machine had been off.
		{Name: "b", Status: process.Running, Process: process.ID{PID: stranger.Process.Pid, Started: time.Now().Add(-time.Hour)}},
	}})
	wantStatuses(t, home, map[string]process.Status{"a": process.Orphaned, "b": process.Lost})

	r := run(t, home, stack)
	r.next(t, "a rescued", " recovered", "a started", "b started")
	if err := orphan.Wait(); err == nil || err.Error() != "signal: killed" {
		t.Errorf("the orphan: %v", err)
	}
	if err := stranger.Process.Signal(syscall.Signal(0)); err != nil {
		t.Errorf("the stranger was ended: %v", err)
	}
}

func TestShutdownPutsAKilledStackInOrder(t *testing.T) {
	home := newHome(t)
	orphan := startDeaf(t)
	writeState(t, home, process.State{Name: "test", Socket: filepath.Join(home.Dir, "none"), Members: []process.MemberState{
		{Name: "a", Status: process.Running, Process: process.ID{PID: orphan.Process.Pid, Started: time.Now()}},
	}})
	data, err := json.Marshal(stackOf(member(t, home, "a", "good")))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(home.Dir, "stack.json"), data, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := home.Shutdown(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	if err := orphan.Wait(); err == nil || err.Error() != "signal: killed" {
		t.Errorf("the orphan: %v", err)
	}
	wantStatuses(t, home, map[string]process.Status{"a": process.Stopped})
}

// Where the path of a home is too long for a socket, that has a folder elsewhere, which
// nobody finds who does not know of it.
func TestNoFolderOfASocketStays(t *testing.T) {
	long := process.Home{Dir: filepath.Join(t.TempDir(), strings.Repeat("long", 25))}
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	if err := os.MkdirAll(long.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	kill := func() {
		t.Helper()
		launch(t, long, stackOf(member(t, long, "a", "good")))
		s, err := long.State()
		if err != nil {
			t.Fatal(err)
		}
		if err := syscall.Kill(s.Supervisor.PID, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		waitFor(t, "the supervisor to end", func() bool {
			now, err := long.State()
			return err == nil && !now.Running && !s.Supervisor.Alive()
		})
	}
	want := func(after string, n int) {
		t.Helper()
		entries, err := os.ReadDir(temporary)
		if err != nil || len(entries) != n {
			t.Errorf("after %s there are %v, %v", after, entries, err)
		}
	}
	kill()
	want("a kill", 1)
	kill()
	want("another start and kill", 1)
	if err := long.Shutdown(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	want("the end of what was killed", 0)
	missing := member(t, long, "a", "good")
	missing.Path = "/missing"
	if err := long.Launch(t.Context(), stackOf(missing), supervisorCommand(t)); err == nil {
		t.Error("a program that is missing runs")
	}
	want("a start that failed", 0)
}

// startDeaf starts a process and returns when it runs.
func startDeaf(t *testing.T) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(self(t))
	cmd.Args = []string{"deaf"}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	if !bufio.NewScanner(out).Scan() {
		t.Fatal("it said nothing")
	}
	return cmd
}

func writeState(t *testing.T, home process.Home, s process.State) {
	t.Helper()
	data, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(home.Dir, "state.json"), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func waitFor(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !is(); {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func TestThereIsNoStackInAnEmptyHome(t *testing.T) {
	home := newHome(t)
	if _, err := home.State(); !errors.Is(err, process.ErrNoStack) {
		t.Errorf("got %v", err)
	}
	if err := home.Shutdown(t.Context(), false); !errors.Is(err, process.ErrNoStack) {
		t.Errorf("got %v", err)
	}
}

func TestRemoveForgetsTheStackAndDeletesDataOnlyWhenAsked(t *testing.T) {
	home := newHome(t)
	stack := stackOf(member(t, home, "a", "leaver"))
	r := run(t, home, stack)
	r.next(t, "a started", "a left")
	r.end()
	_ = r.wait()
	if err := os.Mkdir(stack.Members[0].DataDir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := home.Remove(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	if _, err := home.State(); !errors.Is(err, process.ErrNoStack) {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(stack.Members[0].DataDir); err != nil {
		t.Error(err)
	}
	if err := home.Remove(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(home.Dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}
