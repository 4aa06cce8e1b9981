package stack

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/moby/moby/client"
	"golang.org/x/sync/errgroup"
)

// other is an object on the engine that is not of the project and has a name
// that the project wants.
type other struct {
	id    string
	owner string // the Compose project that it is of, if any
}

func (o other) String() string {
	if o.owner != "" {
		return "is of the project " + o.owner
	}
	return "was made by something else"
}

// ObserveFor is Observe with what PlanApply and PlanPrepare need to know besides:
// what else has the wanted names, and what the copied files are.
func ObserveFor(ctx context.Context, e Engine, w Wanted) (*State, error) {
	s, err := Observe(ctx, e, w.Project.Name)
	if err != nil {
		return nil, err
	}
	return s.For(ctx, e, w)
}

// For is ObserveFor where somebody has just observed the project: s with the rest.
func (s *State) For(ctx context.Context, e Engine, w Wanted) (*State, error) {
	own := *s
	if err := own.askOthers(ctx, e, w); err != nil {
		return nil, err
	}
	return &own, observeFiles(ctx, e, w, &own)
}

func (s *State) askOthers(ctx context.Context, e Observer, w Wanted) error {
	var containers, networks, volumes map[string]other
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) { containers, err = otherContainers(ctx, e, w); return err })
	g.Go(func() (err error) { networks, err = otherNetworks(ctx, e, w); return err })
	g.Go(func() (err error) { volumes, err = otherVolumes(ctx, e, w); return err })
	if err := g.Wait(); err != nil {
		return fmt.Errorf("ask the engine what it holds of %s: %w", w.Project.Name, err)
	}
	s.others = map[string]other{}
	for _, found := range []map[string]other{containers, networks, volumes} {
		for name, o := range found {
			if o.owner != w.Project.Name {
				s.others[name] = o
			}
		}
	}
	return nil
}

// The engine takes a name in a filter for a part of one, so that more than the
// wanted names comes back; nobody asks for those.

func otherContainers(ctx context.Context, e Observer, w Wanted) (map[string]other, error) {
	filter := make(client.Filters)
	for _, s := range w.Project.Services {
		filter.Add("name", w.containerName(s))
	}
	r, err := e.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: filter})
	found := map[string]other{}
	for _, c := range r.Items {
		for _, name := range c.Names {
			found["container "+strings.TrimPrefix(name, "/")] = other{c.ID, c.Labels[projectLabel]}
		}
	}
	return found, err
}

func otherNetworks(ctx context.Context, e Observer, w Wanted) (map[string]other, error) {
	found := map[string]other{}
	if len(w.Project.Networks) == 0 {
		return found, nil
	}
	filter := make(client.Filters)
	for _, n := range w.Project.Networks {
		filter.Add("name", n.Name)
	}
	r, err := e.NetworkList(ctx, client.NetworkListOptions{Filters: filter})
	for _, n := range r.Items {
		found["network "+n.Name] = other{n.ID, n.Labels[projectLabel]}
	}
	return found, err
}

func otherVolumes(ctx context.Context, e Observer, w Wanted) (map[string]other, error) {
	found := map[string]other{}
	if len(w.Project.Volumes) == 0 {
		return found, nil
	}
	filter := make(client.Filters)
	for _, v := range w.Project.Volumes {
		filter.Add("name", v.Name)
	}
	r, err := e.VolumeList(ctx, client.VolumeListOptions{Filters: filter})
	for _, v := range r.Items {
		found["volume "+v.Name] = other{v.Name, cmp.Or(v.Labels[projectLabel], v.Labels[protectedLabel])}
	}
	return found, err
}
