package stack

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/moby/moby/api/types/container"
)

// This file plans what becomes of one service's container, and when it starts.

func (u *planner) applyServices() error {
	var before, members, after []types.ServiceConfig
	for _, s := range u.inOrder() {
		switch {
		case !u.wants(s.Name):
			continue
		case isMember(s):
			members = append(members, s)
		case u.needsMember(s):
			after = append(after, s)
		default:
			before = append(before, s)
		}
		if err := u.files(s); err != nil {
			return err
		}
	}
	return u.singles(slices.Concat(before, members, after))
}

// needsMember reports whether a service starts after a member, or after one
// that does.
func (u *planner) needsMember(s types.ServiceConfig) bool {
	for name := range s.DependsOn {
		if dep := u.w.Project.Services[name]; isMember(dep) || u.needsMember(dep) {
			return true
		}
	}
	return false
}

func (u *planner) singles(services []types.ServiceConfig) error {
	for _, s := range services {
		if err := u.single(s); err != nil {
			return err
		}
	}
	return nil
}

// single brings one service to what is wanted, whatever the others do.
func (u *planner) single(s types.ServiceConfig) error {
	c, ok := current(u.w, u.s, s)
	cause := u.causes[s.Name]
	switch {
	case !ok:
		made, err := u.create(s, u.w.containerName(s), cmp.Or(u.lost[s.Name], "it is not there"))
		if err != nil {
			return err
		}
		u.started[s.Name] = u.start(s, "", made)
		if isMember(s) {
			u.queue(u.started[s.Name])
		}
	case cause != "":
		op, err := u.replace(s, c, cause)
		if err != nil {
			return err
		}
		u.started[s.Name] = u.start(s, "", op)
	case c.Status == container.StatePaused:
		u.started[s.Name] = u.plan.add(&Op{Verb: Resume, Name: c.Name, Cause: "it is paused"}, u.conditions(s)...)
	case c.Status == container.StateRestarting: // the engine's next try may be a minute away
		u.started[s.Name] = u.start(s, "", u.plan.stop(c, idle(c)))
	case !c.Running() && !u.completed(c):
		u.started[s.Name] = u.start(s, idle(c))
	}
	return nil
}

// headStart is how long the first member, whose process runs, has before the others'
// starts begin: its questions to them take some 30 ms.
const headStart = 50 * time.Millisecond

// queue has new members start once the first of them has asked for the others. Each asks its
// peers who the members are, in the order of their URLs, until one answers. Started
// together they find addresses at which nobody is yet, or ports with nobody behind them;
// etcd, for one, then waits for a second each. Those after the first ask that one.
func (u *planner) queue(start *Op) {
	if u.first == nil {
		u.first = start
		return
	}
	start.After = append(start.After, u.first)
	start.pause = headStart
}

// idle is why a container has to be started that is there.
func idle(c Container) string {
	if c.Status == container.StateCreated {
		return "it was never started"
	}
	return "it does not run: " + c.Detail
}

// completed reports whether a container has done what others wait for it to
// do, so that it need not do it again.
func (u *planner) completed(c Container) bool {
	if c.Status != container.StateExited || !c.exitedWell() {
		return false
	}
	for _, s := range u.w.Project.Services {
		if s.DependsOn[c.Service].Condition == types.ServiceConditionCompletedSuccessfully {
			return true
		}
	}
	return false
}

// create makes a service's container once all that it refers to is there.
func (u *planner) create(s types.ServiceConfig, name, cause string) (*Op, error) {
	c, err := u.w.creation(s, u.w.containerName(s))
	if err != nil {
		return nil, err
	}
	after := []*Op{u.base["service "+s.Name]}
	for _, key := range slices.Sorted(maps.Keys(s.Networks)) {
		after = append(after, u.base["network "+key])
	}
	for _, m := range c.host.Mounts {
		after = append(after, u.base["volume "+m.Source])
	}
	return u.plan.add(&Op{Verb: CreateContainer, Name: name, Cause: cause, create: c}, after...), nil
}

// replace puts a new container in the place of c. The new one is made first,
// under another name, so that a configuration that the engine refuses leaves
// the old one running.
func (u *planner) replace(s types.ServiceConfig, c Container, cause string) (*Op, error) {
	made, err := u.replacement(s, c, cause)
	if err != nil {
		return nil, err
	}
	gone := u.remove(c, "", made)
	return u.plan.add(&Op{
		Verb: RenameContainer, Name: spareName(c), object: spareName(c), newName: u.w.containerName(s), fresh: c.Status == container.StateCreated,
	}, gone), nil
}

// replacement creates the container that takes the place of c, unless it was
// prepared.
func (u *planner) replacement(s types.ServiceConfig, c Container, cause string) (*Op, error) {
	if u.spare(s, c) && u.base["service "+s.Name] == nil {
		return nil, nil
	}
	return u.createSpare(s, c, cause)
}

// createSpare makes a container that is to take the place of old.
func (u *planner) createSpare(s types.ServiceConfig, old Container, cause string) (*Op, error) {
	made, err := u.create(s, spareName(old), cause)
	if err == nil {
		made.create.container.Labels[replaceLabel] = s.Name + "-1"
	}
	return made, err
}

// remove stops a container, if it runs, and removes it.
func (u *planner) remove(c Container, cause string, after ...*Op) *Op {
	if c.Running() || c.Status == container.StateRestarting {
		after = []*Op{u.plan.stop(c, cause, after...)}
	}
	return u.plan.add(&Op{Verb: RemoveContainer, Name: c.Name, object: c.ID, Cause: cause}, after...)
}

// onlyReplaced keeps the planner to services that get another container than they have.
// What one that has none yet keeps its data in is made with it: made before, it would be
// data to be looked into.
func (u *planner) onlyReplaced() error {
	part := map[string]bool{}
	for _, s := range u.inOrder() {
		old, ok := current(u.w, u.s, s)
		part[s.Name] = u.wants(s.Name) && ok && u.causes[s.Name] != "" && !u.spare(s, old) && !u.waits(s)
	}
	u.part = part
	return nil
}

func (u *planner) prepareServices() error {
	for _, s := range u.inOrder() {
		if !u.wants(s.Name) {
			continue
		}
		old, _ := current(u.w, u.s, s)
		if _, err := u.createSpare(s, old, u.causes[s.Name]); err != nil {
			return err
		}
	}
	return nil
}

// waits reports whether a service is on a network that has to be made anew
// first.
func (u *planner) waits(s types.ServiceConfig) bool {
	for key := range s.Networks {
		if _, ok := u.later[key]; ok {
			return true
		}
	}
	// Its files are copied into a volume that is made with the container.
	return slices.ContainsFunc(s.Volumes, func(v types.ServiceVolumeConfig) bool {
		return u.w.CopyFiles && v.Type == types.VolumeTypeBind && !u.hasCopies(s)
	})
}

func (u *planner) hasCopies(s types.ServiceConfig) bool {
	transfers, err := u.w.transfers(s)
	return err == nil && !slices.ContainsFunc(transfers, func(t *transfer) bool { return !u.hasVolume(t.volume) })
}

// fits reports whether a container is what is wanted of a service, and was made whole.
func (u *planner) fits(s types.ServiceConfig, c Container) (bool, error) {
	h, err := serviceHash(s)
	same := err == nil && c.ConfigHash == h && c.ImageID == u.w.Images[s.Image]
	return same && c.Status == container.StateCreated && attached(u.w, u.s, s, c), err
}

// spareName is the name of a container until it takes the place of old.
func spareName(old Container) string { return fmt.Sprintf("%.12s_%s", old.ID, old.Name) }

// spare reports whether a container was prepared to take the place of old.
func (u *planner) spare(s types.ServiceConfig, old Container) bool {
	return slices.ContainsFunc(u.s.Spares, func(c Container) bool {
		fits, err := u.fits(s, c)
		return err == nil && fits && c.Name == spareName(old)
	})
}

// nameOf is the name of a service's container once the plan has seen to it. A new
// one gets the wanted name.
func (u *planner) nameOf(s types.ServiceConfig) string {
	if c, ok := current(u.w, u.s, s); ok && u.causes[s.Name] == "" {
		return c.Name
	}
	return u.w.containerName(s)
}

// isCurrent reports whether a container is the one that runs a service.
func (u *planner) isCurrent(c Container, s types.ServiceConfig) bool {
	now, ok := current(u.w, u.s, s)
	return ok && now.ID == c.ID
}

// start starts a service's container once its dependencies allow it.
func (u *planner) start(s types.ServiceConfig, cause string, after ...*Op) *Op {
	return u.plan.add(&Op{Verb: Start, Name: u.nameOf(s), Cause: cause}, append(after, u.conditions(s)...)...)
}

// conditions are the operations that depends_on puts before a service's start.
func (u *planner) conditions(s types.ServiceConfig) []*Op {
	var ops []*Op
	for _, name := range slices.Sorted(maps.Keys(s.DependsOn)) {
		dep := u.w.Project.Services[name]
		switch s.DependsOn[name].Condition {
		case types.ServiceConditionHealthy:
			ops = append(ops, u.await(u.healthy, AwaitHealth, dep))
		case types.ServiceConditionCompletedSuccessfully:
			ops = append(ops, u.await(u.ended, AwaitExit, dep))
		default:
			ops = append(ops, u.started[name])
		}
	}
	return ops
}

// await waits once for a service, however many depend on it, and not at all
// for one that is as it should be.
func (u *planner) await(known map[string]*Op, verb Verb, s types.ServiceConfig) *Op {
	if op, ok := known[s.Name]; ok {
		return op
	}
	c, ok := current(u.w, u.s, s)
	untouched := ok && u.started[s.Name] == nil
	if untouched && (verb == AwaitExit && u.completed(c) || verb == AwaitHealth && c.Healthy == container.Healthy) {
		return nil
	}
	known[s.Name] = u.plan.add(&Op{Verb: verb, Name: u.nameOf(s)}, u.started[s.Name])
	return known[s.Name]
}
