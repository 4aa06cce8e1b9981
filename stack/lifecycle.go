package stack

import (
	"slices"
	"strings"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/moby/moby/api/types/container"
)

// This file plans to end and to start containers as they are.

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

// stop ends a container's process in its own good time. A frozen one has to be
// woken for that.
func (p *Plan) stop(c Container, cause string, after ...*Op) *Op {
	if c.Status == container.StatePaused {
		after = append(after, p.add(&Op{Verb: Resume, Name: c.Name, object: c.ID, Cause: "it is paused"}, after...))
	}
	return p.add(&Op{Verb: Stop, Name: c.Name, object: c.ID, Cause: cause}, after...)
}

// PlanBegin plans to start what does not run of containers, in the order of the
// dependencies that they remember.
func PlanBegin(s *State, containers []Container) *Plan {
	p := &Plan{Project: s.Project}
	started := map[string]*Op{}
	for _, c := range dependencyOrder(containers) {
		switch {
		case c.Status == container.StatePaused:
			started[c.Service] = p.add(&Op{Verb: Resume, Name: c.Name, object: c.ID, Cause: "it is paused"})
		case c.Running() || c.exitedWell() && s.wantsEndOf(c.Service):
		default:
			started[c.Service] = p.add(&Op{Verb: Start, Name: c.Name, object: c.ID, Cause: idle(c)}, p.conditions(c, started)...)
		}
	}
	return p
}

// wantsEndOf reports whether a container waits for another to end well: that one is
// done then. Any other that ended well was stopped.
func (s *State) wantsEndOf(service string) bool {
	return slices.ContainsFunc(s.Containers, func(c Container) bool {
		return slices.Contains(c.dependencies(), dependency{service, types.ServiceConditionCompletedSuccessfully})
	})
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
