//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

// load is a client that writes one key after the other, and another one that
// watches them all. What etcd has acknowledged is compared with both in the
// end: nothing may be lost, repeated or out of order.
type load struct {
	t       *testing.T
	timeout time.Duration    // of one write; an unanswered one is not acknowledged
	client  *clientv3.Client // to judge by, and to write the last key
	writing *activity
	looking *activity

	mu      sync.Mutex
	changed sync.Cond
	acks    []ack
	failed  []error // of writes
	seen    []*clientv3.Event

	newcomers  []*activity // see startNewcomers
	served     int         // newcomers, turned away or not
	turnedAway []error
}

// ack is a write that etcd has acknowledged.
type ack struct {
	key      string
	revision int64
	at       time.Time
}

const (
	loadPrefix   = "load/"
	loadPace     = 10 * time.Millisecond
	loadTimeout  = 500 * time.Millisecond // where members are lost, and writes with them
	loadPatience = time.Minute            // for what must happen sooner or later
)

// startLoad begins to write. It is over at the latest with the test.
func startLoad(t *testing.T, config clientv3.Config) *load {
	t.Helper()
	return startLoadOf(t, config, loadTimeout)
}

func startLoadOf(t *testing.T, config clientv3.Config, timeout time.Duration) *load {
	t.Helper()
	l := &load{t: t, client: loadClient(t, config), timeout: timeout}
	l.changed.L = &l.mu
	writer, watcher := loadClient(t, config), loadClient(t, config)
	l.writing = begin(t, func(ctx context.Context) { l.write(ctx, writer) })
	l.looking = begin(t, func(ctx context.Context) { l.watch(ctx, watcher) })
	return l
}

// activity is something that goes on until it is told to end.
type activity struct {
	cancel context.CancelFunc
	done   chan struct{}
}

func begin(t *testing.T, do func(context.Context)) *activity {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	a := &activity{cancel, make(chan struct{})}
	go func() {
		defer close(a.done)
		do(ctx)
	}()
	t.Cleanup(a.end)
	return a
}

func (a *activity) end() {
	a.cancel()
	<-a.done
}

func loadClient(t *testing.T, config clientv3.Config) *clientv3.Client {
	t.Helper()
	config.Logger = zap.NewNop() // that requests fail is what these tests are about
	if config.DialKeepAliveTime == 0 {
		// A connection to a machine that has lost its power stays open, and every third
		// request would go by it and wait in vain for as long as the test takes.
		config.DialKeepAliveTime, config.DialKeepAliveTimeout = 10*time.Second, 3*time.Second
	}
	c, err := clientv3.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// write never writes a key twice: whether a write that failed was carried out
// cannot be told.
func (l *load) write(ctx context.Context, c *clientv3.Client) {
	pace := time.NewTicker(loadPace)
	defer pace.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-pace.C:
		}
		_ = l.put(ctx, c, fmt.Sprintf("%s%06d", loadPrefix, n))
	}
}

func (l *load) put(ctx context.Context, c *clientv3.Client, key string) error {
	attempt, cancel := context.WithTimeout(ctx, l.timeout)
	defer cancel()
	put, err := c.Put(attempt, key, key)
	for neverDone(err) && attempt.Err() == nil { // as who writes would
		put, err = c.Put(attempt, key, key)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err == nil:
		l.acks = append(l.acks, ack{key, put.Header.Revision, time.Now()})
	case ctx.Err() == nil: // not told to end in the middle of it
		l.failed = append(l.failed, err)
	}
	l.changed.Broadcast()
	return err
}

// watch begins anew after what it has seen, whenever a member gives the watch
// up for lack of a leader.
func (l *load) watch(ctx context.Context, c *clientv3.Client) {
	next := int64(1)
	for ctx.Err() == nil {
		for batch := range c.Watch(clientv3.WithRequireLeader(ctx), loadPrefix, clientv3.WithPrefix(), clientv3.WithRev(next)) {
			l.mu.Lock()
			for _, event := range batch.Events {
				l.seen = append(l.seen, event)
				next = event.Kv.ModRevision + 1
			}
			l.changed.Broadcast()
			l.mu.Unlock()
		}
	}
}

// wantMore wants n more writes to be acknowledged.
func (l *load) wantMore(n int) {
	l.t.Helper()
	most := l.acknowledged() + n
	l.wait(fmt.Sprintf("%d more acknowledged writes", n), func() bool { return len(l.acks) >= most })
}

// wantFailure wants a write to fail from now on.
func (l *load) wantFailure() {
	l.t.Helper()
	l.mu.Lock()
	before := len(l.failed)
	l.mu.Unlock()
	l.wait("a write that fails", func() bool { return len(l.failed) > before })
}

func (l *load) acknowledged() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.acks)
}

// wait waits until the writer or the watcher has brought something about.
func (l *load) wait(what string, done func() bool) {
	l.t.Helper()
	late := false
	timer := time.AfterFunc(loadPatience, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		late = true
		l.changed.Broadcast()
	})
	defer timer.Stop()
	l.mu.Lock()
	for !done() && !late {
		l.changed.Wait()
	}
	ok, state := done(), fmt.Sprintf("%d acknowledged, %d failed", len(l.acks), len(l.failed))
	l.mu.Unlock()
	if !ok {
		l.t.Fatalf("no %s within %v: %s", what, loadPatience, state)
	}
}

// finish ends the load with one last write, judges what became of all of them
// and reports for how long there was none.
func (l *load) finish() {
	l.t.Helper()
	l.writing.end()
	ctx, cancel := context.WithTimeout(l.t.Context(), loadPatience)
	defer cancel()
	last := l.putLast(ctx)
	l.wait("sight of the last write", func() bool {
		return len(l.seen) > 0 && string(l.seen[len(l.seen)-1].Kv.Key) == last
	})
	l.looking.end()
	l.judgeOrder()
	l.judgeStore(ctx)
	gap := l.longestGap()
	l.t.Logf("%d writes acknowledged, %d failed, none for %v", len(l.acks), len(l.failed), gap)
	l.t.Attr("writes", fmt.Sprint(len(l.acks)))
	l.t.Attr("write-gap", gap.String())
}

// wantNoWriteFailed wants etcd to have taken every write, once all have ended.
func (l *load) wantNoWriteFailed() {
	l.t.Helper()
	if len(l.failed) > 0 {
		l.t.Errorf("%d writes failed: %v", len(l.failed), l.failed[0])
	}
}

// putLast writes the last key, which it returns.
func (l *load) putLast(ctx context.Context) string {
	l.t.Helper()
	for n := 0; ; n++ {
		last := fmt.Sprintf("%slast%d", loadPrefix, n)
		err := l.put(ctx, l.client, last)
		if err == nil {
			return last
		}
		if ctx.Err() != nil {
			l.t.Fatalf("the cluster takes no write: %v", err)
		}
	}
}

// judgeOrder compares what was acknowledged with what the watcher saw.
func (l *load) judgeOrder() {
	l.t.Helper()
	seen := map[string]int64{}
	var revision int64
	for _, event := range l.seen {
		key := string(event.Kv.Key)
		if event.Kv.ModRevision <= revision {
			l.t.Errorf("the watcher saw %s at revision %d after revision %d", key, event.Kv.ModRevision, revision)
		}
		if _, ok := seen[key]; ok || event.Kv.Version != 1 {
			l.t.Errorf("%s was written more than once", key)
		}
		revision = event.Kv.ModRevision
		seen[key] = revision
	}
	revision = 0
	for _, a := range l.acks {
		if a.revision <= revision {
			l.t.Errorf("%s was acknowledged with revision %d after revision %d", a.key, a.revision, revision)
		}
		revision = a.revision
		if seen[a.key] != a.revision {
			l.t.Errorf("%s was acknowledged with revision %d, and the watcher saw it at %d", a.key, a.revision, seen[a.key])
		}
	}
}

// judgeStore compares what was acknowledged with what there is.
func (l *load) judgeStore(ctx context.Context) {
	l.t.Helper()
	all, err := l.client.Get(ctx, loadPrefix, clientv3.WithPrefix())
	if err != nil {
		l.t.Fatal(err)
	}
	stored := map[string]int64{}
	for _, kv := range all.Kvs {
		stored[string(kv.Key)] = kv.ModRevision
	}
	for _, a := range l.acks {
		if stored[a.key] != a.revision {
			l.t.Errorf("%s was acknowledged with revision %d, and is stored with %d", a.key, a.revision, stored[a.key])
		}
	}
}

// longestGap is the longest time between two acknowledgements.
func (l *load) longestGap() time.Duration {
	var gap time.Duration
	for i := 1; i < len(l.acks); i++ {
		gap = max(gap, l.acks[i].at.Sub(l.acks[i-1].at))
	}
	return gap.Round(time.Millisecond)
}
