package fleet

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr/backup"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/runtime"
)

// fake is a machine's engine. What it is not asked for in these tests it has not.
type fake struct {
	Engine
	world   *world
	at      string
	servers []runtime.Server
	silent  error    // it does not answer
	hangs   bool     // nor refuses
	dies    bool     // while it is listened to
	rest    bool     // it has something of a cluster that is gone
	unfit   error    // it can't fill volumes
	has     []string // clusters
	held    bool     // another command's lock, which is let go of at once
	folder  string   // that its servers were started in
}

// world is all engines, with what was asked of them in order.
type world struct {
	mu      sync.Mutex
	engines map[string]*fake
	calls   []string
	notes   string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return &world{engines: map[string]*fake{}, notes: t.TempDir()}
}

func (w *world) call(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = append(w.calls, fmt.Sprintf(format, args...))
}

func (w *world) engine(at string) *fake {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.engines[at] == nil {
		w.engines[at] = &fake{world: w, at: at}
	}
	return w.engines[at]
}

func (f *fake) Answers(ctx context.Context) error {
	if f.hangs {
		<-ctx.Done()
		return ctx.Err()
	}
	return f.silent
}

func (f *fake) Close() error { return nil }

func (f *fake) Observe(ctx context.Context, name string) (*runtime.State, error) {
	if err := f.Answers(ctx); err != nil {
		return nil, err
	}
	if len(f.servers) == 0 && !f.rest {
		return nil, &runtime.NotFoundError{Name: name}
	}
	return &runtime.State{Name: name, Folder: f.folder, Servers: slices.Clone(f.servers)}, nil
}

func (f *fake) List(context.Context) ([]runtime.State, error) {
	var all []runtime.State
	for _, name := range f.has {
		all = append(all, runtime.State{Name: name})
	}
	return all, nil
}

func (f *fake) Make(_ context.Context, want *cluster.Cluster, servers ...string) error {
	f.world.call("make %s of %d", strings.Join(servers, " "), len(want.Members))
	return nil
}

func (f *fake) Apply(_ context.Context, want *cluster.Cluster, servers ...string) error {
	f.world.call("apply %s of %d", strings.Join(servers, " "), len(want.Members))
	for _, name := range servers {
		f.servers = append(f.servers, runtime.Server{Name: name, Role: runtime.Member, Status: runtime.Running, Since: time.Now(), Settings: want.Members[0].Settings})
	}
	return nil
}

func (f *fake) TryFill(context.Context, *cluster.Cluster) error { return f.unfit }

func (f *fake) Changes(_ context.Context, want *cluster.Cluster, have *runtime.State) ([]runtime.Change, error) {
	f.world.call("changes of %s beside %d", want.Members[0].Name, len(have.Members()))
	return []runtime.Change{{Server: "etcd1", Whole: true}, {Server: "etcd2"}}, nil
}

func (f *fake) Stop(_ context.Context, _ string, _ time.Duration, servers ...string) error {
	f.world.call("stop %s at %s", strings.Join(servers, " "), f.at)
	return nil
}

func (f *fake) Logs(ctx context.Context, _ string, o runtime.LogOptions, line func(runtime.Line)) error {
	if err := f.Answers(ctx); err != nil {
		return err
	}
	line(runtime.Line{Server: o.Servers[0], Text: "said at " + f.at})
	if f.dies {
		f.silent = errors.New("broken pipe")
	}
	return f.silent
}

func (f *fake) Remove(_ context.Context, _ string, r runtime.Removal) error {
	f.world.call("remove %s at %s", strings.Join(r.Servers, " "), f.at)
	f.servers, f.rest = nil, false
	return nil
}

func (f *fake) Lock(_ context.Context, _ string, waiting func()) (func() error, error) {
	f.world.call("lock %s", f.at)
	if f.held {
		waiting()
	}
	return func() error { f.world.call("unlock %s", f.at); return nil }, nil
}

// spec has a member for each engine, in order; host N is that of engine eN.
func spec(engines ...string) cluster.Spec {
	s := cluster.Spec{Name: "orders"}
	for i, at := range engines {
		s.Members.List = append(s.Members.List, cluster.MemberSpec{
			Name: fmt.Sprintf("etcd%d", i+1), Host: "192.0.2." + strings.TrimPrefix(at, "e0"), Engine: at,
		})
	}
	return s
}

func (w *world) runtime(s cluster.Spec) *Runtime {
	return New(Options{Spec: s, Name: "docker", Notes: w.notes, Open: func(at cluster.Engine, _ func(runtime.Event)) (Engine, error) {
		return w.engine(at.At), nil
	}})
}

func (w *world) start(t *testing.T, s cluster.Spec) *Runtime {
	t.Helper()
	r := w.runtime(s)
	if err := r.Apply(t.Context(), place1(t, r, s)); err != nil {
		t.Fatal(err)
	}
	return r
}

func place1(t *testing.T, r *Runtime, s cluster.Spec) *cluster.Cluster {
	t.Helper()
	c, err := r.Place(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// seen are the servers, each with its status and machine.
func seen(t *testing.T, r *Runtime) []string {
	t.Helper()
	have, err := r.Observe(t.Context(), "orders")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, s := range have.Servers {
		all = append(all, fmt.Sprintf("%s %s %s", s.Name, s.Status, s.Host))
	}
	return all
}

func TestMembersAreAllMadeBeforeTheFirstIsStarted(t *testing.T) {
	w := newWorld(t)
	w.start(t, spec("e01", "e02", "e03"))
	if len(w.calls) != 6 {
		t.Fatalf("calls %q", w.calls)
	}
	slices.Sort(w.calls[:3])
	slices.Sort(w.calls[3:])
	want := []string{"make etcd1 of 1", "make etcd2 of 1", "make etcd3 of 1", "apply etcd1 of 1", "apply etcd2 of 1", "apply etcd3 of 1"}
	if diff := cmp.Diff(want, w.calls); diff != "" {
		t.Error(diff)
	}
}

// Whose cluster has the name on one of the machines is not known from here, and its data is
// not deleted with that of the others.
func TestAClusterIsOfThisFolderWhereItIsOnAllMachines(t *testing.T) {
	w, here, there := newWorld(t), t.TempDir(), t.TempDir()
	r := w.start(t, spec("e01", "e02", "e03"))
	r.o.Folder, r.o.Bundles = here, t.TempDir()
	if err := os.WriteFile(filepath.Join(r.o.Bundles, "orders-etcd2.tar.gz"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		folders []string
		want    string
	}{
		{[]string{here, here, here}, here},
		{[]string{here, "", here}, here},
		{[]string{here, there, here}, there},
		{[]string{there, here, here}, there},
		{[]string{here, "/root/orders-etcd2", here}, here}, // where somebody has unpacked the archive
		{[]string{here, "/root/orders-etcd3", here}, "/root/orders-etcd3"},
	} {
		for i, folder := range c.folders {
			w.engine(fmt.Sprintf("e%02d", i+1)).folder = folder
		}
		have, err := r.Observe(t.Context(), "orders")
		if err != nil || have.Folder != c.want {
			t.Errorf("started in %q: it is of %s, %v, want %s", c.folders, have.Folder, err, c.want)
		}
	}
}

func TestAMachineThatDoesNotAnswerIsOneMemberAway(t *testing.T) {
	for name, away := range map[string]func(*fake){
		"refuses": func(f *fake) { f.silent = errors.New("connection refused") },
		"hangs":   func(f *fake) { f.hangs = true },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				r := w.start(t, spec("e01", "e02", "e03"))
				away(w.engine("e02"))
				want := []string{"etcd1 running 192.0.2.1", "etcd2 away 192.0.2.2", "etcd3 running 192.0.2.3"}
				if diff := cmp.Diff(want, seen(t, r)); diff != "" {
					t.Error(diff)
				}
				have, _ := r.Observe(t.Context(), "orders")
				if s, _ := have.Server("etcd2"); s.ClientURL() != "https://192.0.2.2:2379" || s.Detail == "" {
					t.Errorf("of etcd2 is known %+v", s)
				}
				if data, err := r.Data(t.Context(), "orders", "etcd2"); err != nil || data != runtime.Unknown {
					t.Errorf("its data is %q: %v", data, err)
				}
				err := r.Stop(t.Context(), "orders", 0, "etcd2")
				if gone := (*runtime.AwayError)(nil); !errors.As(err, &gone) || gone.Server != "etcd2" || gone.Machine != "e02" {
					t.Errorf("to stop it gives %v", err)
				}
			})
		})
	}
}

// An engine may have died while it was worked with: nobody waits for it.
func TestWorkEndsWithTheMachineThatDoesIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		r := w.start(t, spec("e01"))
		m, err := r.machine(cluster.Engine{At: "e01"}, "192.0.2.1")
		if err != nil {
			t.Fatal(err)
		}
		err = m.work(t.Context(), "etcd1", func(ctx context.Context) error {
			w.engine("e01").hangs = true
			<-ctx.Done()
			return ctx.Err()
		})
		if gone := (*runtime.AwayError)(nil); !errors.As(err, &gone) || gone.Server != "etcd1" {
			t.Errorf("it ends with %v", err)
		}
	})
}

func TestAMemberOnAnotherMachineIsTwoServersUntilItHasMoved(t *testing.T) {
	w := newWorld(t)
	w.start(t, spec("e01", "e02", "e03"))
	moved := spec("e01", "e04", "e03")
	r := w.runtime(moved)
	before := []string{"etcd1 running 192.0.2.1", "etcd2@192.0.2.2 running 192.0.2.2", "etcd3 running 192.0.2.3"}
	if diff := cmp.Diff(before, seen(t, r)); diff != "" {
		t.Error(diff)
	}
	have, err := r.Observe(t.Context(), "orders")
	if err != nil {
		t.Fatal(err)
	}
	changes, err := r.Changes(t.Context(), place1(t, r, moved), have)
	for _, x := range have.Servers {
		if former := x.Name == "etcd2@192.0.2.2"; x.Former != former {
			t.Errorf("%s: that it has gone elsewhere is %v", x.Name, x.Former)
		}
	}
	want := []runtime.Change{{Server: "etcd1"}, {Server: "etcd2"}, {Server: "etcd2@192.0.2.2", Kind: runtime.Leave}}
	if diff := cmp.Diff(want, changes); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	for _, call := range []string{"changes of etcd1 beside 1", "changes of etcd2 beside 0", "changes of etcd3 beside 1"} {
		if !slices.Contains(w.calls, call) {
			t.Errorf("there is no %q in %q", call, w.calls)
		}
	}
	if err := r.Apply(t.Context(), place1(t, r, moved), "etcd2"); err != nil {
		t.Fatal(err)
	}
	if got := seen(t, r); len(got) != 4 || !slices.Contains(got, "etcd2 running 192.0.2.4") {
		t.Errorf("there are %q", got)
	}
	if err := r.Remove(t.Context(), "orders", runtime.Removal{Servers: []string{"etcd2@192.0.2.2"}, Data: true}); err != nil {
		t.Fatal(err)
	}
	after := []string{"etcd1 running 192.0.2.1", "etcd2 running 192.0.2.4", "etcd3 running 192.0.2.3"}
	if diff := cmp.Diff(after, seen(t, w.runtime(moved))); diff != "" {
		t.Error(diff)
	}
	if !slices.Contains(w.calls, "remove etcd2 at e02") {
		t.Errorf("calls %q", w.calls)
	}
}

func TestTheSameMachineReachedOtherwiseIsNoMove(t *testing.T) {
	for name, change := range map[string]func(w *world, m *cluster.MemberSpec){
		"another way to its engine": func(w *world, m *cluster.MemberSpec) {
			m.Engine = "e09"
			w.engines["e09"] = w.engines["e02"]
		},
		"another address": func(_ *world, m *cluster.MemberSpec) { m.Host = "192.0.2.99" },
		"both": func(w *world, m *cluster.MemberSpec) {
			m.Engine, m.Host = "e09", "192.0.2.99"
			w.engines["e09"] = w.engines["e02"]
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.start(t, spec("e01", "e02", "e03"))
			s := spec("e01", "e02", "e03")
			change(w, &s.Members.List[1])
			got := seen(t, w.runtime(s))
			if len(got) != 3 || !strings.HasPrefix(got[1], "etcd2 running") {
				t.Errorf("there are %q", got)
			}
		})
	}
}

// A machine that is gone for good does not keep its member in the list for ever; and one
// that comes back may run it again, which nobody wants: with others it was given up with,
// it is a cluster of its own beside the one that took its place.
func TestWhatIsLeftOnAMachineThatIsAwayIsSeenOnceThatAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.start(t, spec("e01", "e02", "e03"))
		w.engine("e03").silent = errors.New("no route to host")
		r := w.runtime(spec("e01", "e02"))
		if got := seen(t, r); len(got) != 3 || got[2] != "etcd3 away 192.0.2.3" {
			t.Errorf("there are %q", got)
		}
		w.remove(t, r, "etcd3")
		if got := seen(t, w.runtime(spec("e01", "e02"))); len(got) != 2 {
			t.Errorf("there are %q", got)
		}
		w.remove(t, r) // all, and what is left stays noted
		w.start(t, spec("e01", "e02"))
		w.engine("e03").silent = nil
		r = w.runtime(spec("e01", "e02"))
		if got := seen(t, r); len(got) != 3 || got[2] != "etcd3 running 192.0.2.3" {
			t.Errorf("with the machine back there are %q", got)
		}
		w.remove(t, r, "etcd3")
		if err := r.NoteData(t.Context(), "orders"); err != nil {
			t.Fatal(err)
		}
		w.engine("e03").silent = errors.New("no route to host")
		if got := seen(t, w.runtime(spec("e01", "e02"))); len(got) != 2 {
			t.Errorf("once it was taken away there are %q", got)
		}
		if note, err := os.ReadFile(r.noteFile()); err != nil || strings.Contains(string(note), "etcd3") {
			t.Errorf("noted is %v:\n%s", err, note)
		}
	})
}

// Nobody waits long for a machine on which there is nothing but what was left there.
func TestAMachineThatNobodyMissesIsNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.start(t, spec("e01", "e02", "e03"))
		w.engine("e03").hangs = true
		r := w.runtime(spec("e01", "e02"))
		w.remove(t, r, "etcd3")
		r = w.runtime(spec("e01", "e02"))
		began := time.Now()
		seen(t, r)
		if took := time.Since(began); took != leftPatience {
			t.Errorf("to look takes %v", took)
		}
		time.Sleep(2 * awayFor)
		began = time.Now()
		seen(t, r)
		if took := time.Since(began); took != 0 {
			t.Errorf("to look again takes %v", took)
		}
	})
}

// remove removes servers, or all with their data.
func (w *world) remove(t *testing.T, r *Runtime, servers ...string) {
	t.Helper()
	if err := r.Remove(t.Context(), "orders", runtime.Removal{Servers: servers, Data: len(servers) == 0}); err != nil {
		t.Fatal(err)
	}
}

// Whoever asks for the logs of all names all of them: one that is away is no reason to
// show none.
func TestLogsAreThoseOfTheMachinesThatAnswer(t *testing.T) {
	for name, c := range map[string]struct {
		of   []string
		away func(*fake)
		want int
	}{
		"all, by name":       {[]string{"etcd1", "etcd2", "etcd3"}, func(f *fake) { f.silent = errors.New("no route to host") }, 2},
		"all":                {nil, func(f *fake) { f.silent = errors.New("no route to host") }, 2},
		"all, and one dies":  {[]string{"etcd1", "etcd2", "etcd3"}, func(f *fake) { f.dies = true }, 3},
		"two, and one is up": {[]string{"etcd1", "etcd2"}, func(f *fake) { f.silent = errors.New("no route to host") }, 1},
	} {
		w := newWorld(t)
		var told []runtime.Event
		s := spec("e01", "e02", "e03")
		w.start(t, s)
		c.away(w.engine("e02"))
		r := w.runtime(s)
		r.o.Events = func(e runtime.Event) { told = append(told, e) }
		var lines []runtime.Line
		err := r.Logs(t.Context(), "orders", runtime.LogOptions{Servers: c.of}, func(l runtime.Line) { lines = append(lines, l) })
		if err != nil || len(lines) != c.want {
			t.Errorf("%s: %v: %q", name, err, lines)
		}
		if len(told) != 1 || told[0].Server != "etcd2" {
			t.Errorf("%s: told is %+v", name, told)
		}
	}
	w := newWorld(t)
	r := w.start(t, spec("e01", "e02"))
	w.engine("e02").silent = errors.New("no route to host")
	err := r.Logs(t.Context(), "orders", runtime.LogOptions{Servers: []string{"etcd2"}}, func(runtime.Line) {})
	if away := (*runtime.AwayError)(nil); !errors.As(err, &away) {
		t.Errorf("of one that is away alone it gives %v", err)
	}
}

func TestLocksAreTakenInOneOrder(t *testing.T) {
	w := newWorld(t)
	r := w.runtime(spec("e03", "e01", "e02"))
	release, err := r.Lock(t.Context(), "orders", func() {})
	if err != nil {
		t.Fatal(err)
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}
	want := []string{"lock e01", "lock e02", "lock e03", "unlock e03", "unlock e02", "unlock e01"}
	if diff := cmp.Diff(want, w.calls); diff != "" {
		t.Error(diff)
	}
}

// Who waits on several machines says so once, and need not say so at all.
func TestWaitingForLocksIsSaidOnce(t *testing.T) {
	w := newWorld(t)
	r := w.runtime(spec("e01", "e02"))
	w.engine("e01").held, w.engine("e02").held = true, true
	said := 0
	for _, waiting := range []func(){func() { said++ }, nil} {
		release, err := r.Lock(t.Context(), "orders", waiting)
		if err != nil {
			t.Fatal(err)
		}
		if err := release(); err != nil {
			t.Fatal(err)
		}
	}
	if said != 1 {
		t.Errorf("it is said %d times", said)
	}
}

// What else the machines have is another cluster's, whose members are where they are
// seen: nothing is known of it on a machine that is away.
func TestWhatElseMachinesHaveIsListed(t *testing.T) {
	w := newWorld(t)
	r := w.start(t, spec("e01", "e02", "e03"))
	for _, at := range []string{"e01", "e02", "e03"} {
		w.engine(at).has = []string{"orders", "another"}
	}
	w.engine("e03").silent = errors.New("connection refused")
	all, err := r.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for _, s := range all {
		got[s.Name] = len(s.Servers)
	}
	if diff := cmp.Diff(map[string]int{"another": 2, "orders": 3}, got); diff != "" {
		t.Error(diff)
	}
}

func TestAllButWhatIsAwayIsStopped(t *testing.T) {
	w := newWorld(t)
	r := w.start(t, spec("e01", "e02", "e03"))
	w.engine("e02").silent = errors.New("connection refused")
	w.calls = nil
	if err := r.Stop(t.Context(), "orders", 0); err != nil {
		t.Fatal(err)
	}
	slices.Sort(w.calls)
	if diff := cmp.Diff([]string{"stop etcd1 at e01", "stop etcd3 at e03"}, w.calls); diff != "" {
		t.Error(diff)
	}
	w.engine("e01").silent, w.engine("e03").silent = errors.New("connection refused"), errors.New("connection refused")
	gone := (*runtime.AwayError)(nil)
	if err := w.runtime(spec("e01", "e02", "e03")).Stop(t.Context(), "orders", 0); !errors.As(err, &gone) {
		t.Errorf("with nobody there it gives %v", err)
	}
}

// Those that run are stopped for what all are to be given, which they are not where one
// can't be given anything.
func TestNobodyIsFilledWhereAMachineDoesNotAnswer(t *testing.T) {
	w := newWorld(t)
	r := w.start(t, spec("e01", "e02", "e03"))
	want := place1(t, r, spec("e01", "e02", "e03"))
	if err := r.TryFill(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	w.engine("e03").unfit = errors.New("no image can be made")
	if err := r.TryFill(t.Context(), want); !errors.Is(err, w.engine("e03").unfit) {
		t.Errorf("without an image for etcd3: %v", err)
	}
	w.engine("e02").silent = errors.New("no route to host")
	r = w.runtime(spec("e01", "e02", "e03"))
	if away := (*runtime.AwayError)(nil); !errors.As(backup.TryFill(t.Context(), r, want), &away) || away.Server != "etcd2" {
		t.Errorf("without the machine of etcd2: %v", away)
	}
}

// Somebody was on the network of a machine when its last member went: what is left there is
// seen, and goes with the next Remove.
func TestWhatAMachineHasLeftOfAClusterGoesOnceNobodyUsesIt(t *testing.T) {
	w := newWorld(t)
	r := w.runtime(spec("e01", "e02", "e03"))
	w.engine("e02").rest = true
	have, err := r.Observe(t.Context(), "orders")
	if err != nil || len(have.Servers) > 0 {
		t.Fatalf("it has %v, %v", have, err)
	}
	if err := r.Remove(t.Context(), "orders", runtime.Removal{}); err != nil {
		t.Fatal(err)
	}
	if want := []string{"remove  at e02"}; !slices.Equal(w.calls, want) {
		t.Errorf("done was %q, want %q", w.calls, want)
	}
	if _, err := r.Observe(t.Context(), "orders"); !errors.Is(err, runtime.ErrNotFound) {
		t.Errorf("then it says %v", err)
	}
}
