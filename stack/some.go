package stack

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/moby/moby/api/types/container"
)

// This file plans what is done to containers as they are, where somebody else
// decides about their order: at once, and without asking anybody.

// PlanEnd plans to stop containers and to kill those that have not ended after
// grace; with 0 each has its own.
func PlanEnd(s *State, containers []Container, grace time.Duration) *Plan {
	p := &Plan{Project: s.Project}
	for _, c := range containers {
		if c.Running() || c.Status == container.StateRestarting {
			p.stop(c, "").grace = grace
		}
	}
	return p
}

// PlanBegin plans to start what does not run of containers, in the order of the
// dependencies that they remember.
func PlanBegin(s *State, containers []Container) *Plan {
	p := planStart(s, containers)
	p.Ops = slices.DeleteFunc(p.Ops, func(o *Op) bool { return o.Verb == AwaitAnswer })
	return p
}

// Removal says what of a stack is removed.
type Removal struct {
	Services []string // none: all
	// Data says that the volumes of these are removed as well. Their containers
	// are killed then: data that is about to be deleted needs no goodbye.
	Data bool
	// Volumes are the names in the Compose file of what a service keeps.
	Volumes func(service string) []string
}

// PlanRemove plans to remove services of a stack, and what they share once none
// of its servers is left; serves tells these from those that only do something
// for it. Data that something else uses is an error.
func PlanRemove(b *Belongings, r Removal, serves func(Container) bool) (*Plan, error) {
	p := &Plan{Project: b.Own.Project}
	gone := func(service string) bool { return len(r.Services) == 0 || slices.Contains(r.Services, service) }
	last := !slices.ContainsFunc(b.Own.Containers, func(c Container) bool { return serves(c) && !gone(c.Service) })
	volumes := b.removedVolumes(r, gone)
	if err := b.checkUnusedOf(volumes); err != nil {
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

// planNetworks removes the networks, but for those that something else is on.
func (b *Belongings) planNetworks(p *Plan, after []*Op) {
	for _, n := range b.Own.Networks {
		if users := b.users["network "+n.Name]; len(users) > 0 {
			p.Notes = append(p.Notes, fmt.Sprintf("the network %s is left: %s is on it", n.Name, strings.Join(users, ", ")))
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
	if len(r.Services) == 0 {
		return b.Own.Volumes
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
	return slices.DeleteFunc(slices.Clone(b.Own.Volumes), func(v Volume) bool {
		return !slices.Contains(names, v.Name) && !slices.Contains(keys, v.Key)
	})
}

// checkUnusedOf is checkUnused for some volumes.
func (b *Belongings) checkUnusedOf(volumes []Volume) error {
	some := &Belongings{Own: &State{Volumes: volumes}, users: b.users}
	return some.checkUnused()
}
