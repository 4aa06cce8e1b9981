package stack

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/moby/moby/api/types/container"
)

// stopOrder puts the leader behind the other members, and the services that
// members depend on behind all of them.
func stopOrder(containers []Container, leader string) []Container {
	order := slices.Clone(containers)
	slices.SortStableFunc(order, func(a, b Container) int {
		return cmp.Compare(stopRank(a, leader), stopRank(b, leader))
	})
	return order
}

func stopRank(c Container, leader string) int {
	switch {
	case c.Service == leader && c.Member():
		return 1
	case c.Member():
		return 0
	default:
		return 2
	}
}

// stop ends a container's process in its own good time. A frozen one has to be
// woken for that.
func (p *Plan) stop(c Container, cause string, after ...*Op) *Op {
	if c.Status == container.StatePaused {
		after = append(after, p.add(&Op{Verb: Resume, Name: c.Name, object: c.ID, Cause: "it is paused"}, after...))
	}
	return p.add(&Op{Verb: Stop, Name: c.Name, object: c.ID, Cause: cause}, after...)
}

// stopAll stops containers: the members but the leader at once, the leader as
// soon as it knows that these are gone, and what members depend on after all.
//
// A leader that is told to stop hands over to another member first, and waits
// in vain for one that is stopping too, or that it takes for present because
// nothing has told it otherwise: 7 seconds with etcd's defaults. Once it knows of
// no other there is nobody to hand over to. But it must not wait for longer: a
// request that reaches it without a quorum hangs and keeps it from stopping, 5
// seconds if it is that of its health check. So that is let pass first.
//
// The leader keeps so many peers as stay.
func (p *Plan) stopAll(containers []Container, leader string, stay int) map[string]*Op {
	stops := map[string]*Op{}
	var lull, lost *Op
	var members []*Op
	order := slices.DeleteFunc(stopOrder(containers, leader), func(c Container) bool {
		return !c.Running() && c.Status != container.StateRestarting
	})
	if i := slices.IndexFunc(order, func(c Container) bool { return stopRank(c, leader) == 1 }); i > 0 {
		lull = p.add(&Op{Verb: AwaitLull, Name: order[i].Name, object: order[i].ID})
		lost = p.add(&Op{Verb: AwaitPeersLost, Name: order[i].Name, container: order[i], peers: stay}, lull)
	}
	for _, c := range order {
		switch stopRank(c, leader) {
		case 0:
			stops[c.ID] = p.stop(c, "", lull)
		case 1:
			stops[c.ID] = p.stop(c, "it leads", lost)
		default:
			stops[c.ID] = p.stop(c, "", members...)
			continue
		}
		members = append(members, stops[c.ID])
	}
	return stops
}

// planStop stops containers and keeps them.
func planStop(s *State, containers []Container, leader string) *Plan {
	p := &Plan{Project: s.Project}
	stay := slices.DeleteFunc(s.Members(), func(c Container) bool {
		return !c.Running() || slices.ContainsFunc(containers, func(o Container) bool { return o.ID == c.ID })
	})
	p.stopAll(containers, leader, len(stay))
	return p
}

// planDown removes all that is the stack's own but its volumes, and those too
// if asked to. Data that is about to be deleted needs no goodbye: without it the
// containers are killed.
func planDown(b *Belongings, leader string, volumes bool) *Plan {
	s := b.Own
	p := &Plan{Project: s.Project, Notes: b.Notes()}
	var stops map[string]*Op
	if !volumes {
		stops = p.stopAll(slices.DeleteFunc(slices.Clone(s.Containers), Container.volatile), leader, 0)
	}
	var gone []*Op
	for _, c := range slices.Concat(s.Containers, s.Spares) {
		gone = append(gone, p.add(&Op{Verb: RemoveContainer, Name: c.Name, object: c.ID}, stops[c.ID]))
	}
	for _, n := range s.Networks {
		if users := b.users["network "+n.Name]; len(users) > 0 {
			p.Notes = append(p.Notes, fmt.Sprintf("the network %s is left: %s is on it", n.Name, strings.Join(users, ", ")))
			continue
		}
		p.add(&Op{Verb: RemoveNetwork, Name: n.Name, object: n.ID}, gone...)
	}
	for _, v := range s.Volumes {
		if volumes {
			p.add(&Op{Verb: RemoveVolume, Name: v.Name, object: v.Name}, gone...)
		}
	}
	return p
}

// checkUnused refuses to delete data that something else uses: the engine would
// not let go of it, and the members would come back with the data of some.
func (b *Belongings) checkUnused() error {
	var errs []error
	for _, v := range b.Own.Volumes {
		if users := b.users["volume "+v.Name]; len(users) > 0 {
			errs = append(errs, fmt.Errorf("%s uses the volume %s and is not of the stack: remove that container first",
				strings.Join(users, ", "), v.Name))
		}
	}
	return errors.Join(errs...)
}

// planStart starts what does not run, in the order of the dependencies that
// the containers remember.
func planStart(s *State, containers []Container) *Plan {
	p := &Plan{Project: s.Project}
	started := map[string]*Op{}
	for _, c := range dependencyOrder(containers) {
		switch {
		case c.Status == container.StatePaused:
			started[c.Service] = p.add(&Op{Verb: Resume, Name: c.Name, object: c.ID, Cause: "it is paused"})
		case c.Running() || c.exitedWell() && !c.Member():
		default:
			started[c.Service] = p.add(&Op{Verb: Start, Name: c.Name, object: c.ID, Cause: idle(c)}, p.conditions(c, started)...)
		}
	}
	for _, c := range containers {
		if c.Member() {
			p.add(&Op{Verb: AwaitAnswer, Name: c.Name, object: c.ID}, started[c.Service])
		}
	}
	return p
}

// conditions are the operations that a container's dependencies put before its
// start.
func (p *Plan) conditions(c Container, started map[string]*Op) []*Op {
	var ops []*Op
	for _, d := range c.dependencies() {
		op := started[d.service]
		if op != nil && d.condition == types.ServiceConditionHealthy {
			op = p.add(&Op{Verb: AwaitHealth, Name: op.Name, object: op.object}, op)
		}
		if op != nil && d.condition == types.ServiceConditionCompletedSuccessfully {
			op = p.add(&Op{Verb: AwaitExit, Name: op.Name, object: op.object}, op)
		}
		ops = append(ops, op)
	}
	return ops
}

type dependency struct{ service, condition string }

// dependencies reads what Compose has noted at the container.
func (c Container) dependencies() []dependency {
	var deps []dependency
	for entry := range strings.SplitSeq(c.Labels[dependsOnLabel], ",") {
		if service, rest, ok := strings.Cut(entry, ":"); ok {
			condition, _, _ := strings.Cut(rest, ":")
			deps = append(deps, dependency{service, condition})
		}
	}
	return deps
}

// dependencyOrder puts each container behind those that it depends on.
func dependencyOrder(containers []Container) []Container {
	var order []Container
	seen := map[string]bool{}
	var visit func(c Container)
	visit = func(c Container) {
		if seen[c.ID] {
			return
		}
		seen[c.ID] = true
		for _, d := range c.dependencies() {
			for _, other := range containers {
				if other.Service == d.service {
					visit(other)
				}
			}
		}
		order = append(order, c)
	}
	for _, c := range containers {
		visit(c)
	}
	return order
}

// planRestart restarts containers. Members that serve are restarted one by
// one, the leader last; there is nothing to keep up among those that do not.
func planRestart(s *State, containers []Container, now standing) *Plan {
	p := &Plan{Project: s.Project}
	var before []*Op
	for _, c := range stopOrder(containers, now.leader) {
		stop := p.stop(c, "", before...)
		start := p.add(&Op{Verb: Start, Name: c.Name, object: c.ID}, stop)
		if !c.Member() {
			continue
		}
		answer := p.add(&Op{Verb: AwaitAnswer, Name: c.Name, object: c.ID}, start)
		if now.serving[c.Service] {
			before = []*Op{answer}
		}
	}
	return p
}

// volatile reports whether what a container holds is gone once it stops.
func (c Container) volatile() bool { return c.Member() && len(c.Volumes) == 0 }
