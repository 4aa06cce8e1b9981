package backup

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/etcdctr/etcdctr/member"
)

// segmentEvery is how much time of changes a segment holds at most: what is lost
// when a whole cluster goes at once.
const segmentEvery = 2 * time.Second

// segmentBytes is about how much a segment holds in memory until it is written.
const segmentBytes = 8 << 20

// errHole is the error of changes that do not follow on each other.
var errHole = errors.New("changes are missing")

// noneYetError is the error of a cluster of which there is no whole backup yet, so that
// nothing leads on from one: it is new here, or was restored.
type noneYetError struct{ cluster string }

func (e *noneYetError) Error() string {
	return fmt.Sprintf("there is no backup of the cluster %s yet", e.cluster)
}

// followAlways keeps all changes until ctx ends. Where some are lost to it, since
// it was away and they have been compacted, a whole backup closes the gap.
func (r *Runner) followAlways(ctx context.Context) {
	r.note(func(m *metrics) { m.Following = true })
	for ctx.Err() == nil {
		err := r.follow(ctx)
		noticed := r.Now()
		var none *noneYetError
		switch {
		case errors.As(err, &none):
			err = r.take(ctx, r.ofCluster(none.cluster))
		case errors.Is(err, member.ErrOvertaken) || errors.Is(err, errHole):
			r.fail(between, fmt.Errorf("%w: a whole backup is taken", err))
			err = r.take(ctx, r.since(ctx, noticed))
		}
		if err != nil && ctx.Err() == nil {
			r.fail(between, err)
			rest(ctx, retryFollow)
		}
	}
}

// follow goes on from the last that is kept of the cluster that is there.
func (r *Runner) follow(ctx context.Context) error {
	members, done, err := r.Ask(ctx)
	if err != nil {
		return err
	}
	defer done()
	k, err := r.keeps(ctx) // before the members are asked: what comes meanwhile knows more
	if err != nil {
		return err
	}
	v, err := members.Look(ctx)
	if err = cmp.Or(err, v.OneCluster()); err != nil {
		return err
	}
	var now member.Endpoint
	for _, e := range v.Endpoints {
		if e.Serves() && e.Revision >= now.Revision {
			now = e
		}
	}
	if !now.Answers() {
		return fmt.Errorf("cannot follow changes: %w", member.ErrNotServing)
	}
	id := now.Cluster.String()
	last := k.of(r, id)
	after := last.Metadata.Revision
	switch {
	case after == 0:
		return &noneYetError{id}
	case after > now.Revision+1: // a member may lag by what has just been written
		return &BehindError{r.Request.Cluster, now.Revision, last}
	}
	r.note(func(m *metrics) { m.Followed = after })
	rec := &recorder{
		runner: r, segment: Segment{Cluster: r.Request.Cluster, ClusterID: id, After: after, Revision: after},
		ttl: members.GrantedTTL, seen: map[int64]bool{},
	}
	return rec.record(ctx, members)
}

// stored is what a store has at a moment.
type stored struct {
	backups  []Found
	segments []Segment // in their order
}

func (r *Runner) keeps(ctx context.Context) (k stored, err error) {
	if k.backups, err = r.list(ctx); err == nil && len(k.backups) > 0 {
		k.segments, err = Segments(ctx, r.Store)
	}
	return k, err
}

// of is that up to which everything of a cluster is kept: its newest backup or, without a
// path, the changes that lead on from one. Its revision is 0 without a whole backup.
func (k stored) of(r *Runner, id string) Found {
	var last Found
	for _, f := range r.of(k.backups, id) {
		if f.Metadata.Revision > last.Metadata.Revision {
			last = f
		}
	}
	if last.Metadata.Revision == 0 {
		return Found{}
	}
	for _, g := range k.segments {
		if g.Cluster == r.Request.Cluster && g.ClusterID == id && g.After <= last.Metadata.Revision && g.Revision > last.Metadata.Revision {
			last = Found{Metadata: Metadata{Cluster: g.Cluster, ClusterID: id, Revision: g.Revision, Time: g.Time}}
		}
	}
	return last
}

// recorder gathers changes into segments.
type recorder struct {
	runner *Runner
	ttl    func(ctx context.Context, lease int64) (int64, error)
	seen   map[int64]bool // leases

	mu      sync.Mutex
	segment Segment // the one that is being filled
	waiting []batch
	bytes   int
}

func (c *recorder) record(ctx context.Context, members *member.Client) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var writing sync.WaitGroup
	writing.Go(func() {
		for ctx.Err() == nil {
			rest(ctx, segmentEvery)
			if err := c.flush(context.WithoutCancel(ctx)); err != nil {
				cancel(err)
			}
			if ctx.Err() == nil { // it has followed for as long
				c.runner.well(between)
			}
		}
	})
	err := members.Follow(ctx, c.segment.After, func(events []member.Event) error { return c.add(ctx, events) })
	cancel(err)
	writing.Wait()
	if errors.Is(err, context.Canceled) {
		err = context.Cause(ctx)
	}
	return err
}

func (c *recorder) add(ctx context.Context, events []member.Event) error {
	if len(events) == 0 {
		return nil
	}
	b := batch{Time: c.runner.Now(), Events: events}
	for _, e := range events {
		if e.Lease == 0 || c.seen[e.Lease] {
			continue
		}
		ttl, err := c.ttl(ctx, e.Lease)
		if err != nil {
			return err
		}
		if ttl > 0 {
			b.TTLs = withTTL(b.TTLs, e.Lease, ttl)
		}
		c.seen[e.Lease] = true
	}
	full, err := c.append(b)
	if err == nil && full {
		err = c.flush(ctx)
	}
	return err
}

func withTTL(all map[int64]int64, lease, ttl int64) map[int64]int64 {
	if all == nil {
		all = map[int64]int64{}
	}
	all[lease] = ttl
	return all
}

// append takes changes, each of which has to follow on the one before.
func (c *recorder) append(b batch) (full bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range b.Events {
		if e.Revision != c.segment.Revision && e.Revision != c.segment.Revision+1 {
			return false, fmt.Errorf("%w: revision %d came after %d", errHole, e.Revision, c.segment.Revision)
		}
		c.segment.Revision = e.Revision
		c.bytes += len(e.Key) + len(e.Value)
	}
	c.waiting, c.segment.Time = append(c.waiting, b), b.Time
	return c.bytes >= segmentBytes, nil
}

// flush writes what has come together.
func (c *recorder) flush(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.waiting) == 0 {
		return nil
	}
	if err := writeSegment(ctx, c.runner.Store, c.segment, c.waiting, c.runner.Request.Seal); err != nil {
		return err
	}
	c.runner.note(func(m *metrics) { m.Followed = c.segment.Revision })
	c.segment.After, c.waiting, c.bytes = c.segment.Revision, nil, 0
	return nil
}
