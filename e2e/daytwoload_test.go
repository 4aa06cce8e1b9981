//go:build e2e && linux

package e2e

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/concurrency"
)

// use is a cluster in full use: by the load, by clients whose requests are kept
// as a history, by watches, kept leases, users of a lock and streams of the
// gateway.
type use struct {
	*history
	elsewhere *history // of a cluster that nobody changes, if there is one
	t         *testing.T
	client    *clientv3.Client
	load      *load
	clients   []*activity
	beat      *activity
	others    []*activity
	watches   []*watched
	streams   []*streamed
	last      atomic.Int64 // beat that was acknowledged
	leases    []clientv3.LeaseID
	expired   atomic.Int64 // leases whose keeping ended
	locked    atomic.Int64 // critical sections
	phases    []phase
}

const (
	beatKey     = "beat"
	beatPace    = 50 * time.Millisecond
	watchCount  = 100
	watchers    = 4 // clients that hold the watches
	leaseCount  = 20
	leaseTTL    = 20 // seconds
	leasePrefix = "leased/"
	lockUsers   = 2
	counterKey  = "counter" // how often the lock was held, by those who held it
	settledUse  = 50        // acknowledged writes before a change begins and after it has ended
)

func startUse(t *testing.T, config clientv3.Config) *use {
	t.Helper()
	u := &use{history: &history{began: time.Now()}, t: t, client: loadClient(t, config)}
	for range watchers {
		c := loadClient(t, config)
		for range watchCount / watchers {
			u.watch(c)
		}
	}
	u.lease(loadClient(t, config))
	u.beat = begin(t, func(ctx context.Context) { u.beats(ctx, u.client) })
	u.clients = append(u.clients, u.pulsing(u.history, config))
	for id := range 8 {
		c := loadClient(t, config)
		u.clients = append(u.clients, begin(t, func(ctx context.Context) { u.history.client(ctx, c, id, id%2 == 0) }))
	}
	for range lockUsers {
		c := loadClient(t, config)
		u.others = append(u.others, begin(t, func(ctx context.Context) { u.lock(ctx, c) }))
	}
	for _, endpoint := range config.Endpoints {
		u.stream(endpoint, config.TLS)
	}
	u.load = startLoadOf(t, config, requestTimeout)
	u.load.wantMore(settledUse)
	return u
}

// beside compares with a cluster that nobody changes, as the machine has a say in
// how long anything takes.
func (u *use) beside(config clientv3.Config) {
	u.t.Helper()
	u.elsewhere = &history{began: time.Now()}
	u.others = append(u.others, u.pulsing(u.elsewhere, config))
}

func (u *use) pulsing(h *history, config clientv3.Config) *activity {
	u.t.Helper()
	c := loadClient(u.t, config)
	return begin(u.t, func(ctx context.Context) { h.pulse(ctx, c) })
}

// watched is what one watch has seen of the beat.
type watched struct {
	mu       sync.Mutex
	seen     int64 // the last beat
	revision int64
	wrong    []string
}

func (u *use) watch(c *clientv3.Client) {
	w := &watched{seen: -1}
	u.watches = append(u.watches, w)
	u.others = append(u.others, begin(u.t, func(ctx context.Context) {
		for batch := range c.Watch(ctx, beatKey, clientv3.WithRev(1)) {
			for _, e := range batch.Events {
				w.note(e)
			}
		}
		if ctx.Err() == nil {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.wrong = append(w.wrong, "the watch has ended")
		}
	}))
}

// note wants each beat after the one before. One whose write was repeated, since
// nobody knew what had become of it, may come twice.
func (w *watched) note(e *clientv3.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n, err := strconv.ParseInt(string(e.Kv.Value), 10, 64)
	if err != nil || n < w.seen || n > w.seen+1 || e.Kv.ModRevision <= w.revision {
		w.wrong = append(w.wrong, fmt.Sprintf("%s at revision %d after %d at %d", e.Kv.Value, e.Kv.ModRevision, w.seen, w.revision))
	}
	w.seen, w.revision = n, e.Kv.ModRevision
}

// beats writes one number after the other, each until it is acknowledged.
func (u *use) beats(ctx context.Context, c *clientv3.Client) {
	pace := time.NewTicker(beatPace)
	defer pace.Stop()
	for n := int64(0); ; {
		select {
		case <-ctx.Done():
			return
		case <-pace.C:
		}
		attempt, cancel := context.WithTimeout(context.WithoutCancel(ctx), requestTimeout)
		if _, err := c.Put(attempt, beatKey, strconv.FormatInt(n, 10)); err == nil {
			u.last.Store(n)
			n++
		}
		cancel()
	}
}

// lease keeps leases, each with a key.
func (u *use) lease(c *clientv3.Client) {
	u.t.Helper()
	for n := range leaseCount {
		granted, err := c.Grant(u.t.Context(), leaseTTL)
		if err == nil {
			_, err = c.Put(u.t.Context(), leasePrefix+strconv.Itoa(n), "kept", clientv3.WithLease(granted.ID))
		}
		if err != nil {
			u.t.Fatal(err)
		}
		u.leases = append(u.leases, granted.ID)
		u.others = append(u.others, begin(u.t, func(ctx context.Context) {
			kept, err := c.KeepAlive(ctx, granted.ID)
			for err == nil && kept != nil {
				if _, ok := <-kept; !ok {
					break
				}
			}
			if ctx.Err() == nil {
				u.expired.Add(1)
			}
		}))
	}
}

// lock takes a lock again and again, and counts with a read and a write how often:
// two who hold it at a time would count one of them only.
func (u *use) lock(ctx context.Context, c *clientv3.Client) {
	session, err := concurrency.NewSession(c, concurrency.WithTTL(leaseTTL))
	if err != nil {
		return
	}
	defer session.Close()
	mutex := concurrency.NewMutex(session, "lock/")
	for ctx.Err() == nil {
		if mutex.Lock(ctx) != nil {
			continue
		}
		u.count(context.WithoutCancel(ctx), c)
		_ = mutex.Unlock(context.WithoutCancel(ctx)) // the next to lock would wait for ever
	}
}

func (u *use) count(ctx context.Context, c *clientv3.Client) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	got, err := c.Get(ctx, counterKey)
	if err != nil {
		return
	}
	n := int64(0)
	if len(got.Kvs) > 0 {
		n, _ = strconv.ParseInt(string(got.Kvs[0].Value), 10, 64) // it was written below
	}
	if _, err := c.Put(ctx, counterKey, strconv.FormatInt(n+1, 10)); err == nil {
		u.locked.Add(1)
	}
}

// streamed is what a member's gateway has told of the beat.
type streamed struct {
	endpoint string
	beats    atomic.Int64
}

func (u *use) stream(endpoint string, config *tls.Config) {
	s := &streamed{endpoint: endpoint}
	u.streams = append(u.streams, s)
	u.others = append(u.others, begin(u.t, func(ctx context.Context) { s.follow(ctx, config) }))
}

// follow keeps a watch of the gateway open, which is a stream of HTTP.
func (s *streamed) follow(ctx context.Context, config *tls.Config) {
	transport := &http.Transport{TLSClientConfig: config}
	defer transport.CloseIdleConnections()
	body := fmt.Sprintf(`{"create_request": {"key": %q}}`, base64.StdEncoding.EncodeToString([]byte(beatKey)))
	pace := time.NewTicker(beatPace)
	defer pace.Stop()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.endpoint+"/v3/watch", bytes.NewBufferString(body))
		if err != nil {
			return
		}
		if answer, err := transport.RoundTrip(request); err == nil {
			s.read(answer.Body)
			answer.Body.Close()
		}
		select {
		case <-ctx.Done():
			return
		case <-pace.C:
		}
	}
}

// read reads until the member stops.
func (s *streamed) read(body io.Reader) {
	var told struct {
		Result struct{ Events []json.RawMessage }
	}
	for answers := json.NewDecoder(body); answers.Decode(&told) == nil; told.Result.Events = nil {
		s.beats.Add(int64(len(told.Result.Events)))
	}
}

// judgeStreams wants the gateway of each member to have been followed, or nobody's
// stream was there for a member to end.
func (u *use) judgeStreams() {
	u.t.Helper()
	for _, s := range u.streams {
		if s.beats.Load() == 0 {
			u.t.Errorf("the gateway at %s told of no beat", s.endpoint)
		}
	}
}

// planned makes a change in which no request may fail.
func (u *use) planned(name string, change func()) {
	u.t.Helper()
	u.load.wantMore(settledUse)
	p := phase{name: name, begins: time.Now()}
	change()
	p.finish = time.Now()
	u.load.wantMore(settledUse)
	u.phases = append(u.phases, p)
}

// finish judges what became of everything.
func (u *use) finish() {
	u.t.Helper()
	u.beat.end()
	for _, c := range u.clients {
		c.end()
	}
	u.judgeWatches()
	u.judgeLeases()
	u.judgeStreams()
	for _, o := range u.others {
		o.end()
	}
	u.judgeLock()
	u.load.finish()
	u.judgeLoad()
	if result := porcupine.CheckOperationsTimeout(registers, u.ops, loadPatience); result != porcupine.Ok {
		u.t.Errorf("the history of %d operations is not linearizable: %s", len(u.ops), result)
	}
	u.judgePhases()
	u.t.Logf("%d operations in the history, %d watches to beat %d, %d leases kept, the lock held %d times",
		len(u.ops), len(u.watches), u.last.Load(), len(u.leases), u.locked.Load())
}

// judgePhases tells how clients fared in each change, once all that they asked for
// is answered.
func (u *use) judgePhases() {
	u.t.Helper()
	var gap time.Duration
	for _, bounds := range u.phases {
		p := u.between(bounds)
		if u.elsewhere != nil {
			p.floor = u.elsewhere.between(bounds).gap
		}
		u.t.Log(p)
		if p.failed > 0 {
			u.t.Errorf("%s: %d of %d requests failed: %v", p.name, p.failed, p.asked, p.firstError)
		}
		gap = max(gap, p.gap)
	}
	u.t.Attr("longest-gap", gap.Round(time.Millisecond).String())
}

// judgeLoad wants no write of the load to have failed, which gives each of them
// one try.
func (u *use) judgeLoad() {
	u.t.Helper()
	refused := 0
	for _, err := range u.load.failed {
		if neverDone(err) || gaveUp(err) {
			refused++
		} else {
			u.t.Errorf("a write of the load failed: %v", err)
		}
	}
	u.t.Logf("the load: %d writes acknowledged, %d refused or lost", len(u.load.acks), refused)
}

// judgeWatches wants each of them to come to the last beat, without a gap.
func (u *use) judgeWatches() {
	u.t.Helper()
	last := u.last.Load()
	for i, w := range u.watches {
		eventually(u.t, fmt.Sprintf("watch %d to see beat %d", i, last), func() error {
			w.mu.Lock()
			defer w.mu.Unlock()
			if w.seen < last {
				return fmt.Errorf("it has seen %d", w.seen)
			}
			return nil
		})
		w.mu.Lock()
		if len(w.wrong) > 0 {
			u.t.Errorf("watch %d saw %d times what it should not: %s", i, len(w.wrong), w.wrong[0])
		}
		w.mu.Unlock()
	}
}

// judgeLeases wants all leases to be kept, and their keys to be there.
func (u *use) judgeLeases() {
	u.t.Helper()
	if n := u.expired.Load(); n > 0 {
		u.t.Errorf("the keeping of %d leases has ended", n)
	}
	for _, id := range u.leases {
		if left, err := u.client.TimeToLive(u.t.Context(), id); err != nil || left.TTL <= 0 {
			u.t.Errorf("a lease was lost: %+v %v", left, err)
		}
	}
	got, err := u.client.Get(u.t.Context(), leasePrefix, clientv3.WithPrefix(), clientv3.WithCountOnly())
	if err != nil || got.Count != leaseCount {
		u.t.Errorf("%+v keys of leases are there: %v", got, err)
	}
}

// judgeLock wants nobody to have held the lock beside another one.
func (u *use) judgeLock() {
	u.t.Helper()
	got, err := u.client.Get(u.t.Context(), counterKey)
	if err != nil || len(got.Kvs) == 0 {
		u.t.Fatalf("nobody has held the lock: %v", err)
	}
	counted, err := strconv.ParseInt(string(got.Kvs[0].Value), 10, 64)
	if err != nil || counted < u.locked.Load() {
		u.t.Errorf("the lock was held %d times, %d are counted: %v", u.locked.Load(), counted, err)
	}
}
