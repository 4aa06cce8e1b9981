package stack

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/containerd/errdefs"
)

// Driver starts, changes and stops stacks on an engine. Its Plan methods look
// and plan, Run carries a plan out, and Up does both and cleans up after
// itself.
type Driver struct {
	Engine   Engine
	Prober   Prober
	Progress Progress
	// WaitTimeout bounds each wait for a container.
	WaitTimeout time.Duration
	// Explain, if there is one, is asked about a failure of Up while what has
	// failed is still there, and gives the error that Up returns for it.
	Explain func(context.Context, error) error
}

// mostAttempts is how often Up plans anew when somebody else changes the same
// stack at the same time.
const mostAttempts = 5

// patience is how long a member may think before it counts as not serving.
const patience = 2 * time.Second

// undoTimeout bounds the clean-up after a failure, which nothing interrupts.
const undoTimeout = time.Minute

// Check refuses what Up would refuse, before anything is made for it, and gives
// what there is. Images and files need not be there yet.
func (d *Driver) Check(ctx context.Context, w Wanted) (*State, error) {
	if err := w.checkServices(); err != nil {
		return nil, err
	}
	s, err := observeFor(ctx, d.Engine, w)
	if err != nil {
		return nil, err
	}
	causes, err := causesToReplace(w, s)
	if err != nil {
		return nil, err
	}
	u := &upPlanner{w: w, s: s, causes: causes}
	return s, u.check()
}

// PlanUp plans how to bring a project to what is wanted of it.
func (d *Driver) PlanUp(ctx context.Context, w Wanted) (*Plan, error) {
	_, p, err := d.planUp(ctx, w)
	return p, err
}

func (d *Driver) planUp(ctx context.Context, w Wanted) (*State, *Plan, error) {
	if err := w.check(); err != nil {
		return nil, nil, err
	}
	s, err := observeFor(ctx, d.Engine, w)
	if err != nil {
		return nil, nil, err
	}
	if err := observeFiles(ctx, d.Engine, w, s); err != nil {
		return nil, nil, err
	}
	causes, err := causesToReplace(w, s)
	if err != nil {
		return nil, nil, err
	}
	networks, err := changedNetworks(w, s)
	if err != nil {
		return nil, nil, err
	}
	var now standing
	if len(causes)+len(networks) > 0 {
		now = d.standing(ctx, s)
	}
	p, err := planUp(w, s, now, causes)
	return s, p, err
}

// standing asks all members at the same time how they are.
func (d *Driver) standing(ctx context.Context, s *State) standing {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	now := standing{serving: map[string]bool{}}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, c := range s.Members() {
		wg.Go(func() {
			serving := c.Running() && d.Prober.Probe(ctx, c) == nil
			mu.Lock()
			defer mu.Unlock()
			now.serving[c.Service] = serving
		})
	}
	wg.Go(func() { now.leader = d.leader(ctx, s) })
	wg.Wait()
	return now
}

// leader is empty when nobody leads.
func (d *Driver) leader(ctx context.Context, s *State) string {
	running := slices.DeleteFunc(s.Members(), func(c Container) bool { return !c.Running() })
	if len(running) < 2 {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return d.Prober.Leader(ctx, running)
}

// Run carries a plan out.
func (d *Driver) Run(ctx context.Context, p *Plan) error {
	_, err := d.run(ctx, p)
	return err
}

func (d *Driver) run(ctx context.Context, p *Plan) ([]*Op, error) {
	x := &Execution{Engine: d.Engine, Prober: d.Prober, Progress: d.Progress, WaitTimeout: d.WaitTimeout}
	return x.Run(ctx, p)
}

// Up brings a project to what is wanted of it. When that fails where nothing
// ran before, it removes what it has created and nothing else, unless keep is
// set; otherwise a second Up goes on from where this one ended. It gives what
// somebody who wants this should know.
func (d *Driver) Up(ctx context.Context, w Wanted, keep bool) (notes []string, err error) {
	if err := w.checkFiles(); err != nil {
		return nil, err
	}
	var created []*Op
	var before *State // anything was done
	for attempt := 1; ; attempt++ {
		s, p, err := d.planUp(ctx, w)
		if err == nil {
			notes = p.Notes
			if before == nil {
				before = s
			}
			var done []*Op
			done, err = d.run(ctx, p)
			created = append(created, done...)
		}
		switch {
		case err == nil:
			return notes, nil
		case errdefs.IsConflict(err) && attempt < mostAttempts && ctx.Err() == nil:
			continue // somebody else made it first: go on from there
		}
		if d.Explain != nil {
			err = d.Explain(ctx, err)
		}
		if before != nil && len(before.Containers) == 0 && !keep {
			err = errors.Join(err, d.undo(ctx, before, created))
		}
		return notes, err
	}
}

// undo removes what operations have created, and nothing of a name that was there
// before them.
func (d *Driver) undo(ctx context.Context, before *State, done []*Op) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTimeout)
	defer cancel()
	p := &Plan{Project: before.Project}
	const cause = "it was created in vain"
	done = slices.DeleteFunc(slices.Clone(done), before.had)
	var gone []*Op
	for _, o := range done {
		if o.Verb == CreateContainer {
			gone = append(gone, p.add(&Op{Verb: RemoveContainer, Name: o.Name, Cause: cause}))
		}
	}
	for _, o := range done {
		switch o.Verb {
		case CreateNetwork:
			p.add(&Op{Verb: RemoveNetwork, Name: o.Name, Cause: cause}, gone...)
		case CreateVolume:
			p.add(&Op{Verb: RemoveVolume, Name: o.Name, Cause: cause}, gone...)
		}
	}
	return d.Run(ctx, p)
}

// had reports whether what an operation is about was there under its name.
func (s *State) had(o *Op) bool {
	switch o.Verb {
	case CreateContainer:
		return slices.ContainsFunc(s.Containers, func(c Container) bool { return c.Name == o.Name })
	case CreateNetwork:
		return slices.ContainsFunc(s.Networks, func(n Network) bool { return n.Name == o.Name })
	case CreateVolume:
		return slices.ContainsFunc(s.Volumes, func(v Volume) bool { return v.Name == o.Name })
	}
	return false
}

// observeFiles looks at the copies of local files that the stack has.
func observeFiles(ctx context.Context, e Engine, w Wanted, s *State) error {
	s.files = map[string]string{}
	for _, service := range w.Project.Services {
		c, ok := current(w, s, service)
		if !ok {
			continue
		}
		transfers, err := w.transfers(service)
		if err != nil {
			return err
		}
		for _, t := range transfers {
			if c.Volumes[t.target] != t.volume {
				continue
			}
			if s.files[t.volume], err = t.heldDigest(ctx, e, c); err != nil {
				return err
			}
		}
	}
	return nil
}

// PlanDown plans to remove what is a stack's own in its project, its volumes only
// if asked to. A project without any is a *ForeignError.
func (d *Driver) PlanDown(ctx context.Context, s *State, named Names, volumes bool) (*Plan, error) {
	b, err := Divide(ctx, d.Engine, s, named)
	if err != nil {
		return nil, err
	}
	if err := b.Foreign(); err != nil {
		return nil, err
	}
	if volumes {
		return planDown(b, "", true), b.checkUnused()
	}
	return planDown(b, d.leader(ctx, s), false), nil
}

// PlanStop plans to stop containers of a project and keep them.
func (d *Driver) PlanStop(ctx context.Context, s *State, containers []Container) *Plan {
	return planStop(s, containers, d.leader(ctx, s))
}

// PlanStart plans to start what does not run of a project's containers.
func (d *Driver) PlanStart(s *State, containers []Container) *Plan {
	return planStart(s, containers)
}

// PlanRestart plans to restart containers of a project, members that serve one
// by one.
func (d *Driver) PlanRestart(ctx context.Context, s *State, containers []Container) *Plan {
	return planRestart(s, containers, d.standing(ctx, s))
}

// ImageRefs are the images that a project's services run.
func ImageRefs(p *types.Project) []string {
	var refs []string
	for _, s := range p.Services {
		refs = append(refs, s.Image)
	}
	slices.Sort(refs)
	return slices.Compact(refs)
}
