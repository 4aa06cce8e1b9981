//go:build unix

package process_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr/process"
)

// programs are what the test binary is when it is called by one of these names.
var programs = map[string]func(){
	"good":   good,
	"deaf":   deaf,
	"leaver": func() {},
	"crasher": func() {
		fmt.Println("about to crash")
		os.Exit(3)
	},
	"supervisor": supervise,
}

func TestMain(m *testing.M) {
	if program, ok := programs[os.Args[0]]; ok {
		program()
		return
	}
	os.Exit(m.Run())
}

// good says where it is in its life, and ends when asked.
func good() {
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGTERM)
	fmt.Println("hello from", os.Getenv("WHO"))
	<-asked
	fmt.Println("goodbye")
}

// deaf does not end when asked.
func deaf() {
	signal.Ignore(syscall.SIGTERM)
	fmt.Println("hello")
	for { // whoever waits for nothing at all is ended by Go as deadlocked, in a program without C
		time.Sleep(time.Hour)
	}
}

// supervise is the background side of Launch, in the folder it is started in.
func supervise() {
	dir, err := os.Getwd()
	if err != nil {
		panic(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	_ = process.Home{Dir: dir}.Serve(ctx, os.Stdin, os.Stdout, process.Options{}) // it tells its parent
}

func self(t *testing.T) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// member runs one of the programs.
func member(t *testing.T, home process.Home, name, program string) process.Member {
	t.Helper()
	return process.Member{
		Name: name, Path: self(t), Args: []string{program}, Env: []string{"WHO=" + name},
		DataDir: filepath.Join(home.Dir, name, "data"),
	}
}

func stackOf(members ...process.Member) process.Stack {
	return process.Stack{Name: "test", Members: members, StopGrace: 20 * time.Second}
}

func newHome(t *testing.T) process.Home {
	t.Helper()
	return process.Home{Dir: t.TempDir()}
}

// running is a stack that runs in the foreground of a test.
type running struct {
	home   process.Home
	end    context.CancelFunc
	ended  chan error
	events chan string
	mu     sync.Mutex
	lines  []string
}

// run runs a stack until the test ends, and returns when it is ready.
func run(t *testing.T, home process.Home, stack process.Stack) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{home: home, end: cancel, ended: make(chan error, 1), events: make(chan string, 100)}
	ready := make(chan struct{})
	go func() {
		r.ended <- home.Run(ctx, stack, process.Options{
			Events: func(e process.Event) { r.events <- e.Member + " " + word(e.Kind) },
			Output: r.line,
			Ready:  func() { close(ready) },
		})
		close(r.ended)
	}()
	t.Cleanup(func() { r.end(); _ = r.wait() })
	select {
	case <-ready:
	case err := <-r.ended:
		t.Fatal(err)
	}
	return r
}

// wait returns when the stack has ended, with the error of that.
func (r *running) wait() error { return <-r.ended }

func word(k process.Kind) string {
	return []string{"started", "ended", "crashed", "left", "emptied", "recovered", "rescued"}[k]
}

func (r *running) line(l process.Line) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, l.Member+": "+l.Text)
}

func (r *running) said() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Sorted(slices.Values(r.lines))
}

// next waits for these events, in this order.
func (r *running) next(t *testing.T, want ...string) {
	t.Helper()
	for _, w := range want {
		if got := <-r.events; got != w {
			t.Fatalf("got the event %q, want %q", got, w)
		}
	}
}

// says waits until all of these lines have been said.
func (r *running) says(t *testing.T, want ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	missing := slices.Clone(want)
	err := r.home.Logs(ctx, process.LogOptions{Follow: true, Tail: -1}, func(l process.Line) {
		missing = slices.DeleteFunc(missing, func(w string) bool { return w == l.Member+": "+l.Text })
		if len(missing) == 0 {
			cancel()
		}
	})
	if err != nil || len(missing) > 0 {
		t.Fatalf("never said: %q (%v)", missing, err)
	}
}

func statuses(t *testing.T, home process.Home) map[string]process.Status {
	t.Helper()
	s, err := home.State()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]process.Status{}
	for _, m := range s.Members {
		all[m.Name] = m.Status
	}
	return all
}

func wantStatuses(t *testing.T, home process.Home, want map[string]process.Status) {
	t.Helper()
	if diff := cmp.Diff(want, statuses(t, home)); diff != "" {
		t.Fatalf("statuses (-want +got):\n%s", diff)
	}
}

func TestMembersRunTogetherAndStopInOrder(t *testing.T) {
	home := newHome(t)
	r := run(t, home, stackOf(member(t, home, "a", "good"), member(t, home, "b", "good")))
	r.next(t, "a started", "b started")
	r.says(t, "a: hello from a", "b: hello from b")
	wantStatuses(t, home, map[string]process.Status{"a": process.Running, "b": process.Running})

	r.end()
	r.next(t, "a ended", "b ended")
	if err := r.wait(); err != nil {
		t.Fatal(err)
	}
	want := []string{"a: goodbye", "a: hello from a", "b: goodbye", "b: hello from b"}
	if diff := cmp.Diff(want, r.said()); diff != "" {
		t.Error(diff)
	}
	wantStatuses(t, home, map[string]process.Status{"a": process.Stopped, "b": process.Stopped})
}

func TestTheLeaderStopsLast(t *testing.T) {
	home := newHome(t)
	leader := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "# HELP etcd_server_is_leader Whether or not this member is a leader.\netcd_server_is_leader 1")
	}))
	defer leader.Close()
	a := member(t, home, "a", "good")
	a.MetricsURL = leader.URL
	r := run(t, home, stackOf(a, member(t, home, "b", "good"), member(t, home, "c", "good")))
	r.next(t, "a started", "b started", "c started")
	r.says(t, "a: hello from a", "b: hello from b", "c: hello from c")
	r.end()
	followers := []string{<-r.events, <-r.events}
	slices.Sort(followers)
	if diff := cmp.Diff([]string{"b ended", "c ended"}, followers); diff != "" {
		t.Error(diff)
	}
	r.next(t, "a ended")
}

func TestAMemberThatIsKilledIsStartedAgain(t *testing.T) {
	home := newHome(t)
	r := run(t, home, stackOf(member(t, home, "a", "good"), member(t, home, "b", "good")))
	r.next(t, "a started", "b started")
	s, err := home.State()
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(s.Members[1].Process.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	r.next(t, "b crashed", "b started")
	if s, err = home.State(); err != nil {
		t.Fatal(err)
	}
	b := s.Members[1]
	if b.Restarts != 1 || b.LastExit != "signal: killed" || b.Status != process.Running {
		t.Errorf("got %+v", b)
	}

	// What was before a start that somebody has asked for says nothing of the one that runs.
	if err := home.Stop(t.Context(), 0, "b"); err != nil {
		t.Fatal(err)
	}
	if err := home.Start(t.Context(), "b"); err != nil {
		t.Fatal(err)
	}
	r.next(t, "b ended", "b started")
	if s, err = home.State(); err != nil {
		t.Fatal(err)
	}
	if b = s.Members[1]; b.Restarts != 0 || b.Status != process.Running {
		t.Errorf("started by somebody it is %+v", b)
	}
}

// Members that have promised what they had written would take it back.
func TestAMemberWhoseDataIsGoneIsNotStartedAgain(t *testing.T) {
	home := newHome(t)
	a := member(t, home, "a", "good")
	r := run(t, home, stackOf(a))
	r.next(t, "a started")
	kill := func() {
		t.Helper()
		s, err := home.State()
		if err != nil {
			t.Fatal(err)
		}
		if err := syscall.Kill(s.Members[0].Process.PID, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	kill() // it has written nothing yet
	r.next(t, "a crashed", "a started")
	if err := os.MkdirAll(filepath.Join(a.DataDir, "member"), 0o700); err != nil {
		t.Fatal(err)
	}
	kill()
	r.next(t, "a crashed", "a started")
	if err := os.RemoveAll(a.DataDir); err != nil {
		t.Fatal(err)
	}
	kill()
	r.next(t, "a emptied")
	wantStatuses(t, home, map[string]process.Status{"a": process.Emptied})
	// Who starts it has decided that it may be another one.
	if err := home.Start(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	r.next(t, "a started")
	kill()
	r.next(t, "a crashed", "a started")
}

func TestAMemberThatCrashesStaysInTheBackOffUntilItIsStopped(t *testing.T) {
	home := newHome(t)
	r := run(t, home, stackOf(member(t, home, "a", "crasher")))
	r.next(t, "a started", "a crashed")
	wantStatuses(t, home, map[string]process.Status{"a": process.Restarting})
	if err := home.Stop(t.Context(), 0, "a"); err != nil {
		t.Fatal(err)
	}
	wantStatuses(t, home, map[string]process.Status{"a": process.Stopped})
}

func TestAMemberThatEndsByItselfIsNotStartedAgain(t *testing.T) {
	home := newHome(t)
	r := run(t, home, stackOf(member(t, home, "a", "leaver")))
	r.next(t, "a started", "a left")
	wantStatuses(t, home, map[string]process.Status{"a": process.Left})
	// Asked to, it is.
	if err := home.Start(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	r.next(t, "a started", "a left")
}

func TestAMemberThatDoesNotStopIsKilledAfterTheGrace(t *testing.T) {
	home := newHome(t)
	stack := stackOf(member(t, home, "a", "deaf"))
	stack.StopGrace = 100 * time.Millisecond
	r := run(t, home, stack)
	r.says(t, "a: hello")
	r.end()
	_ = r.wait()
	s, err := home.State()
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Members[0].LastExit; got != "signal: killed" {
		t.Errorf("got %q", got)
	}
}

func TestOneMemberIsStoppedAndStartedWhileTheOthersRun(t *testing.T) {
	home := newHome(t)
	r := run(t, home, stackOf(member(t, home, "a", "good"), member(t, home, "b", "good")))
	r.next(t, "a started", "b started")
	r.says(t, "a: hello from a")
	if err := home.Stop(t.Context(), 0, "a"); err != nil {
		t.Fatal(err)
	}
	r.next(t, "a ended")
	wantStatuses(t, home, map[string]process.Status{"a": process.Stopped, "b": process.Running})
	if err := home.Start(t.Context(), "a", "b"); err != nil {
		t.Fatal(err)
	}
	r.next(t, "a started")
	if err := home.Stop(t.Context(), 0, "c"); err == nil || err.Error() != "c is not a member" {
		t.Errorf("got %v", err)
	}
}

// A command that was interrupted may have begun to stop all.
func TestAStackThatIsBeingStoppedTakesNoOrders(t *testing.T) {
	home := newHome(t)
	stack := stackOf(member(t, home, "a", "good"), member(t, home, "b", "deaf"))
	stack.StopGrace = time.Minute
	r := run(t, home, stack)
	r.says(t, "a: hello from a", "b: hello")
	state, err := home.State()
	if err != nil {
		t.Fatal(err)
	}
	r.end()
	r.next(t, "a started", "b started", "a ended") // and b does not
	for name, err := range map[string]error{
		"start": home.Start(t.Context(), "a"), "stop": home.Stop(t.Context(), 0, "a"), "change": home.Change(t.Context(), stack, "a"),
	} {
		if !errors.Is(err, process.ErrStopping) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := syscall.Kill(state.Members[1].Process.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := home.AwaitEnd(t.Context()); err != nil {
		t.Fatal(err)
	}
	if state, err := home.State(); err != nil || state.Running {
		t.Errorf("it runs still: %v", err)
	}
}

func TestShutdownEndsTheForegroundCommandToo(t *testing.T) {
	home := newHome(t)
	r := run(t, home, stackOf(member(t, home, "a", "deaf")))
	r.says(t, "a: hello")
	if err := home.Shutdown(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	if err := r.wait(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(home.Dir, "control.sock")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
}

func TestASecondStartFindsTheFirst(t *testing.T) {
	home := newHome(t)
	stack := stackOf(member(t, home, "a", "good"))
	run(t, home, stack)
	err := home.Run(t.Context(), stack, process.Options{})
	var already *process.RunningError
	if !errors.As(err, &already) || already.Supervisor.PID != os.Getpid() || already.Name != "test" {
		t.Errorf("got %v", err)
	}
	if err := home.Remove(t.Context(), true); !errors.As(err, &already) {
		t.Errorf("got %v", err)
	}
}

func TestAMemberThatCannotStartLeavesNothingRunning(t *testing.T) {
	home := newHome(t)
	b := member(t, home, "b", "good")
	b.Path = filepath.Join(home.Dir, "missing")
	err := home.Run(t.Context(), stackOf(member(t, home, "a", "good"), b), process.Options{})
	if err == nil || !strings.HasPrefix(err.Error(), "cannot start b: ") {
		t.Fatalf("got %v", err)
	}
	wantStatuses(t, home, map[string]process.Status{"a": process.Stopped, "b": process.Stopped})
}

func TestEveryTakenPortIsNamedWithItsHolder(t *testing.T) {
	home := newHome(t)
	stack := stackOf(member(t, home, "a", "good"), member(t, home, "b", "good"))
	var want []string
	for i := range stack.Members {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		stack.Members[i].Addresses = map[string]string{l.Addr().String(): "client port"}
		want = append(want, fmt.Sprintf("%s, the client port of %s, is held by process.test (process %d): stop that, or give %s another client-port",
			l.Addr(), stack.Members[i].Name, os.Getpid(), stack.Members[i].Name))
	}
	err := home.Run(t.Context(), stack, process.Options{})
	if err == nil || err.Error() != strings.Join(want, "\n") {
		t.Errorf("got %v, want %v", err, want)
	}
}

func TestEphemeralDataIsDeletedAtTheEnd(t *testing.T) {
	for _, ephemeral := range []bool{true, false} {
		home := newHome(t)
		stack := stackOf(member(t, home, "a", "good"))
		stack.Ephemeral = ephemeral
		r := run(t, home, stack)
		data := stack.Members[0].DataDir
		if err := os.Mkdir(data, 0o700); err != nil {
			t.Fatal(err)
		}
		r.end()
		_ = r.wait()
		if _, err := os.Stat(data); errors.Is(err, os.ErrNotExist) != ephemeral {
			t.Errorf("ephemeral %t: %v", ephemeral, err)
		}
	}
}

// A member that joins anew must not rise on what the one before it has left.
func TestEphemeralDataIsDeletedWithTheMemberThatIsStopped(t *testing.T) {
	for _, ephemeral := range []bool{true, false} {
		home := newHome(t)
		stack := stackOf(member(t, home, "a", "good"), member(t, home, "b", "good"))
		stack.Ephemeral = ephemeral
		r := run(t, home, stack)
		for _, m := range stack.Members {
			if err := os.Mkdir(m.DataDir, 0o700); err != nil {
				t.Fatal(err)
			}
		}
		if err := home.Stop(t.Context(), 0, "a"); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(stack.Members[0].DataDir); errors.Is(err, os.ErrNotExist) != ephemeral {
			t.Errorf("ephemeral %t: of the one that is stopped: %v", ephemeral, err)
		}
		if _, err := os.Stat(stack.Members[1].DataDir); err != nil {
			t.Errorf("ephemeral %t: of the one that runs: %v", ephemeral, err)
		}
		r.end()
		_ = r.wait()
	}
}

func TestInTurnAMemberStartsWhenTheOneBeforeItAnswers(t *testing.T) {
	home := newHome(t)
	others := make(chan process.Status, 1)
	metrics := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		select {
		case others <- statuses(t, home)["b"]:
		default:
		}
	}))
	defer metrics.Close()
	a := member(t, home, "a", "good")
	a.MetricsURL = metrics.URL
	stack := stackOf(a, member(t, home, "b", "good"))
	stack.InTurn = true
	r := run(t, home, stack)
	r.next(t, "a started", "b started")
	if got := <-others; got != process.Stopped {
		t.Errorf("when a answered, b was %s", got)
	}
}
