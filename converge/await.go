package converge

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/etcdctr/etcdctr/member"
	"github.com/etcdctr/etcdctr/runtime"
)

// Await is a wait for members that were started.
type Await struct {
	Runtime runtime.Runtime
	Etcd    interface {
		Look(ctx context.Context) (member.View, error)
		WaitServing(ctx context.Context, names ...string) error
	}
	// Again gives who asks the members that run by now: one that ran not when Etcd was
	// made is not known to it. It may be nil where Etcd knows all.
	Again   func(ctx context.Context) (Asker, error)
	Have    *runtime.State // as they were seen last
	Servers []string
	// Patience is for how long nothing has to move before it is given up; zero stands
	// for a minute. A member reads all its data before it says anything, and has as
	// much longer as that may take.
	Patience time.Duration
	// Data is how much each of them reads, in bytes; zero where that is yet to be
	// found out.
	Data int64
	// Reading is told how much a member reads that has not served within the patience,
	// and that it is waited for because of that; may be nil.
	Reading func(bytes int64)
}

// Asker asks members whether they serve.
type Asker interface {
	Look(ctx context.Context) (member.View, error)
	WaitServing(ctx context.Context, names ...string) error
}

// usualPatience is how long nothing may move.
const usualPatience = time.Minute

// Serving waits until all serve. It gives up with an UnwellError: on one that has ended
// for good, at once, and on one that somebody has stopped, in a second.
func (w Await) Serving(ctx context.Context) error {
	w.Patience = cmp.Or(w.Patience, usualPatience)
	asked := &lastAsker{Asker: w.Etcd}
	w.Etcd = asked
	waiting, cancel := context.WithCancel(ctx)
	defer cancel()
	gaveUp := make(chan *UnwellError, 1)
	go func() { gaveUp <- w.watch(waiting, cancel) }()
	err := w.serve(waiting, asked)
	cancel()
	unwell := <-gaveUp
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case unwell == nil: // it was not the patience that ended it
		unwell = &UnwellError{Server: w.Servers[0], What: "does not serve"}
	}
	if unwell.Server == "" {
		unwell.Server, unwell.Err = w.unwell(ctx), err
	}
	return unwell
}

// lastAsker is who asks by now, of those that were made one after the other.
type lastAsker struct {
	mu sync.Mutex
	Asker
}

func (l *lastAsker) is() Asker {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Asker
}

func (l *lastAsker) becomes(a Asker) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.Asker = a
}

func (l *lastAsker) Look(ctx context.Context) (member.View, error) { return l.is().Look(ctx) }

func (l *lastAsker) WaitServing(ctx context.Context, names ...string) error {
	return l.is().WaitServing(ctx, names...)
}

// serve asks until all serve or ctx ends: how long that may take, who looks at the
// processes knows better than who asks.
func (w Await) serve(ctx context.Context, asked *lastAsker) error {
	for {
		err := w.Etcd.WaitServing(ctx, w.Servers...)
		if err == nil || ctx.Err() != nil {
			return err
		}
		if w.onlyLearnersLack(ctx) {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(glance):
		}
		if w.Again == nil || !errors.Is(err, member.ErrUnknownMember) {
			continue
		}
		if again, err := w.Again(ctx); err == nil {
			asked.becomes(again)
		}
	}
}

// onlyLearnersLack: whoever has a vote serves. Learners serve nobody before they have theirs,
// which comes after this: whoever began to wait may not have heard of them, as where no
// member answered at that moment, and data that others write goes on moving for ever.
func (w Await) onlyLearnersLack(ctx context.Context) bool {
	view, _ := w.Etcd.Look(ctx) // what it tells is enough
	lacks := slices.DeleteFunc(slices.Clone(w.Servers), view.Serving)
	return len(lacks) < len(w.Servers) && !slices.ContainsFunc(lacks, func(name string) bool { return !view.Endpoint(name).Learner })
}

// unwell is the first that does not serve.
func (w Await) unwell(ctx context.Context) string {
	view, _ := w.Etcd.Look(ctx) // what it tells is enough
	for _, name := range w.Servers {
		if !view.Serving(name) {
			return name
		}
	}
	return w.Servers[0]
}

// glance is how often the runtime is looked at while etcd is waited for.
const glance = 300 * time.Millisecond

// watch looks at processes until ctx ends, one of them has ended for good, or nothing
// moves any more.
func (w Await) watch(ctx context.Context, giveUp func()) *UnwellError {
	ticker := time.NewTicker(glance)
	defer ticker.Stop()
	restarts, rests := restartsOf(w.Have), 0
	p := patience{Await: w, began: time.Now()}
	p.moved = p.began
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		u := w.ended(ctx, restarts)
		if u != nil && u.stopped { // a runtime may call it that for a moment while it starts one
			if rests++; rests < fewRests {
				continue
			}
		} else {
			rests = 0
		}
		if u != nil {
			giveUp()
			return u
		}
		if p.isOver(ctx) {
			giveUp()
			return &UnwellError{What: fmt.Sprintf("does not serve within %s", p.was().Round(time.Second))}
		}
	}
}

// ended tells of a server that has ended for good, or that was stopped during the wait.
func (w Await) ended(ctx context.Context, restarts map[string]int) *UnwellError {
	have, err := w.Runtime.Observe(ctx, w.Have.Name)
	if err != nil {
		return nil // the wait itself has an end
	}
	if u := hopelessOne(have, w.Servers, restarts); u != nil {
		return u
	}
	for _, name := range w.Servers {
		was, _ := w.Have.Server(name)
		if s, _ := have.Server(name); s.Status == runtime.Stopped && was.Status != runtime.Stopped {
			return &UnwellError{Server: name, What: "was stopped", stopped: true}
		}
	}
	return nil
}

// fewRests is at how many glances in a row a server has to be stopped.
const fewRests = 3

// patience is how long a wait goes on.
type patience struct {
	Await
	began, moved time.Time
	pace         member.Pace
	looked       time.Time
	holds        int64         // the largest database that any member was seen to have
	reads        time.Duration // what reading the data may take
	told         sync.Once
}

// looks is how often in a patience the members are looked at, whether they come nearer.
const looks = 4

// isOver tells that nothing has moved for the patience, and for as long as reading the
// data may take. What that is, is only found out where it matters.
func (p *patience) isOver(ctx context.Context) bool {
	now := time.Now()
	if now.Sub(p.began) > p.Patience/looks && now.Sub(p.looked) > p.Patience/looks {
		p.looked = now
		if p.nearer(ctx) {
			p.moved = now
		}
	}
	if now.Sub(p.moved) <= p.Patience {
		return false
	}
	p.told.Do(func() { p.reads = p.reading(ctx) })
	return now.Sub(p.moved) > p.Patience+p.reads
}

// nearer looks at the members.
func (p *patience) nearer(ctx context.Context) bool {
	view, err := p.Etcd.Look(ctx)
	if err != nil {
		return false
	}
	for _, e := range view.Endpoints {
		p.holds = max(p.holds, e.DBSize)
	}
	return p.pace.Moved(view)
}

// was is how long the wait was when it was given up.
func (p *patience) was() time.Duration { return p.moved.Sub(p.began) + p.Patience + p.reads }

// reading is how long members may read, and tells of it.
func (p *patience) reading(ctx context.Context) time.Duration {
	data := max(p.Data, p.holds)
	if sizer, ok := p.Runtime.(runtime.Sizer); ok && data == 0 {
		for _, name := range p.Servers {
			size, err := sizer.DataSize(ctx, p.Have.Name, name)
			if err == nil {
				data = max(data, size)
			}
		}
	}
	takes := member.TimeFor(data)
	if takes >= time.Second && p.Reading != nil {
		p.Reading(data)
	}
	return takes
}

// fewRestarts is how often a server may start anew while it is waited for: more
// do not help.
const fewRestarts = 3

func hopeless(have *runtime.State, name string, restarts int) string {
	s, ok := have.Server(name)
	switch {
	case !ok:
		return "is gone"
	case s.Status == runtime.Failed, s.Status == runtime.Ended:
		return "has ended: " + s.Detail
	case s.Held != "" && s.Status != runtime.Away && !s.Runs(): // one that is away comes back
		return "is not started: " + s.Held
	case s.Restarts-restarts >= fewRestarts:
		return "ends again and again: " + s.Detail
	}
	return ""
}
