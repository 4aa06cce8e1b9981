package converge

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/member"
	"github.com/etcdctr/etcdctr/runtime"
)

// Hands carry out what Next decides: they look, do one step and look again. One
// value may be used for any number of clusters.
type Hands struct {
	Runtime runtime.Runtime
	// Ask makes a client of the members that run, whom the way leads to; see
	// Asking.
	Ask func(way runtime.Way, have *runtime.State) (Etcd, error)
	// Hop describes the wanted cluster with another release, which lies on the
	// way to it. Where it is nil, no release may lie there.
	Hop func(ctx context.Context, etcd cluster.Version) (*cluster.Cluster, error)
	// Provide makes what the wanted cluster needs besides what runs it, and tells
	// whether anything is otherwise than before. It is called once, when nothing
	// is refused and before anything is done. Where it is nil, all is there.
	Provide func(ctx context.Context, want *cluster.Cluster) (changed bool, err error)
	// Check tells what Provide would refuse, and makes nothing. Where it is nil, nothing.
	Check func(ctx context.Context, want *cluster.Cluster) error
	// Bridge describes the wanted cluster with members that answer clients with and
	// without TLS. Where it is nil, members can't go over from one to the other.
	Bridge func(ctx context.Context) (*cluster.Cluster, error)
	// HoldsV2 looks whether the data of a server of etcd 3.5 has what the API v2 has written.
	// Where it is nil, nobody looks.
	HoldsV2 func(s runtime.Server) bool
	// Anew gives the wish once more where what there is is not what it went by: another
	// command has changed it before this one had its turn. Where it is nil, nothing follows.
	Anew func(ctx context.Context, have *runtime.State) (Wish, error)
	// Settle is called in the end, where all went well and before other commands may change
	// the cluster. Where it is nil, nothing is left to do.
	Settle func(ctx context.Context, o Outcome) error
	// Tell is told of what happens; nil: nobody is. It is called by one
	// goroutine at a time.
	Tell func(Event)
	// Now is the clock; nil stands for time.Now.
	Now func() time.Time
	// Patience is for how long nothing may move before members are given up that are to
	// serve; zero: a minute. See Await.
	Patience time.Duration
	// Keep leaves what a first start has made, also if it fails.
	Keep bool
}

// Etcd is what Hands ask and change of a running etcd: a *member.Client.
type Etcd interface {
	Look(ctx context.Context) (member.View, error)
	WaitServing(ctx context.Context, names ...string) error
	WaitView(ctx context.Context, wanted func(member.View) error) (member.View, error)
	AddLearner(ctx context.Context, peerURLs ...string) (member.Member, error)
	Join(ctx context.Context, name string, progress func(member.CatchUp)) error
	Remove(ctx context.Context, id member.ID) error
	UpdatePeers(ctx context.Context, id member.ID, peerURLs ...string) error
	MoveLeader(ctx context.Context, to string) error
	EnableDowngrade(ctx context.Context, target string) error
	CancelDowngrade(ctx context.Context) error
	WaitStorageVersion(ctx context.Context, version string) (member.View, error)
	WaitClusterVersion(ctx context.Context, version string) (member.View, error)
	WaitNoDowngrade(ctx context.Context) (member.View, error)
	RenewSnapshots(ctx context.Context) error
	Hash(ctx context.Context) (member.Hashes, error)
	Users
	Close() error
}

// Wish is what somebody wants of a cluster.
type Wish struct {
	Name string
	// Want is the description; nil where a verb needs none.
	Want  *cluster.Cluster
	Asked Asked
	// Passwords are those of the users of etcd's that are to have one, by name.
	Passwords map[string]string
	// Seen is what was there when it was described; nil for nothing.
	Seen *runtime.State
}

// Outcome is what became of a wish.
type Outcome struct {
	Done Steps // empty: it was as wished already
	Took time.Duration
	// Have and Etcd are what was seen last.
	Have *runtime.State
	Etcd *member.View
}

// StepError is a step that failed. The next run goes on from there.
type StepError struct {
	Step Step
	Err  error
}

func (e *StepError) Error() string { return fmt.Sprintf("%s: %v", e.Step.Short(), e.Err) }

func (e *StepError) Unwrap() error { return e.Err }

// Short tells the step without its reason.
func (s Step) Short() string {
	return Step{Kind: s.Kind, Servers: s.Servers, Member: s.Member, To: s.To}.String()
}

// Plan tells what Do would do, and does nothing. Its error is that of the
// package's Plan, that of looking, or what Do would be refused by whoever provides and
// prepares; Do does not fail for an EndlessError.
func (h *Hands) Plan(ctx context.Context, w Wish) (Steps, error) {
	r := h.run(w)
	defer r.close()
	if err := r.look(ctx); err != nil {
		return nil, err
	}
	steps, err := Plan(r.situation)
	if err != nil && !errors.As(err, new(*EndlessError)) && !r.brings(steps, err) {
		return steps, err
	}
	if err := r.check(ctx, steps); err != nil {
		return nil, err
	}
	return steps, err
}

// check has refused what can be told of the steps before any is taken.
func (r *run) check(ctx context.Context, steps Steps) error {
	if r.Check != nil && r.wish.Want != nil {
		if err := r.Check(ctx, r.wish.Want); err != nil {
			return err
		}
	}
	checker, ok := r.Runtime.(runtime.Checker)
	if !ok {
		return nil
	}
	for _, s := range steps {
		if s.Kind != Prepare {
			continue
		}
		if err := checker.Check(ctx, r.prepared(s.To), s.Servers...); err != nil {
			return &StepError{s, err}
		}
	}
	return nil
}

// Do makes a wish come true, and tells what it has done, also if it fails. Its
// error is a Refusal, a StepError (of which an UnwellError tells that a member
// did not come up), or that of looking. Where ctx ends, members that it has
// stopped are started again.
func (h *Hands) Do(ctx context.Context, w Wish) (Outcome, error) {
	r := h.run(w)
	defer r.close()
	release, err := h.Runtime.Lock(ctx, w.Name, func() { r.tell(Event{Kind: Waiting}) })
	if err != nil {
		return Outcome{}, err
	}
	err = r.converge(ctx)
	if err == nil {
		err = r.settle(ctx)
	} else {
		err = errors.Join(err, r.leave(ctx))
	}
	return r.outcome(), errors.Join(err, release())
}

func (h *Hands) run(w Wish) *run {
	now := h.Now
	if now == nil {
		now = time.Now
	}
	return &run{Hands: h, wish: w, now: now, began: now(), hops: map[cluster.Version]*cluster.Cluster{}, v2: map[string]bool{}}
}

// run is one wish on its way.
type run struct {
	*Hands
	wish  Wish
	now   func() time.Time
	began time.Time

	situation Situation
	// acted: the runtime has done something since it was observed.
	acted bool
	// blind: it was told that the members can't be asked.
	blind  bool
	v2     map[string]bool // whose data was looked at for what the API v2 has written
	hops   map[cluster.Version]*cluster.Cluster
	bridge *cluster.Cluster
	line   line
	// fresh says that nothing at all was there when the run began, begun that it
	// may have made something, served that there has been a quorum since.
	fresh, begun, served bool
	inHand               *Step // one that has begun and not ended well
	of                   int   // how many steps were planned when all was last seen
}

// converge does one step after the other. What changes something is decided on
// what was seen after the step before; what only waits need not be.
func (r *run) converge(ctx context.Context) error {
	if err := r.look(ctx); err != nil {
		return err
	}
	if err := r.catchUp(ctx); err != nil {
		return err
	}
	r.fresh = r.situation.Have == nil
	if err := r.provide(ctx); err != nil {
		return err
	}
	for range r.situation.most() {
		step, more, err := r.next(ctx)
		if err != nil || !more {
			return err
		}
		if err := r.step(ctx, step); err != nil {
			return err
		}
	}
	return fmt.Errorf("no end is in sight after %d steps", len(r.situation.Done))
}

// provide has made what is needed, if nothing is refused. Members that are there
// may be asked otherwise then, and differ from what is wanted.
func (r *run) provide(ctx context.Context) error {
	if r.Provide == nil || r.wish.Want == nil {
		return nil
	}
	if steps, err := Plan(r.situation); err != nil && !errors.As(err, new(*EndlessError)) && !r.brings(steps, err) {
		return err
	}
	changed, err := r.Provide(ctx, r.wish.Want)
	if err != nil || !changed || r.fresh {
		return err
	}
	r.hangUp()
	return r.look(ctx)
}

// brings tells that steps lead to a quorum of members that can be reached, and that
// what is refused after them is about machines that can't.
func (r *run) brings(steps Steps, err error) bool {
	refusal := (*Refusal)(nil)
	return errors.As(err, &refusal) && refusal.Away && !r.situation.Etcd.Quorum() &&
		slices.ContainsFunc(steps, func(s Step) bool { return s.Kind == AwaitServing })
}

// next gives the step that comes next. What to wait for is clear from what the last
// step makes of the situation; for the wait itself it has to be known what runs.
func (r *run) next(ctx context.Context) (Step, bool, error) {
	step, more, err := Next(r.situation)
	if err == nil && r.acted && more && step.Kind.waits() {
		if err := r.observe(ctx); err != nil {
			return Step{}, false, err
		}
		step, more, err = Next(r.situation)
	}
	if err == nil && r.line.stale && (!more || !step.Kind.waits() || r.waited()) {
		return r.nextAsSeen(ctx, more)
	}
	return step, more, err
}

// nextAsSeen decides on what is there now. Where nothing is left to do but to
// see that all serve, the members are enough to ask.
func (r *run) nextAsSeen(ctx context.Context, more bool) (Step, bool, error) {
	if !more && len(r.situation.Then) == 0 {
		if err := r.seen(ctx); err != nil {
			return Step{}, false, err
		}
		if step, more, err := Next(r.situation); err != nil || !more || step.Kind.waits() {
			return step, more, err
		}
	}
	if err := r.look(ctx); err != nil {
		return Step{}, false, err
	}
	return Next(r.situation)
}

// waited tells whether the last step was a wait: what comes after it is decided
// on what came of it.
func (r *run) waited() bool {
	done := r.situation.Done
	return len(done) > 0 && done[len(done)-1].Kind.waits()
}

// step does one, and tells of it.
func (r *run) step(ctx context.Context, step Step) error {
	done := len(r.situation.Done)
	if plan, err := Plan(r.situation); err == nil && !r.line.stale {
		r.of = done + len(plan)
	}
	event := Event{Kind: Begins, Step: step, Number: done + 1, Of: max(r.of, done+1)}
	r.tell(event)
	r.begun, r.inHand = true, &step
	err := r.do(ctx, step)
	event.Kind, event.Err = Ends, err
	r.tell(event)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return &StepError{step, err}
	}
	r.inHand = nil
	return nil
}

func (r *run) outcome() Outcome {
	return Outcome{Done: r.situation.Done, Took: r.now().Sub(r.began), Have: r.situation.Have, Etcd: r.situation.Etcd}
}

func (r *run) tell(e Event) {
	if r.Tell != nil {
		e.At = r.now()
		r.Tell(e)
	}
}

// leave leaves a cluster that serves, after a run that came to no end: members
// that it has stopped run again. What a first start has made goes, if nothing
// was there before.
func (r *run) leave(ctx context.Context) error {
	interrupted := ctx.Err() != nil
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	if r.fresh && !r.Keep && !r.served {
		return r.undo(ctx)
	}
	if v := r.wish.Asked.Verb; v == Stop || v == Down {
		return nil
	}
	var err error
	if interrupted {
		err = r.finish(ctx)
	}
	c := look(r.situation)
	stopped := names(c.those((*part).isCounted, (*part).isThere, not(c.forgets), func(p *part) bool { return c.ended(p.name) }))
	if len(stopped) > 0 {
		r.tell(Event{Kind: Begins, Step: Step{Kind: Begin, Servers: stopped, Cause: "it is not left stopped"}})
		err = errors.Join(err, r.Runtime.Start(ctx, r.wish.Name, stopped...))
	}
	return errors.Join(err, r.untidy(ctx))
}

// untidy removes what was made beside the servers to take their places, and does not.
func (r *run) untidy(ctx context.Context) error {
	t, ok := r.Runtime.(runtime.Tidier)
	if !ok || !slices.ContainsFunc(r.situation.Done, func(s Step) bool { return s.Kind == Prepare }) && (r.inHand == nil || r.inHand.Kind != Prepare) {
		return nil
	}
	if err := t.Tidy(ctx, r.wish.Name); !errors.Is(err, runtime.ErrNotFound) {
		return err
	}
	return nil
}

// finish carries on with what an interruption has caught half done: a runtime goes
// on stopping a server that nobody waits for any more, and one that was about to
// take another's place may be neither there nor running.
func (r *run) finish(ctx context.Context) error {
	step := r.inHand
	if step == nil || step.Kind != End && step.Kind != Apply {
		return nil
	}
	if err := r.runtimes(ctx, *step); err != nil {
		return err
	}
	r.situation = r.situation.After(*step)
	return nil
}

// undo takes back what a run has made where nothing was before. A step that failed
// may have made a part of it.
func (r *run) undo(ctx context.Context) error {
	if !r.begun {
		return nil
	}
	switch _, err := r.Runtime.Observe(ctx, r.wish.Name); {
	case errors.Is(err, runtime.ErrNotFound):
		return nil
	case err != nil:
		return err
	}
	r.tell(Event{Kind: Undoes})
	r.hangUp()
	err := r.Runtime.Stop(ctx, r.wish.Name, shortly)
	err = errors.Join(err, r.Runtime.Remove(ctx, r.wish.Name, runtime.Removal{Data: true, Made: true}))
	if err == nil {
		r.situation.Have, r.situation.Etcd = nil, nil
	}
	return err
}
