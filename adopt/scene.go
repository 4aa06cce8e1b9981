package adopt

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/etcdctr/etcdctr/runtime"
)

// scene is what there is of both.
type scene struct {
	ours  *runtime.State // nil for nothing
	stack *Stack         // nil for nothing
	left  []Member       // those that are still to be adopted
	over  []Member       // those whose successors go on with their data, and that are not retired
}

func (r *Runtime) look(ctx context.Context, name string) (*scene, error) {
	ours, err := r.Runtime.Observe(ctx, name)
	if errors.Is(err, runtime.ErrNotFound) {
		ours, err = nil, nil
	}
	if err != nil {
		return nil, err
	}
	stack, err := r.Foreign.Look(ctx)
	if errors.Is(err, ErrNothing) && ours != nil {
		return &scene{ours: ours}, nil
	}
	if errors.Is(err, ErrNothing) { // to start a cluster without its data is the last that is meant
		return nil, fmt.Errorf("adopts: %w: name what is there, or take the line out if a new and empty cluster is meant", err)
	}
	if err != nil {
		return nil, err
	}
	c := &scene{ours: ours, stack: stack}
	begun, err := r.begun(ctx, ours)
	if err != nil {
		return nil, err
	}
	for _, m := range stack.Members {
		switch successor, succeeded := begun[m.Name]; {
		case succeeded && m.Runs() && !successor.Runs(): // started anew since: what was taken of it is not all any more
			c.left = append(c.left, m)
		case succeeded && !m.Retired:
			c.over = append(c.over, m)
		case !succeeded && (!m.Retired || len(begun) == 0):
			c.left = append(c.left, m)
		}
	}
	return c, nil
}

// begun are the members of ours that have data, by name.
func (r *Runtime) begun(ctx context.Context, ours *runtime.State) (map[string]runtime.Server, error) {
	begun := map[string]runtime.Server{}
	for _, m := range ours.Members() {
		data := m.Data
		if !m.Runs() && data == runtime.Unknown {
			var err error
			if data, err = r.Runtime.Data(ctx, ours.Name, m.Name); err != nil {
				return nil, err
			}
		}
		if m.Runs() || data == runtime.Kept {
			begun[m.Name] = m
		}
	}
	return begun, nil
}

// member gives the one that is still to be adopted.
func (c *scene) member(name string) (Member, bool) {
	return (&Stack{Members: c.left}).Member(name)
}

// split gives the members that are to be adopted of servers, and the others; all that the
// state has for none.
func (c *scene) split(have *runtime.State, servers []string) (left []Member, ours []string) {
	if len(servers) == 0 {
		for _, s := range have.Servers {
			servers = append(servers, s.Name)
		}
	}
	for _, s := range servers {
		if m, ok := c.member(s); ok {
			left = append(left, m)
		} else {
			ours = append(ours, s)
		}
	}
	return left, ours
}

// state is what package runtime knows both as.
func (c *scene) state(name, runs string) *runtime.State {
	s := &runtime.State{Name: name, Runtime: runs}
	if c.ours != nil {
		*s = *c.ours
		s.Servers = slices.DeleteFunc(slices.Clone(s.Servers), func(x runtime.Server) bool {
			_, replaces := c.member(x.Name)
			return replaces
		})
		s.Begun = len(s.Servers) == 0
	}
	for _, m := range c.left {
		m.Foreign, m.Lent = true, true
		s.Servers = append(s.Servers, m.Server)
	}
	slices.SortFunc(s.Servers, func(a, b runtime.Server) int { return strings.Compare(a.Name, b.Name) })
	return s
}
