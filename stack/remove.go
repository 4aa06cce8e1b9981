package stack

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/moby/moby/api/types/container"
)

// This file plans to take services away.

// Removal says what of a stack is removed.
type Removal struct {
	Services []string // none: all
	// Data says that the volumes of these are removed as well. Their containers
	// are killed then: data that is about to be deleted needs no goodbye.
	Data bool
	// Made says that of the volumes only those go that are labelled as made for the stack.
	Made bool
	// Volumes are the names in the Compose file of what a service keeps.
	Volumes func(service string) []string
}

// PlanRemove plans to remove services of a stack, and what they share once none
// of its servers is left; serves tells these from those that only do something
// for it. It asks the engine who else uses what they share; data that something else
// uses is an error.
func PlanRemove(ctx context.Context, e Observer, b *Belongings, r Removal, serves func(Container) bool) (*Plan, error) {
	if err := b.askUsers(ctx, e); err != nil {
		return nil, err
	}
	p := &Plan{Project: b.Own.Project}
	gone := func(service string) bool { return len(r.Services) == 0 || slices.Contains(r.Services, service) }
	last := !slices.ContainsFunc(b.Own.Containers, func(c Container) bool { return serves(c) && !gone(c.Service) })
	volumes := b.removedVolumes(r, gone)
	if err := b.checkUnused(volumes); err != nil {
		return nil, err
	}
	var removed []*Op
	for _, c := range slices.Concat(b.Own.Containers, b.Own.Spares) {
		if !gone(c.Service) && (!last || serves(c)) {
			continue
		}
		var stop *Op
		if !r.Data && (c.Running() || c.Status == container.StateRestarting) {
			stop = p.stop(c, "")
		}
		removed = append(removed, p.add(&Op{Verb: RemoveContainer, Name: c.Name, object: c.ID}, stop))
	}
	if last {
		b.planNetworks(p, removed)
	}
	for _, v := range volumes {
		p.add(&Op{Verb: RemoveVolume, Name: v.Name, object: v.Name}, removed...)
	}
	return p, nil
}

// planNetworks removes the networks, but for those that something else is on: the
// plan tells of these.
func (b *Belongings) planNetworks(p *Plan, after []*Op) {
	for _, n := range b.Own.Networks {
		if users := b.users["network "+n.Name]; len(users) > 0 {
			p.Left = append(p.Left, Left{Network: n.Name, Users: users})
			continue
		}
		p.add(&Op{Verb: RemoveNetwork, Name: n.Name, object: n.ID}, after...)
	}
}

// removedVolumes are those that go with the services: by name, and what the
// containers mount.
func (b *Belongings) removedVolumes(r Removal, gone func(string) bool) []Volume {
	if !r.Data {
		return nil
	}
	all := slices.DeleteFunc(slices.Clone(b.Own.Volumes), func(v Volume) bool { return r.Made && !v.Own() })
	if len(r.Services) == 0 {
		return all
	}
	var names, keys []string
	for _, service := range r.Services {
		keys = append(keys, r.Volumes(service)...)
	}
	for _, c := range b.Own.Containers {
		for _, name := range c.Volumes {
			if gone(c.Service) {
				names = append(names, name)
			}
		}
	}
	return slices.DeleteFunc(all, func(v Volume) bool {
		return !slices.Contains(names, v.Name) && !slices.Contains(keys, v.Key)
	})
}

// checkUnused refuses to delete data that something else uses: the engine would
// not let go of it, and the members would come back with the data of some.
func (b *Belongings) checkUnused(volumes []Volume) error {
	var errs []error
	for _, v := range volumes {
		if users := b.users["volume "+v.Name]; len(users) > 0 {
			errs = append(errs, fmt.Errorf("%s uses the volume %s and is not of the stack: remove that container first",
				strings.Join(users, ", "), v.Name))
		}
	}
	return errors.Join(errs...)
}
