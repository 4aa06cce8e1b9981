package adopt

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/backup"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/converge"
	"github.com/etcdctr/etcdctr/internal/listed"
	"github.com/etcdctr/etcdctr/lint"
	"github.com/etcdctr/etcdctr/runtime"
)

// Adoption is a cluster on its way to take over from a stack.
type Adoption struct {
	// Cluster is one whose runtime is a *Runtime: see etcdctr.Options.Adopt.
	Cluster *etcdctr.Cluster
	// File is the cluster file, and Description what Do writes there, nil where it has
	// one; Do takes its line adopts out at the end. Empty: none is touched.
	File        string
	Description *Description
	// Program and Scratch are those of a Copying.
	Program backup.Program
	Scratch string
	// Wait is how long each member may take to serve; 0 stands for a minute.
	Wait time.Duration
	// Now is the clock; nil stands for the system's.
	Now func() time.Time
	// Doing is told what is done besides steps, and Tell the steps of all ways but
	// Copy; both may be nil.
	Doing func(action string)
	Tell  func(converge.Event)
}

func (a *Adoption) now() time.Time {
	if a.Now == nil {
		return time.Now()
	}
	return a.Now()
}

func (a *Adoption) doing(format string, args ...any) {
	if a.Doing != nil {
		a.Doing(fmt.Sprintf(format, args...))
	}
}

// Plan says what an adoption is going to do.
type Plan struct {
	Stack *Stack
	Want  *cluster.Cluster
	Way   Way
	// Why is why no way is taken that interrupts less; empty for Join and InPlace.
	Why string
	// Steps are those of all ways but Copy. None: it is done.
	Steps converge.Steps
	// Done tells that nothing is left to adopt.
	Done bool
	// File is the text of the cluster file that is written; empty where there is one.
	File string
	// Remaining are the findings of lint that adopting does not put right.
	Remaining []lint.Finding
	// Said are the last lines of members that do not run, by name.
	Said map[string][]string
}

// ErrNoRuntime is the error of a cluster that adopts nothing.
var ErrNoRuntime = errors.New("the cluster adopts nothing: its description has no key adopts")

// TakenError is the error of a cluster that has members of those names, with data, before
// anything was adopted into it: one that was there before, or is there.
type TakenError struct {
	Name    string
	Members []string
}

func (e *TakenError) Error() string {
	return fmt.Sprintf("%s has %s already, with data that was not adopted: --name gives the new cluster another name, and `etcdctr down --name %[1]s --volumes` deletes that one",
		e.Name, listed.And(e.Members))
}

// taken is a *TakenError where nothing has begun an adoption, which writes the description
// first, and members of the wanted cluster seem to have taken over all the same.
func (a *Adoption) taken(c *scene, name string) error {
	if a.Description == nil || a.File == "" || len(c.over) == 0 {
		return nil
	}
	e := &TakenError{Name: name}
	for _, m := range c.over {
		e.Members = append(e.Members, m.Name)
	}
	return e
}

// ErrEmpty is the error of members none of which runs or has data.
var ErrEmpty = errors.New("no member of it runs, and none has data: there is nothing to adopt")

// Plan looks, and does nothing.
func (a *Adoption) Plan(ctx context.Context) (Plan, error) {
	r, ok := a.Cluster.Runtime().(*Runtime)
	if !ok {
		return Plan{}, ErrNoRuntime
	}
	want, err := a.Cluster.Want(ctx)
	if err != nil {
		return Plan{}, err
	}
	c, err := r.look(ctx, want.Name)
	if err != nil {
		return Plan{}, err
	}
	if err := a.taken(c, want.Name); err != nil {
		return Plan{}, err
	}
	p := Plan{Stack: c.stack, Want: want, Done: len(c.left) == 0}
	if p.Done {
		return p, nil
	}
	if a.Description != nil {
		p.File = a.Description.Text()
	}
	if p.Said, err = r.lastLines(ctx, c.stack); err != nil {
		return p, err
	}
	if p.Remaining, err = Remaining(ctx, c.stack, want); err != nil {
		return p, err
	}
	if c.stack.empty() {
		return p, c.stack.whyEmpty(p.Said)
	}
	if err := a.elsewhere(ctx, c.stack, want); err != nil {
		return p, err
	}
	if p.Way, p.Why, err = r.way(ctx, c, want); err != nil {
		return p, err
	}
	if err := c.stack.lossless(p.Way, want); err != nil || p.Way == Copy {
		return p, err
	}
	p.Steps, err = a.Cluster.Plan(ctx, a.change())
	if errors.As(err, new(*converge.EndlessError)) {
		err = nil
	}
	return p, err
}

// lastLines are those of the members that do not run.
func (r *Runtime) lastLines(ctx context.Context, s *Stack) (map[string][]string, error) {
	ended := slices.DeleteFunc(slices.Clone(s.Members), func(m Member) bool { return m.Runs() || m.Retired })
	if len(ended) == 0 {
		return nil, nil
	}
	said := map[string][]string{}
	err := r.Foreign.Logs(ctx, ended, runtime.LogOptions{Tail: lastLines}, func(l runtime.Line) { said[l.Server] = append(said[l.Server], l.Text) })
	return said, err
}

// lastLines is how many a member's end is looked for in.
const lastLines = 50

// way is the one that was begun, or is to be.
func (r *Runtime) way(ctx context.Context, c *scene, want *cluster.Cluster) (Way, string, error) {
	way, why := Choose(c.stack, want)
	if way != Copy {
		return way, why, nil
	}
	// Members of ours that serve with the others have come by another way: whatever
	// runs of the stack is let go.
	begun, err := r.begun(ctx, c.ours)
	joined := len(begun) > 0 && slices.ContainsFunc(c.stack.Members, func(m Member) bool { return m.Retired })
	if joined && otherTLS(c.stack, want) == "" {
		way, why = Join, ""
	}
	return way, why, err
}

func (a *Adoption) change() etcdctr.Change {
	return etcdctr.Change{Verb: converge.Up, Wait: a.Wait, Tell: a.Tell}
}

// Do goes the way of a plan. Called again after it was interrupted, with a new
// plan, it goes on.
func (a *Adoption) Do(ctx context.Context, p Plan) error {
	if err := a.write(); err != nil {
		return err
	}
	switch {
	case p.Done:
	case p.Way == Copy:
		if err := a.copy(ctx, p); err != nil {
			return err
		}
	default:
		if err := a.quiet(ctx, p); err != nil {
			return err
		}
		if _, err := a.Cluster.Make(ctx, a.change()); err != nil {
			return err
		}
	}
	struck, err := Settle(ctx, a.Cluster, a.File)
	for _, line := range struck {
		a.doing("the line %s is taken out of %s", line, a.File)
	}
	return err
}

// Kept are the members that were adopted, as they are kept.
func (a *Adoption) Kept(ctx context.Context) (*Stack, error) {
	r, ok := a.Cluster.Runtime().(*Runtime)
	if !ok {
		return nil, ErrNoRuntime
	}
	return r.Foreign.Look(ctx)
}

// quiet stops a single member that nobody here reaches, which is going to be
// stopped in any case: only who serves is asked before it is stopped.
func (a *Adoption) quiet(ctx context.Context, p Plan) error {
	if p.Way != InPlace || len(p.Stack.Members) != 1 {
		return nil
	}
	m := p.Stack.Members[0]
	if m.Apart == "" || !m.Runs() {
		return nil
	}
	r, _ := a.Cluster.Runtime().(*Runtime)                 // Plan has seen it
	if err := r.Runtime.Prepare(ctx, p.Want); err != nil { // what can't be had is no reason to stop it
		return err
	}
	return r.Foreign.Stop(ctx, m, 0)
}

func (a *Adoption) copy(ctx context.Context, p Plan) error {
	r, _ := a.Cluster.Runtime().(*Runtime)
	ours, ok := r.Runtime.(backup.Runtime)
	if !ok {
		return fmt.Errorf("runtime %s: %w", r.Name(), etcdctr.ErrNotFillable)
	}
	if err := a.Cluster.Provide(ctx, p.Want); err != nil {
		return err
	}
	if done, err := a.copied(ctx, r, p); done || err != nil {
		return err
	}
	c := &Copying{
		Foreign: r.Foreign, Ours: ours, Want: p.Want, Program: a.Program, Scratch: a.Scratch, Now: a.now(), Tell: a.Doing,
		Restore: func(ctx context.Context, archive string) (backup.Restored, error) {
			return a.Cluster.Restore(ctx, archive, etcdctr.RestoreOptions{
				Scratch: a.Scratch, Tell: a.Doing, Into: ours,
				Consent: func(context.Context, backup.There) error { return nil }, // it is left of an interrupted run
			})
		},
	}
	_, err := c.Do(ctx)
	return err
}

// copied tells whether an earlier run has come to its end but for retiring the old
// members: all of ours have data and run, and none of the old ones does.
func (a *Adoption) copied(ctx context.Context, r *Runtime, p Plan) (bool, error) {
	ours, err := r.Runtime.Observe(ctx, p.Want.Name)
	if errors.Is(err, runtime.ErrNotFound) {
		return false, nil
	}
	if err != nil || p.Stack.Runs() {
		return false, err
	}
	for _, w := range p.Want.Members {
		if s, ok := ours.Server(w.Name); !ok || !s.Runs() {
			return false, nil
		}
	}
	for _, m := range p.Stack.Members {
		if err := r.Foreign.Retire(ctx, p.Want.Name, m); err != nil {
			return false, err
		}
	}
	return true, nil
}

// ErrNotAdopted is the error of forgetting members that were not adopted.
var ErrNotAdopted = errors.New("it was not adopted yet: what it holds would be gone")

// Forget removes the members of a stack, which were adopted all of them, and tells
// what is left of them: folders, and volumes that are inUse, as the cluster that has
// adopted them goes on there.
func Forget(ctx context.Context, f Foreign, inUse ...string) ([]string, error) {
	s, err := f.Look(ctx)
	if err != nil {
		return nil, err
	}
	for i, m := range s.Members {
		if !m.Retired {
			return nil, fmt.Errorf("%s: %w", m.Name, ErrNotAdopted)
		}
		s.Members[i].inUse = slices.Contains(inUse, m.DataAt)
	}
	return f.Forget(ctx, s.Members)
}
