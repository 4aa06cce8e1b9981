package runtimetest

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/runtime"
)

func placeMakesNothing(s *subject) {
	c := s.place(s.spec(3))
	s.wantNothing()
	if c.Name != s.name || len(c.Members) != 3 {
		s.Errorf("it is %s with %d members", c.Name, len(c.Members))
	}
	s.apply(c)
	if diff := cmp.Diff(places(c), places(s.place(s.spec(3)))); diff != "" {
		s.Errorf("a cluster that is there has another place (-first +then):\n%s", diff)
	}
	if _, err := s.runtime.Place(s.ctx, cluster.Spec{Name: s.name, TLS: "perhaps"}); err == nil {
		s.Error("a spec with a mistake is placed")
	}
}

func observeTellsOfNothing(s *subject) {
	untouched := s.f.Bystander(s.T, s.name)
	s.wantNothing()
	if err := s.runtime.Remove(s.ctx, s.name, runtime.Removal{}); err != nil {
		s.Errorf("Remove of nothing: %v", err)
	}
	if err := untouched(); err != nil {
		s.Error(err)
	}
}

func listTellsOfEach(s *subject) {
	s.start(1)
	if s.wantListed().Rests() {
		s.Error("one that runs is said to be nothing but data")
	}
	s.serve("etcd1")
	if err := s.runtime.Remove(s.ctx, s.name, runtime.Removal{}); err != nil {
		s.Fatal(err)
	}
	if !s.wantListed().Rests() {
		s.Error("one of which only data is left is not said to be that")
	}
}

// wantListed is the cluster as List has it, which is as Observe does.
func (s *subject) wantListed() *runtime.State {
	s.Helper()
	all, err := s.runtime.List(s.ctx)
	if err != nil {
		s.Fatal(err)
	}
	i := slices.IndexFunc(all, func(x runtime.State) bool { return x.Name == s.name })
	if i < 0 {
		s.Fatalf("%s is not among the %d clusters", s.name, len(all))
	}
	if diff := cmp.Diff(names(s.observe().Servers), names(all[i].Servers)); diff != "" {
		s.Errorf("List and Observe differ (-observe +list):\n%s", diff)
	}
	return &all[i]
}

func dataIsLookedAt(s *subject) {
	s.wantData("etcd1", runtime.None)
	s.start(1)
	s.serve("etcd1")
	s.wantData("etcd1", runtime.Kept)
	s.stop("etcd1")
	s.wantData("etcd1", runtime.Kept)
	if err := s.runtime.Remove(s.ctx, s.name, runtime.Removal{}); err != nil {
		s.Fatal(err)
	}
	s.wantData("etcd1", runtime.Kept)
}

func volatileDataIsTold(s *subject) {
	spec := s.spec(1)
	spec.Data = string(cluster.Memory)
	s.apply(s.place(spec))
	s.wantData("etcd1", runtime.Volatile)
	if got := s.server("etcd1"); got.Data != runtime.Volatile {
		s.Errorf("Observe says that its data is %q", got.Data)
	}
}

func changesAreToldBySetting(s *subject) {
	s.wantChanges(s.place(s.spec(3)),
		runtime.Change{Server: "etcd1", Kind: runtime.Missing},
		runtime.Change{Server: "etcd2", Kind: runtime.Missing},
		runtime.Change{Server: "etcd3", Kind: runtime.Missing})
	s.start(3)
	s.serve("etcd1", "etcd2", "etcd3")
	s.wantChanges(s.place(s.spec(3)))

	two := s.spec(3)
	two.LogLevel, two.SnapshotCount = "error", "4000"
	differences := []runtime.Difference{{Name: "snapshot-count", Was: "10000", Is: "4000"}, {Name: "log-level", Was: "warn", Is: "error"}}
	s.wantChanges(s.place(two),
		runtime.Change{Server: "etcd1", Kind: runtime.Replace, Differences: differences},
		runtime.Change{Server: "etcd2", Kind: runtime.Replace, Differences: differences},
		runtime.Change{Server: "etcd3", Kind: runtime.Replace, Differences: differences})

	token := s.spec(3)
	token.InitialClusterToken = "another"
	s.wantChanges(s.place(token))

	fewer := s.place(s.spec(3))
	fewer.Members = fewer.Members[:2]
	s.wantChanges(fewer, runtime.Change{Server: "etcd3", Kind: runtime.Leave})
}

func prepareTouchesNothing(s *subject) {
	c := s.start(1)
	s.serve("etcd1")
	before := s.observe()
	s.f.Spoil(c)
	if err := s.runtime.Prepare(s.ctx, c); err == nil {
		s.Error("Prepare finds nothing wrong")
	}
	s.wantUntouched(before)

	other := s.spec(1)
	other.LogLevel = "error"
	if err := s.runtime.Prepare(s.ctx, s.place(other)); err != nil {
		s.Errorf("Prepare: %v", err)
	}
	s.wantUntouched(before)
	if got := s.observe().Servers; len(got) != len(before.Servers) {
		s.Errorf("Prepare has made the servers %v", names(got))
	}
}

func firstStartServes(s *subject) {
	c := s.start(3)
	have := s.observe()
	if have.Name != s.name || have.Runtime != s.runtime.Name() {
		s.Errorf("it is %s on %s", have.Name, have.Runtime)
	}
	if diff := cmp.Diff([]string{"etcd1", "etcd2", "etcd3"}, names(have.Members())); diff != "" {
		s.Errorf("members (-want +got):\n%s", diff)
	}
	for i, m := range have.Members() {
		if m.Role != runtime.Member || m.Status != runtime.Running || m.Since.IsZero() || m.Program == "" {
			s.Errorf("%s: %+v", m.Name, m)
		}
		if diff := cmp.Diff(byName(c.Members[i].Settings), byName(m.Settings)); diff != "" {
			s.Errorf("settings of %s (-want +got):\n%s", m.Name, diff)
		}
	}
	s.serve("etcd1", "etcd2", "etcd3")
	s.write("first")
	s.wantValue("etcd3", "first")
}

func applyAgainDoesNothing(s *subject) {
	c := s.start(3)
	s.serve("etcd1", "etcd2", "etcd3")
	before := s.observe()
	s.apply(c)
	s.apply(c, "etcd2")
	s.apply(s.place(s.spec(3)))
	s.wantUntouched(before)
}

func applyOneKeepsTheOthers(s *subject) {
	s.start(3)
	s.write("kept")
	before := s.observe()
	other := s.spec(3)
	other.LogLevel = "error"
	c := s.place(other)
	s.apply(c, "etcd2")
	s.wantUntouched(before, "etcd2")
	s.wantValue("etcd2", "kept")
	if got := s.server("etcd2").Settings.Get("log-level"); got != "error" {
		s.Errorf("etcd2 has the log level %q", got)
	}
	difference := []runtime.Difference{{Name: "log-level", Was: "warn", Is: "error"}}
	s.wantChanges(c,
		runtime.Change{Server: "etcd1", Kind: runtime.Replace, Differences: difference},
		runtime.Change{Server: "etcd3", Kind: runtime.Replace, Differences: difference})
}

func applyStartsWhatHasCrashed(s *subject) {
	c := s.start(3)
	s.write("kept")
	before := s.observe()
	s.f.Crash(s.T, s.name, "etcd3")
	s.apply(c)
	s.wantStatus("etcd3", runtime.Running)
	s.wantValue("etcd3", "kept")
	s.wantUntouched(before, "etcd3")
}

func (s *subject) stop(servers ...string) {
	s.Helper()
	if err := s.runtime.Stop(s.ctx, s.name, 0, servers...); err != nil {
		s.Fatalf("Stop %v: %v", servers, err)
	}
}

func stopKeepsUntilStart(s *subject) {
	s.start(3)
	s.write("kept")
	s.wantValue("etcd2", "kept") // a signal before it listens for one ends it out of order
	before := s.observe()
	s.stop("etcd2")
	s.stop("etcd2")
	s.runtime = s.f.Runtime(s.T, nil)
	s.wantStatus("etcd2", runtime.Stopped)
	s.wantUntouched(before, "etcd2")
	s.wantChanges(s.place(s.spec(3)))
	for range 2 {
		if err := s.runtime.Start(s.ctx, s.name, "etcd2"); err != nil {
			s.Fatalf("Start: %v", err)
		}
	}
	s.wantStatus("etcd2", runtime.Running)
	s.wantValue("etcd2", "kept")

	s.stop()
	for _, x := range s.observe().Servers {
		if x.Status != runtime.Stopped {
			s.Errorf("%s is %s", x.Name, x.Status)
		}
	}
	if err := s.runtime.Start(s.ctx, s.name); err != nil {
		s.Fatalf("Start: %v", err)
	}
	s.wantValue("etcd3", "kept")
	if err := s.runtime.Stop(s.ctx, s.name, 0, "etcd9"); err == nil {
		s.Error("a server that is not there can be stopped")
	}
}

func removeKeepsTheData(s *subject) {
	untouched := s.f.Bystander(s.T, s.name)
	c := s.start(3)
	s.write("kept")
	s.wantValue("etcd3", "kept") // it may have started last
	before := s.observe()
	if err := s.runtime.Remove(s.ctx, s.name, runtime.Removal{Servers: []string{"etcd3"}}); err != nil {
		s.Fatal(err)
	}
	s.wantStatus("etcd3", runtime.Absent)
	s.wantData("etcd3", runtime.Kept)
	s.wantUntouched(before, "etcd3")
	s.apply(c)
	s.wantValue("etcd3", "kept")

	if err := s.runtime.Remove(s.ctx, s.name, runtime.Removal{}); err != nil {
		s.Fatal(err)
	}
	for _, x := range s.observe().Servers {
		if x.Status != runtime.Absent {
			s.Errorf("%s is %s", x.Name, x.Status)
		}
	}
	s.apply(s.place(s.spec(3)))
	s.wantValue("etcd2", "kept")
	if err := untouched(); err != nil {
		s.Error(err)
	}
}

func removeDeletesNamedData(s *subject) {
	untouched := s.f.Bystander(s.T, s.name)
	s.start(3)
	s.write("kept")
	before := s.observe()
	if err := s.runtime.Remove(s.ctx, s.name, runtime.Removal{Servers: []string{"etcd3"}, Data: true}); err != nil {
		s.Fatal(err)
	}
	if x, ok := s.observe().Server("etcd3"); ok {
		s.Errorf("etcd3 is still there: %+v", x)
	}
	s.wantData("etcd3", runtime.None)
	s.wantUntouched(before, "etcd3")
	s.wantValue("etcd2", "kept")
	for range 2 {
		if err := s.runtime.Remove(s.ctx, s.name, runtime.Removal{Data: true}); err != nil {
			s.Fatal(err)
		}
		s.wantNothing()
	}
	if err := untouched(); err != nil {
		s.Error(err)
	}
}

func whatWasWishedOutlivesTheServers(s *subject) {
	flagged := func(key, value string) *cluster.Cluster {
		spec := s.spec(1)
		if err := spec.Set(key, value); err != nil {
			s.Fatal(err)
		}
		return s.place(spec)
	}
	wantWish := func(when string, want *cluster.Cluster) {
		s.Helper()
		if got := s.observe().Wish; got != want.Spec.Wish() {
			s.Errorf("%s it says that it was started with %q, want %q", when, got, want.Spec.Wish())
		}
	}
	first := flagged("snapshot-count", "4000")
	s.apply(first)
	wantWish("started,", first)
	s.remove()
	wantWish("taken down,", first)
	s.apply(first)
	wantWish("back,", first)
	if n, ok := s.runtime.(runtime.Noter); ok {
		then := flagged("log-level", "error")
		for range 2 {
			if err := n.Note(s.ctx, then); err != nil {
				s.Fatal(err)
			}
		}
		wantWish("noted,", then)
		s.remove()
		wantWish("noted and taken down,", then)
	}
	if err := s.runtime.Remove(s.ctx, s.name, runtime.Removal{Data: true}); err != nil {
		s.Fatal(err)
	}
	s.wantNothing()
}

// remove takes the servers down and keeps their data.
func (s *subject) remove() {
	s.Helper()
	s.stop()
	if err := s.runtime.Remove(s.ctx, s.name, runtime.Removal{}); err != nil {
		s.Fatalf("Remove: %v", err)
	}
}

func setAsideDeletesNothing(s *subject) {
	c := s.start(1)
	s.write("old")
	s.stop("etcd1")
	where, err := s.runtime.SetAside(s.ctx, s.name, "etcd1")
	if err != nil || where == "" {
		s.Fatalf("SetAside gave %q and %v", where, err)
	}
	s.wantData("etcd1", runtime.None)
	if again, err := s.runtime.SetAside(s.ctx, s.name, "etcd1"); err != nil || again != "" {
		s.Errorf("SetAside of nothing gave %q and %v", again, err)
	}
	s.apply(c)
	s.wantValue("etcd1", "")
	if !s.f.Holds(s.T, s.name, "etcd1", where) {
		s.Errorf("nothing is left at %s", where)
	}
	if _, err := s.runtime.SetAside(s.ctx, s.name, "etcd1"); err == nil {
		s.Error("the data of a server that runs can be set aside")
	}
	s.wantValue("etcd1", "")
}

func reachLeadsToTheMembers(s *subject) {
	s.start(3)
	s.serve("etcd1", "etcd2", "etcd3")
	s.stop("etcd2")
	way, err := s.runtime.Reach(s.ctx, s.observe())
	if err != nil {
		s.Fatal(err)
	}
	for _, m := range s.observe().Members() {
		for _, u := range []string{m.ClientURL(), m.PeerURL()} {
			conn, err := way.Dial(s.ctx, "tcp", hostPort(s, u))
			if err == nil {
				conn.Close()
			}
			if (err == nil) != (m.Name != "etcd2") {
				s.Errorf("%s at %s: %v", m.Name, u, err)
			}
		}
	}
	if err := way.Close(); err != nil {
		s.Errorf("Close: %v", err)
	}
}

func lockKeepsOthersOut(s *subject) {
	release, err := s.runtime.Lock(s.ctx, s.name, func() { s.Error("nobody else holds it") })
	if err != nil {
		s.Fatal(err)
	}
	ctx, cancel := context.WithCancel(s.ctx)
	if _, err := s.f.Runtime(s.T, nil).Lock(ctx, s.name, cancel); !errors.Is(err, context.Canceled) {
		s.Errorf("a second lock gave %v, want %v", err, context.Canceled)
	}
	var once sync.Once
	waiting, got := make(chan struct{}), make(chan error, 1)
	go func() {
		r, err := s.f.Runtime(s.T, nil).Lock(s.ctx, s.name, func() { once.Do(func() { close(waiting) }) })
		if err == nil {
			err = r()
		}
		got <- err
	}()
	<-waiting
	if err := release(); err != nil {
		s.Errorf("release: %v", err)
	}
	if err := <-got; err != nil {
		s.Errorf("the second lock: %v", err)
	}
}

// applyFinishesWhatWasCutOff cuts Apply off at each event of a start in turn.
func applyFinishesWhatWasCutOff(s *subject) {
	c := s.place(s.spec(3))
	for cut := range 6 {
		ctx, cancel := context.WithCancel(s.ctx)
		left := cut
		cutting := s.f.Runtime(s.T, func(runtime.Event) {
			if left == 0 {
				cancel()
			}
			left--
		})
		err := cutting.Prepare(ctx, c)
		if err == nil {
			err = cutting.Apply(ctx, c)
		}
		cancel()
		if err == nil && left < 0 {
			break // the end came sooner
		}
	}
	s.apply(c)
	s.wantChanges(s.place(s.spec(3)))
	s.serve("etcd1", "etcd2", "etcd3")
	s.write("kept")

	other := s.spec(3)
	other.LogLevel = "error"
	changed := s.place(other)
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	_ = s.f.Runtime(s.T, func(runtime.Event) { cancel() }).Apply(ctx, changed, "etcd2")
	s.apply(changed, "etcd2")
	s.wantValue("etcd2", "kept")
	if got := s.server("etcd2").Settings.Get("log-level"); got != "error" {
		s.Errorf("etcd2 has the log level %q", got)
	}
}
