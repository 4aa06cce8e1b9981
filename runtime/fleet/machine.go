package fleet

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/runtime"
)

// machine is one that members are on, or were.
type machine struct {
	r      *Runtime
	at     cluster.Engine
	host   string // as the members' addresses have it
	engine Engine // nil where no way leads to it any more, for which why is the reason
	lent   bool   // the engine knows what is lent to its member
	missed bool   // it is waited for: something is to be there, or to go

	mu    sync.Mutex
	why   error     // it does not answer
	until time.Time // when it is asked again
	heard time.Time // when it answered last
}

// machine gives the one at an engine.
func (r *Runtime) machine(at cluster.Engine, host string) (*machine, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if m, ok := r.machines[at.At]; ok {
		return m, nil
	}
	m := &machine{r: r, at: at, host: host, missed: true}
	var err error
	if m.engine, err = r.o.Open(at, m.tell); err != nil {
		return nil, err
	}
	r.machines[at.At] = m
	return m, nil
}

// formerMachine is machine where no way may lead to it any more.
func (r *Runtime) formerMachine(at cluster.Engine, host string) *machine {
	m, err := r.machine(at, host)
	if err != nil {
		return &machine{r: r, at: at, host: host, missed: true, why: err}
	}
	return m
}

// tell passes on what is done here: what it is done to may be on every machine.
func (m *machine) tell(e runtime.Event) {
	if !m.r.isServer(e.Server) {
		e.Server += " on " + m.host
	}
	m.r.tell(e)
}

func (r *Runtime) isServer(name string) bool {
	for _, m := range r.o.Spec.Members.List {
		if m.Name == name {
			return true
		}
	}
	return false
}

// expect says whether a machine is waited for. One that has nothing but what was left there
// may be gone for good, and costs each command no more than a moment.
func (m *machine) expect(missed bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.missed = missed
}

// patience is how long the machine may take to answer, and how long it is left alone where
// it did not.
func (m *machine) patience() (answer, alone time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.missed {
		return m.r.o.Patience, awayFor
	}
	return min(m.r.o.Patience, leftPatience), leftFor
}

// awayFor is how long a machine that did not answer is left alone.
const awayFor = 5 * time.Second

// These are the same of one that nobody waits for.
const (
	leftPatience = 2 * time.Second
	leftFor      = time.Minute
)

// errSlow is the cause of a question that took too long.
var errSlow = errors.New("no answer in time")

// freshFor is how long it is not asked again whether a machine answers.
const freshFor = time.Second

// reach makes sure that the machine answers, or has just done so.
func (m *machine) reach(ctx context.Context) error {
	m.mu.Lock()
	fresh := m.r.o.Now().Sub(m.heard) < freshFor
	m.mu.Unlock()
	if fresh {
		return nil
	}
	return m.answers(ctx)
}

func (m *machine) answers(ctx context.Context) error {
	err := m.engine.Answers(ctx)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.heard = m.r.o.Now(); err != nil {
		m.heard = time.Time{}
	}
	return err
}

// ask puts a question about a server. The error is a *runtime.AwayError where the
// machine does not answer.
func (m *machine) ask(ctx context.Context, server string, question func(context.Context) error) error {
	if err := m.known(server); err != nil {
		return err
	}
	patience, alone := m.patience()
	asking, cancel := context.WithTimeoutCause(ctx, patience, errSlow)
	defer cancel()
	err := m.reach(asking)
	if err == nil {
		if err = question(asking); err == nil || asking.Err() == nil && m.answers(asking) == nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if asking.Err() != nil && errors.Is(err, context.DeadlineExceeded) {
		err = errSlow
	}
	return m.gone(server, err, alone)
}

// known gives the error of a machine that has just been found to be away.
func (m *machine) known(server string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.engine == nil || m.why != nil && m.r.o.Now().Before(m.until) {
		return &runtime.AwayError{Server: server, Machine: m.at.At, Err: m.why}
	}
	m.why = nil
	return nil
}

func (m *machine) gone(server string, err error, alone time.Duration) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.why, m.until, m.heard = err, m.r.o.Now().Add(alone), time.Time{}
	return &runtime.AwayError{Server: server, Machine: m.at.At, Err: err}
}

// between is how long a machine that works is left alone until it is asked whether it
// is still there.
const between = 2 * time.Second

// work has something done there that may take long, as long as the machine answers.
func (m *machine) work(ctx context.Context, server string, do func(context.Context) error) error {
	if err := m.ask(ctx, server, func(context.Context) error { return nil }); err != nil {
		return err
	}
	working, stop := context.WithCancelCause(ctx)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		m.watch(working, server, stop)
	}()
	err := do(working)
	away := (*runtime.AwayError)(nil)
	lost := errors.As(context.Cause(working), &away)
	stop(nil)
	<-watched
	if lost && err != nil {
		return away
	}
	if err == nil || ctx.Err() != nil {
		return err
	}
	return m.ask(ctx, server, func(context.Context) error { return err }) // which tells why
}

// watch asks the machine now and then, and stops what is done there once it does not
// answer.
func (m *machine) watch(ctx context.Context, server string, stop func(error)) {
	ticker := time.NewTicker(between)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		err := m.ask(ctx, server, func(context.Context) error { return nil })
		if away := (*runtime.AwayError)(nil); errors.As(err, &away) {
			stop(away)
			return
		}
	}
}
