package backup

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/etcdctr/etcdctr/member"
)

// Runner backs a cluster up at its times, and, if that is wanted, keeps all that
// happens in between.
type Runner struct {
	Store Store
	// Request is that of each backup, but for its time.
	Request Request
	// Next is when the backup is due that comes after one of a moment.
	Next func(time.Time) time.Time
	// Keep says which backups stay; zero: all.
	Keep       Keep
	Continuous bool
	// Ask gives a client for the members that run; whoever asks closes it.
	Ask func(ctx context.Context) (*member.Client, func() error, error)
	Now func() time.Time
	// Tell is told what was done, and Fail what went wrong and is tried again; one
	// at a time. Both may be nil.
	Tell func(what string)
	Fail func(err error)
	// Anew gives what the description says now where that has changed since it was asked
	// last, and else nil: of it Store, Request, Next, Keep, Continuous and Ask count. It is asked
	// before each look; may be nil.
	Anew func(ctx context.Context) (*Runner, error)
	// MetricsFile is written after all that is done, for Prometheus; empty: not.
	MetricsFile string

	mu      sync.Mutex   // one backup at a time
	id      atomic.Value // of the cluster, as etcd writes it; nil or empty as long as nobody knows it
	telling sync.Mutex
	metrics metrics
	refused string // why the description is not gone by, as it was said
}

// How long the runner waits until it tries again what went wrong.
const (
	retryBackup = 30 * time.Second
	retryFollow = time.Second
)

// Run goes on until ctx ends, which is no error.
func (r *Runner) Run(ctx context.Context) error {
	if err := r.begin(ctx); err != nil {
		return err
	}
	for next := r; next != nil; {
		if next != r {
			r.become(next)
		}
		next = r.runAsDescribed(ctx)
	}
	return nil
}

// runAsDescribed goes on until ctx ends, or until another description is to be gone by.
func (r *Runner) runAsDescribed(ctx context.Context) (next *Runner) {
	ctx, end := context.WithCancel(ctx)
	var all sync.WaitGroup
	if r.Continuous {
		all.Go(func() { r.followAlways(ctx) })
	}
	next = r.atTimes(ctx)
	end()
	all.Wait()
	return next
}

// become goes by another description, while nothing is done by this one.
func (r *Runner) become(next *Runner) {
	r.Store, r.Request, r.Next, r.Keep, r.Continuous, r.Ask = next.Store, next.Request, next.Next, next.Keep, next.Continuous, next.Ask
	r.id.Store("") // of whom is asked now
	r.note(func(m *metrics) { m.Following = false })
	r.tell("the cluster file has changed: backups of %s go to %s from now on, by what it says", r.Request.Cluster, r.Store.Place(""))
}

// described gives another description to go by, if there is one. One that can't be gone by
// is told once, and what was before goes on.
func (r *Runner) described(ctx context.Context) *Runner {
	if r.Anew == nil {
		return nil
	}
	next, err := r.Anew(ctx)
	switch {
	case ctx.Err() != nil:
		return nil
	case err == nil:
		r.refused = ""
		return next
	case err.Error() != r.refused:
		r.refused = err.Error()
		r.say(fmt.Errorf("the cluster file has changed, and backups go on by what it said before: %w", err))
	}
	return nil
}

// begin looks at what there is.
func (r *Runner) begin(ctx context.Context) error {
	all, err := r.list(ctx)
	r.remember(r.own(ctx, all), err)
	return err
}

// own are the backups of the cluster: of its ID too, once that is known.
func (r *Runner) own(ctx context.Context, all []Found) []Found {
	if id, _ := r.id.Load().(string); id == "" {
		if members, done, err := r.Ask(ctx); err == nil {
			defer done()
			if v, err := members.Look(ctx); err == nil {
				r.know(v)
			}
		}
	}
	id, _ := r.id.Load().(string)
	return r.of(all, id)
}

func (r *Runner) know(v member.View) {
	if _, id := Known(v); id != "" && v.OneCluster() == nil {
		r.id.Store(id)
	}
}

// atTimes takes backups until ctx ends, or gives another description to go by.
func (r *Runner) atTimes(ctx context.Context) *Runner {
	for ctx.Err() == nil {
		if next := r.described(ctx); next != nil {
			return next
		}
		due, err := r.due(ctx)
		if err == nil && !due.After(r.Now()) {
			err = r.take(ctx, r.since(ctx, r.Now()))
			due = r.Now()
		}
		wait := max(due.Sub(r.Now()), retryFollow)
		if err != nil {
			r.fail(whole, err)
			wait = retryBackup
		}
		rest(ctx, min(wait, time.Minute)) // clocks are set, and somebody may delete the newest
	}
	return nil
}

// rest waits, or until ctx ends.
func rest(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// Once takes a backup if one is due, and says whether it was.
func (r *Runner) Once(ctx context.Context) (bool, error) {
	if err := r.begin(ctx); err != nil {
		return false, err
	}
	due, err := r.due(ctx)
	if err == nil && due.After(r.Now()) {
		return false, nil
	}
	if err == nil {
		err = r.take(ctx, r.since(ctx, r.Now()))
	}
	if err != nil {
		r.note(func(m *metrics) { m.went(whole, true) })
	}
	return err == nil, err
}

// list is List of a store that need not be there yet.
func (r *Runner) list(ctx context.Context) ([]Found, error) {
	all, err := List(ctx, r.Store)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return all, err
}

// due is when the next backup is; now, if there is none yet. What a clock that was
// ahead has dated does not count.
func (r *Runner) due(ctx context.Context) (time.Time, error) {
	all, err := r.list(ctx)
	if err != nil {
		return time.Time{}, err
	}
	newest, ok := Newest(notAfter(r.own(ctx, all), r.Now()), r.Request.Cluster)
	if !ok {
		return r.Now(), nil
	}
	return r.Next(newest.Metadata.Time), nil
}

// BehindError is the error of a cluster that knows less than a backup of it: it
// came up empty, or is another one of the same name.
type BehindError struct {
	Cluster  string
	Revision int64 // its own
	// Backup is what knows more; without a Path it is changes that were kept after one.
	Backup Found
}

func (e *BehindError) Error() string {
	what := "its backup of %s was at %d"
	if e.Backup.Path == "" {
		what = "the changes that its backups have until %s go up to %d"
	}
	return fmt.Sprintf("%s is at revision %d, and "+what+": it has lost its data, or is another cluster of this name",
		e.Cluster, e.Revision, e.Backup.Metadata.Time.Format(time.RFC3339), e.Backup.Metadata.Revision)
}

// since tells whether there is a backup that was taken since a moment.
func (r *Runner) since(ctx context.Context, moment time.Time) func([]Found) bool {
	return func(all []Found) bool {
		newest, ok := Newest(notAfter(r.own(ctx, all), r.Now()), r.Request.Cluster)
		return ok && !newest.Metadata.Time.Before(moment.Truncate(time.Second))
	}
}

// ofCluster tells whether there is a backup of a cluster, by its ID.
func (r *Runner) ofCluster(id string) func([]Found) bool {
	return func(all []Found) bool { return len(r.of(all, id)) > 0 }
}

// of are the backups of a cluster of the name, by its ID.
func (r *Runner) of(all []Found, id string) []Found {
	return ofID(ofName(all, r.Request.Cluster), id)
}

// take takes a backup, unless the one that is asked for is there, as another has been
// taken meanwhile, and deletes those that no rule keeps. Of a cluster that knows less than
// before none is taken, and none is deleted.
func (r *Runner) take(ctx context.Context, there func([]Found) bool) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	before, err := r.list(ctx)
	if err != nil {
		return err
	}
	if there(before) {
		return nil
	}
	members, done, err := r.Ask(ctx)
	if err != nil {
		return err
	}
	defer done()
	v, err := members.Look(ctx)
	if err = cmp.Or(err, v.OneCluster()); err != nil {
		return err
	}
	r.know(v)
	revision, id := Known(v)
	if err := behind(before, r.Request.Cluster, id, revision); err != nil {
		return err
	}
	request := r.Request
	if of := ofName(before, r.Request.Cluster); len(ofID(of, id)) < len(of) {
		request.apart = id
	}
	request.Time, request.Scheduled = r.Now(), true
	request.Again = func(broken *BrokenOffError, from string) {
		r.tell("%v: %s is asked for its data, from the beginning", broken, from)
	}
	place, made, err := TakeInto(ctx, members, r.Store, request)
	if err != nil {
		return err
	}
	r.note(func(m *metrics) { m.newest(made); m.went(whole, false) })
	r.tell("%s: revision %d of %s", place, made.Revision, made.From)
	if len(before) == 0 {
		r.tell("it is the first: backups of %s go to %s", made.Cluster, r.Store.Place(""))
	}
	return r.prune(ctx)
}

// Known is the revision that the members know, and the ID of their cluster in
// hexadecimal; zero and empty where none answers.
func Known(v member.View) (revision int64, id string) {
	for _, e := range v.Endpoints {
		if e.Revision > revision {
			revision, id = e.Revision, e.Cluster.String()
		}
	}
	return revision, id
}

// behind is a BehindError of a cluster that knows less than it did. A backup of it would
// be the newest, and the next ones would drive out those that hold the data. A restoration makes
// another cluster of the name, with revisions far above, and its undoing brings the one
// before back: so a backup of the same ID counts where there is one. Of one that nobody
// has written to yet every backup counts: members that have lost all begin so, with the
// ID that they began with before.
func behind(all []Found, cluster, id string, revision int64) error {
	newest, ok := Newest(all, cluster)
	if revision > fresh {
		if own, same := Newest(ofID(all, id), cluster); same {
			newest = own
		}
	}
	if ok && revision > 0 && revision < newest.Metadata.Revision {
		return &BehindError{cluster, revision, newest}
	}
	return nil
}

// fresh is the revision of a cluster without a key (etcd's store begins with it).
const fresh = 1

func (r *Runner) prune(ctx context.Context) error {
	if r.Keep.IsZero() {
		return nil
	}
	all, err := r.list(ctx)
	if err != nil {
		return err
	}
	own := slices.DeleteFunc(slices.Clone(all), func(f Found) bool { return f.Metadata.ByHand })
	gone := Prunable(own, r.Keep, r.Request.Cluster)
	if len(gone) == 0 {
		return nil
	}
	if err := Delete(ctx, r.Store, all, gone); err != nil {
		return fmt.Errorf("cannot delete old backups: %w", err)
	}
	for _, f := range gone {
		r.tell("%s: deleted, no rule keeps it", f.Path)
	}
	return nil
}

func (r *Runner) tell(format string, args ...any) {
	r.telling.Lock()
	defer r.telling.Unlock()
	if r.Tell != nil {
		r.Tell(fmt.Sprintf(format, args...))
	}
}

func (r *Runner) fail(what task, err error) {
	if errors.Is(err, context.Canceled) {
		return
	}
	r.note(func(m *metrics) { m.went(what, true) })
	r.say(err)
}

func (r *Runner) say(err error) {
	r.telling.Lock()
	defer r.telling.Unlock()
	if r.Fail != nil {
		r.Fail(err)
	}
}
