//go:build unix

package backup_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/etcdctr/etcdctr/backup"
	"github.com/etcdctr/etcdctr/member"
)

func storeAt(t *testing.T, dir string) backup.Store {
	t.Helper()
	s, err := backup.OpenStore(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// runner backs the cluster up into a store until it is stopped.
type runner struct {
	*backup.Runner
	stop func()

	mu     sync.Mutex
	failed []error
}

func runRunner(t *testing.T, c *running, s backup.Store) *runner {
	t.Helper()
	return runRunnerBy(t, c, s, time.Now)
}

// runRunnerBy goes by a clock.
func runRunnerBy(t *testing.T, c *running, s backup.Store, now func() time.Time) *runner {
	t.Helper()
	r := &runner{Runner: &backup.Runner{
		Store: s, Request: request(), Continuous: true, Now: now,
		Next: func(last time.Time) time.Time { return last.Add(time.Hour) },
		Ask: func(context.Context) (*member.Client, func() error, error) {
			return c.client, func() error { return nil }, nil
		},
		Tell: func(what string) { t.Log(what) },
	}}
	r.Fail = func(err error) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.failed = append(r.failed, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	r.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(r.stop)
	return r
}

// leadsTo waits until the store leads to a revision.
func leadsTo(t *testing.T, s backup.Store, revision int64) backup.Source {
	t.Helper()
	for {
		source, err := backup.Find(t.Context(), s, "orders", backup.Moment{})
		if err == nil && source.Revision >= revision {
			return source
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-t.Context().Done():
			t.Fatalf("the store leads to revision %d, %v, and not to %d", source.Revision, err, revision)
		}
	}
}

// moment is what a cluster held.
type moment struct {
	revision int64
	time     time.Time
	holds    map[string]string
}

// happen changes a cluster that holds something at random, and remembers what it held after each
// change.
func happen(t *testing.T, etcd *clientv3.Client, holds map[string]string, changes int) []moment {
	t.Helper()
	lease, err := etcd.Grant(t.Context(), 1000)
	if err != nil {
		t.Fatal(err)
	}
	var all []moment
	holds = maps.Clone(holds)
	for i := range changes {
		key, value := fmt.Sprintf("key/%02d", rand.IntN(30)), fmt.Sprintf("value of %d", i)
		var op clientv3.Op
		switch rand.IntN(5) {
		case 0:
			op = clientv3.OpDelete(key)
			delete(holds, key)
		case 1: // several at once
			other := key + "/other"
			op = clientv3.OpTxn(nil, []clientv3.Op{clientv3.OpPut(key, value), clientv3.OpDelete("key/0", clientv3.WithPrefix()), clientv3.OpPut(other+"/new", value)}, nil)
			if strings.HasPrefix(key, "key/0") {
				op = clientv3.OpPut(other, value)
				holds[other] = value
				break
			}
			maps.DeleteFunc(holds, func(k, _ string) bool { return strings.HasPrefix(k, "key/0") })
			holds[key], holds[other+"/new"] = value, value
		case 2:
			op = clientv3.OpPut(key, value, clientv3.WithLease(lease.ID))
			holds[key] = value
		default:
			op = clientv3.OpPut(key, value)
			holds[key] = value
		}
		done, err := etcd.Do(t.Context(), op)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, moment{revisionOf(done), time.Now(), maps.Clone(holds)})
	}
	return all
}

func revisionOf(r clientv3.OpResponse) int64 {
	switch {
	case r.Put() != nil:
		return r.Put().Header.Revision
	case r.Del() != nil:
		return r.Del().Header.Revision
	}
	return r.Txn().Header.Revision
}

// held reads what a cluster holds, or held at a revision.
func held(t *testing.T, etcd *clientv3.Client, at ...clientv3.OpOption) map[string]string {
	t.Helper()
	got, err := etcd.Get(t.Context(), "key/", append(at, clientv3.WithPrefix())...)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, kv := range got.Kvs {
		all[string(kv.Key)] = string(kv.Value)
	}
	return all
}

// The members compact, the runner is away for a while, and still every moment
// comes back.
func TestEveryMomentComesBack(t *testing.T) {
	c := start(t, []string{"a"})
	etcd, s := c.raw(t), storeAt(t, t.TempDir())
	first := runRunner(t, c, s)
	leadsTo(t, s, 1)
	history := happen(t, etcd, map[string]string{}, 200)
	leadsTo(t, s, history[len(history)-1].revision)
	quiet := moment{revision: history[len(history)-1].revision, time: time.Now()}
	if _, err := etcd.Compact(t.Context(), history[150].revision); err != nil {
		t.Fatal(err)
	}
	first.stop()
	history = append(history, happen(t, etcd, history[len(history)-1].holds, 100)...)
	second := runRunner(t, c, s)
	last := history[len(history)-1]
	leadsTo(t, s, last.revision)
	second.stop()
	if len(second.failed) > 0 {
		t.Errorf("that it was away is no gap, and it says %v", second.failed)
	}
	r := processes(t)
	want := place(t, r, 1)
	whole := restoration(t, r, want)
	source, err := backup.Find(t.Context(), s, "orders", backup.Moment{})
	if err != nil {
		t.Fatal(err)
	}
	whole.Source, whole.Bump = &source, 0
	if restored, err := whole.Do(t.Context(), source.Backup.Path); err != nil || restored.Revision != last.revision {
		t.Fatalf("%+v, %v, want revision %d", restored, err, last.revision)
	}
	restored := connect(t, endpoints(t, r)...)
	for range 20 { // etcd itself reads the history that was written for it
		m := history[rand.IntN(len(history))]
		if m.revision <= source.Backup.Metadata.Revision {
			continue
		}
		if diff := cmp.Diff(m.holds, held(t, restored, clientv3.WithRev(m.revision))); diff != "" {
			t.Errorf("at revision %d (-was +restored):\n%s", m.revision, diff)
		}
	}
	leases, err := restored.Leases(t.Context())
	if err != nil || len(leases.Leases) == 0 {
		t.Errorf("the leases are %v, %v", leases, err)
	}
	atRevision(t, s, history[20+rand.IntN(len(history)-30)])
	// A change counts from when the runner got it, which may be some after it was made.
	at, err := backup.Find(t.Context(), s, "orders", backup.Moment{Time: quiet.time})
	if err != nil || at.Revision != quiet.revision {
		t.Errorf("while nothing happened it leads to revision %d, %v, and the cluster was at %d", at.Revision, err, quiet.revision)
	}
}

// atRevision restores a moment into a cluster of its own.
func atRevision(t *testing.T, s backup.Store, m moment) {
	t.Helper()
	source, err := backup.Find(t.Context(), s, "orders", backup.Moment{Revision: m.revision})
	if err != nil || source.Revision != m.revision {
		t.Fatalf("it leads to %+v, %v, want revision %d", source, err, m.revision)
	}
	r := processes(t)
	one := restoration(t, r, place(t, r, 1))
	one.Source = &source
	if _, err := one.Do(t.Context(), source.Backup.Path); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(m.holds, held(t, connect(t, endpoints(t, r)...))); diff != "" {
		t.Errorf("at revision %d (-was +restored):\n%s", m.revision, diff)
	}
	if err := r.Stop(t.Context(), "orders", 0); err != nil {
		t.Fatal(err)
	}
}

// What was compacted while nobody followed is known to nobody: a whole backup
// goes on from there, and no moment in between is made up.
func TestAGapIsClosedByAWholeBackup(t *testing.T) {
	c := start(t, []string{"a"})
	etcd, s := c.raw(t), storeAt(t, t.TempDir())
	first := runRunner(t, c, s)
	leadsTo(t, s, 1)
	before := happen(t, etcd, map[string]string{}, 10)
	leadsTo(t, s, before[9].revision)
	first.stop()
	lost := happen(t, etcd, before[9].holds, 10)
	if _, err := etcd.Compact(t.Context(), lost[9].revision); err != nil {
		t.Fatal(err)
	}
	second := runRunner(t, c, s)
	leadsTo(t, s, lost[9].revision)
	after := happen(t, etcd, lost[9].holds, 10)
	leadsTo(t, s, after[9].revision)
	second.stop()
	if !slices.ContainsFunc(second.failed, func(err error) bool { return errors.Is(err, member.ErrOvertaken) }) {
		t.Errorf("of the gap it says %v", second.failed)
	}
	for _, test := range []struct {
		at   backup.Moment
		want int64 // 0: unknown
	}{
		{backup.Moment{Revision: before[9].revision}, before[9].revision},
		{backup.Moment{Revision: lost[4].revision}, 0},
		{backup.Moment{Time: lost[4].time}, 0},
		{backup.Moment{Revision: after[4].revision}, after[4].revision},
		{backup.Moment{Revision: after[9].revision + 1}, 0},
	} {
		source, err := backup.Find(t.Context(), s, "orders", test.at)
		if test.want == 0 && !errors.Is(err, backup.ErrUnknownMoment) || test.want != 0 && (err != nil || source.Revision != test.want) {
			t.Errorf("%s leads to revision %d, %v, want %d", test.at, source.Revision, err, test.want)
		}
	}
}

// A cluster that knows less than its backup has lost its data, or is another one: a
// backup of it would be the newest, and drive out those that hold the data.
func TestAClusterThatKnowsLessIsNotBackedUp(t *testing.T) {
	s := storeAt(t, t.TempDir())
	first := start(t, []string{"a"})
	write(t, first.raw(t), 20, 10)
	if _, _, err := backup.TakeInto(t.Context(), first.client, s, request()); err != nil {
		t.Fatal(err)
	}
	empty := start(t, []string{"a"})
	r := &backup.Runner{
		Store: s, Request: request(), Now: time.Now, Keep: backup.Keep{Last: 1},
		Next: func(last time.Time) time.Time { return last },
		Ask: func(context.Context) (*member.Client, func() error, error) {
			return empty.client, func() error { return nil }, nil
		},
		Tell: func(what string) { t.Log(what) }, Fail: func(error) {},
	}
	behind := (*backup.BehindError)(nil)
	if taken, err := r.Once(t.Context()); taken || !errors.As(err, &behind) || behind.Revision != 1 {
		t.Errorf("taken is %v, with %v", taken, err)
	}
	if all, err := backup.List(t.Context(), s); err != nil || len(all) != 1 || all[0].Metadata.Revision != 21 {
		t.Errorf("the store has %+v, %v", all, err)
	}
}

// Members that were given up may be a cluster of their own beside the one that took their
// place: an archive by the name of one with the data of the other would drive out those of both.
func TestOfSeveralClustersNoneIsBackedUp(t *testing.T) {
	t.Parallel()
	s := storeAt(t, t.TempDir())
	recovered, former := start(t, []string{"etcd1"}), start(t, []string{"etcd2"})
	write(t, recovered.raw(t), 20, 10)
	write(t, former.raw(t), 5, 10)
	if _, _, err := backup.TakeInto(t.Context(), recovered.client, s, request()); err != nil {
		t.Fatal(err)
	}
	both, err := member.New(member.Config{URLs: map[string]string{"etcd1": recovered.clients["etcd1"], "etcd2": former.clients["etcd2"]}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = both.Close() })
	if _, _, err := backup.TakeInto(t.Context(), both, s, request()); !errors.Is(err, member.ErrSeveralClusters) {
		t.Errorf("one by hand is taken, with %v", err)
	}
	r := runRunner(t, &running{client: both}, s)
	for {
		r.mu.Lock()
		failed := slices.Clone(r.failed)
		r.mu.Unlock()
		if len(failed) > 1 {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	r.stop()
	for _, err := range r.failed {
		if !errors.Is(err, member.ErrSeveralClusters) {
			t.Errorf("it fails with %v", err)
		}
	}
	if all, err := backup.List(t.Context(), s); err != nil || len(all) != 1 || all[0].Metadata.Revision != 21 {
		t.Errorf("the store has %+v, %v", all, err)
	}
	named := request()
	named.Member, named.Time = "etcd2", named.Time.Add(time.Hour)
	if _, made, err := backup.TakeInto(t.Context(), both, s, named); err != nil || made.Revision != 6 {
		t.Errorf("of one that was named comes %+v, %v", made, err)
	}
}

// Who follows changes and comes upon a cluster that has lost some tells up to when there are
// any, however often it tries: what it has not kept is no backup.
func TestWhatIsMissedOfAClusterIsOfWhenItWasKept(t *testing.T) {
	dir := t.TempDir()
	s, c := storeAt(t, dir), start(t, []string{"a"})
	if _, _, err := backup.TakeInto(t.Context(), c.client, s, request()); err != nil {
		t.Fatal(err)
	}
	v, err := c.client.Look(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	revision, id := backup.Known(v)
	kept := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	changes := fmt.Sprintf("orders-%s-%s-%d-%d.events.zst", kept.Format("20060102T150405.000Z"), id, revision, revision+50)
	if err := os.WriteFile(filepath.Join(dir, changes), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	r := runRunner(t, c, s)
	for {
		r.mu.Lock()
		failed := slices.Clone(r.failed)
		r.mu.Unlock()
		if len(failed) > 1 {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	r.stop()
	for _, err := range r.failed {
		behind := (*backup.BehindError)(nil)
		if !errors.As(err, &behind) || !behind.Backup.Metadata.Time.Equal(kept) || strings.Contains(err.Error(), "its backup of") {
			t.Errorf("it says %q", err)
		}
	}
}

// A restoration raises revisions, and its undoing brings back a cluster that has never
// been there: it has lost nothing, and is backed up.
func TestAClusterThatIsBroughtBackIsBackedUp(t *testing.T) {
	s, now := storeAt(t, t.TempDir()), time.Now()
	inAnHour := func(last time.Time) time.Time { return last.Add(time.Hour) }
	of := func(c *running) *backup.Runner {
		return &backup.Runner{
			Store: s, Request: request(), Next: inAnHour, Keep: backup.Keep{Last: 1},
			Now: func() time.Time { return now },
			Ask: func(context.Context) (*member.Client, func() error, error) {
				return c.client, func() error { return nil }, nil
			},
			Tell: func(what string) { t.Log(what) }, Fail: func(error) {},
		}
	}
	former, restored := start(t, []string{"a"}), start(t, []string{"b"})
	write(t, former.raw(t), 5, 10)
	write(t, restored.raw(t), 20, 10)
	once := func(c *running) {
		t.Helper()
		now = now.Add(time.Hour)
		if taken, err := of(c).Once(t.Context()); !taken || err != nil {
			t.Errorf("taken is %v, with %v", taken, err)
		}
	}
	once(former)
	first := now
	once(restored)
	once(restored) // which drives out its own alone
	v, err := former.client.Look(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, id := backup.Known(v)
	late := (*backup.LateError)(nil)
	if err := backup.Check(t.Context(), s, "orders", former.client.Look, inAnHour, now); !errors.As(err, &late) || !late.Newest.Truncate(time.Second).Equal(first.Truncate(time.Second)) {
		t.Errorf("the cluster that was brought back: %v, want that its own is of an hour ago", err)
	}
	behind := (*backup.BehindError)(nil)
	if err := backup.Check(t.Context(), s, "orders", says(v, func(e *member.Endpoint) { e.Cluster++ }), inAnHour, now); !errors.As(err, &behind) {
		t.Errorf("a cluster that no backup is of: %v, want that it is behind the newest", err)
	}
	if err := backup.Check(t.Context(), s, "orders", says(v, func(e *member.Endpoint) { e.Revision = 1 }), inAnHour, now); !errors.As(err, &behind) || behind.Backup.Metadata.ClusterID == id {
		t.Errorf("the cluster that has begun anew: %v, want that it is behind the newest", err)
	}
	once(former)
	if err := backup.Check(t.Context(), s, "orders", former.client.Look, inAnHour, now); err != nil {
		t.Errorf("once it is backed up: %v", err)
	}
}

// says is what members say, changed.
func says(v member.View, change func(*member.Endpoint)) func(context.Context) (member.View, error) {
	v.Endpoints = slices.Clone(v.Endpoints)
	for i := range v.Endpoints {
		change(&v.Endpoints[i])
	}
	return func(context.Context) (member.View, error) { return v, nil }
}

// A member that is cut off takes seconds not to answer. What the others have said by then is
// less than a backup has that is taken meanwhile, and nothing is lost.
func TestABackupThatIsTakenWhileMembersAreAskedIsNotMissed(t *testing.T) {
	t.Parallel()
	s, c := storeAt(t, t.TempDir()), start(t, []string{"a"})
	slowly := func(ctx context.Context) (member.View, error) {
		v, err := c.client.Look(ctx)
		if err != nil {
			return v, err
		}
		write(t, c.raw(t), 20, 10)
		_, _, err = backup.TakeInto(ctx, c.client, s, request())
		return v, err
	}
	if err := backup.Check(t.Context(), s, "orders", slowly, func(last time.Time) time.Time { return last.Add(time.Hour) }, request().Time); errors.As(err, new(*backup.BehindError)) {
		t.Errorf("it says %v", err)
	}
}

// A machine whose clock was ahead for a moment has dated a backup a year on. It must not
// be the last one for a year, nor drive out those that come after it.
func TestAClockThatWasAheadDelaysNoBackup(t *testing.T) {
	c, s := start(t, []string{"a"}), storeAt(t, t.TempDir())
	now := time.Now().Truncate(time.Second)
	r := &backup.Runner{
		Store: s, Request: request(), Keep: backup.Keep{Last: 1},
		Now:  func() time.Time { return now },
		Next: func(last time.Time) time.Time { return last.Add(time.Hour) },
		Ask: func(context.Context) (*member.Client, func() error, error) {
			return c.client, func() error { return nil }, nil
		},
		Tell: func(what string) { t.Log(what) }, Fail: func(error) {},
	}
	once := func(want bool) {
		t.Helper()
		if taken, err := r.Once(t.Context()); taken != want || err != nil {
			t.Errorf("taken is %v, want %v, with %v", taken, want, err)
		}
	}
	now = now.AddDate(1, 0, 0)
	once(true)
	now = now.AddDate(-1, 0, 0)
	late := (*backup.LateError)(nil)
	if err := backup.Check(t.Context(), s, "orders", c.client.Look, r.Next, now); !errors.As(err, &late) {
		t.Errorf("nobody misses a backup: %v", err)
	}
	write(t, c.raw(t), 10, 10)
	once(true)
	once(false)
	now = now.Add(time.Hour)
	once(true)
	all, err := backup.List(t.Context(), s)
	if err != nil || len(all) != 1 || !all[0].Metadata.Time.Equal(now) {
		t.Errorf("the store has %+v, %v, want what was taken last", all, err)
	}
}

func TestChangesWhileAClockWasAheadAreFoundByTheTimeOfThoseAfterThem(t *testing.T) {
	c, s := start(t, []string{"a"}), storeAt(t, t.TempDir())
	right := runRunner(t, c, s)
	leadsTo(t, s, 1)
	right.stop()
	ahead := runRunnerBy(t, c, s, func() time.Time { return time.Now().Add(time.Hour / 2) })
	write(t, c.raw(t), 10, 10)
	leadsTo(t, s, 11)
	ahead.stop()
	write(t, c.raw(t), 10, 10)
	runRunner(t, c, s)
	leadsTo(t, s, 21)
	source, err := backup.Find(t.Context(), s, "orders", backup.Moment{Time: time.Now().Add(time.Minute)})
	if err != nil || source.Revision != 21 {
		t.Errorf("a minute from now leads to revision %d, %v, want 21", source.Revision, err)
	}
}

// Whoever follows the changes of a new cluster waits for its first backup, and takes none
// of its own.
func TestANewClusterIsBackedUpOnce(t *testing.T) {
	t.Parallel()
	c := start(t, []string{"etcd1"})
	store := storeAt(t, t.TempDir())
	r := runRunner(t, c, store)
	leadsTo(t, store, 1)
	leadsTo(t, store, write(t, c.raw(t), 3, 10))
	r.stop()
	all, err := backup.List(t.Context(), store)
	if err != nil || len(all) != 1 || len(r.failed) > 0 {
		t.Errorf("there are %d backups, %v; what failed: %v", len(all), err, r.failed)
	}
}
