package stack

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/moby/moby/api/types/container"
)

// services brings the containers of all services to what is wanted: first
// those that members may depend on, then the members, then those that depend
// on members.
func (u *upPlanner) services() error {
	var before, members, after []types.ServiceConfig
	for _, s := range u.inOrder() {
		if err := u.files(s); err != nil {
			return err
		}
		switch {
		case isMember(s):
			members = append(members, s)
		case u.needsMember(s):
			after = append(after, s)
		default:
			before = append(before, s)
		}
	}
	if u.volatile(members) {
		u.renewAll(slices.Concat(before, members, after))
	}
	if err := u.singles(before); err != nil {
		return err
	}
	if err := u.members(members); err != nil {
		return err
	}
	return u.singles(after)
}

// needsMember reports whether a service starts after a member, or after one
// that does.
func (u *upPlanner) needsMember(s types.ServiceConfig) bool {
	for name := range s.DependsOn {
		if dep := u.w.Project.Services[name]; isMember(dep) || u.needsMember(dep) {
			return true
		}
	}
	return false
}

func (u *upPlanner) singles(services []types.ServiceConfig) error {
	for _, s := range services {
		if err := u.single(s); err != nil {
			return err
		}
	}
	return nil
}

// single brings one service to what is wanted, whatever the others do.
func (u *upPlanner) single(s types.ServiceConfig) error {
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

// headStart is how long a member has until the next one is started.
const headStart = 150 * time.Millisecond

// queue has new members start one after the other, each when those before it
// are likely to answer. Started together they find each other's ports open and
// nobody behind them yet; etcd, for one, then waits for a second each.
func (u *upPlanner) queue(start *Op) {
	if u.newest != nil {
		start.After = append(start.After, u.newest)
		start.pause = headStart
	}
	u.newest = start
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
func (u *upPlanner) completed(c Container) bool {
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

// members brings the members to what is wanted. Those that do not serve lose
// nothing and are seen to at once. Those that serve are replaced one by one,
// the leader last, each after all the others have answered.
func (u *upPlanner) members(members []types.ServiceConfig) error {
	rolling, atOnce := u.split(members)
	if err := u.singles(atOnce); err != nil {
		return err
	}
	var answers []*Op
	for _, s := range members {
		if !slices.ContainsFunc(rolling, func(r types.ServiceConfig) bool { return r.Name == s.Name }) {
			answers = append(answers, u.answer(s))
		}
	}
	for _, s := range rolling {
		answer, err := u.roll(s, answers)
		if err != nil {
			return err
		}
		answers = []*Op{answer}
	}
	return nil
}

// volatile reports whether the members keep their data in memory and one of
// them has to be started while others run: it comes back empty, and etcd, for
// one, does not let a member forget.
func (u *upPlanner) volatile(members []types.ServiceConfig) bool {
	fresh, running := false, false
	for _, s := range members {
		if keepsData(s) {
			return false
		}
		c, ok := current(u.w, u.s, s)
		running = running || ok && c.Running()
		fresh = fresh || !ok || u.causes[s.Name] != "" || !c.Running()
	}
	return fresh && running
}

// renewAll plans for the members to start anew, empty, and with them whatever
// had part in their first start.
func (u *upPlanner) renewAll(services []types.ServiceConfig) {
	u.plan.Notes = append(u.plan.Notes, "the members keep their data in memory: it is lost, and the cluster starts empty")
	for _, s := range services {
		c, ok := current(u.w, u.s, s)
		if !ok {
			continue
		}
		cause := cmp.Or(u.causes[s.Name], "it starts anew with the others")
		u.base["service "+s.Name] = u.plan.add(&Op{Verb: RemoveContainer, Name: c.Name, object: c.ID, Cause: cause}, u.base["service "+s.Name])
		u.forget(c, cause)
	}
}

// split tells the members that have to be replaced one by one from the others.
func (u *upPlanner) split(members []types.ServiceConfig) (rolling, atOnce []types.ServiceConfig) {
	for _, s := range members {
		if u.causes[s.Name] != "" && u.now.serving[s.Name] {
			rolling = append(rolling, s)
		} else {
			atOnce = append(atOnce, s)
		}
	}
	slices.SortStableFunc(rolling, func(a, b types.ServiceConfig) int {
		return last(a.Name == u.now.leader) - last(b.Name == u.now.leader)
	})
	return rolling, atOnce
}

// last sorts what it is true for to the end.
func last(is bool) int {
	if is {
		return 1
	}
	return 0
}

// roll replaces one serving member, after the others have answered.
func (u *upPlanner) roll(s types.ServiceConfig, answers []*Op) (*Op, error) {
	c, _ := current(u.w, u.s, s)
	renamed, err := u.replace(s, c, u.causes[s.Name], answers...)
	if err != nil {
		return nil, err
	}
	u.started[s.Name] = u.start(s, "", renamed)
	return u.answer(s), nil
}

func (u *upPlanner) answer(s types.ServiceConfig) *Op {
	return u.plan.add(&Op{Verb: AwaitAnswer, Name: u.nameOf(s)}, u.started[s.Name])
}

// create makes a service's container once all that it refers to is there.
func (u *upPlanner) create(s types.ServiceConfig, name, cause string) (*Op, error) {
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
func (u *upPlanner) replace(s types.ServiceConfig, c Container, cause string, before ...*Op) (*Op, error) {
	made, err := u.replacement(s, c, cause)
	if err != nil {
		return nil, err
	}
	gone := u.remove(c, "", append([]*Op{made}, before...)...)
	return u.plan.add(&Op{Verb: RenameContainer, Name: spareName(c), object: spareName(c), newName: u.w.containerName(s)}, gone), nil
}

// replacement creates the container that takes the place of c, unless it was
// prepared.
func (u *upPlanner) replacement(s types.ServiceConfig, c Container, cause string) (*Op, error) {
	if u.spare(s, c) && u.base["service "+s.Name] == nil {
		return nil, nil
	}
	made, err := u.create(s, spareName(c), cause)
	if err == nil {
		made.create.container.Labels[replaceLabel] = s.Name + "-1"
	}
	return made, err
}

// start starts a service's container once its dependencies allow it.
func (u *upPlanner) start(s types.ServiceConfig, cause string, after ...*Op) *Op {
	return u.plan.add(&Op{Verb: Start, Name: u.nameOf(s), Cause: cause}, append(after, u.conditions(s)...)...)
}

// conditions are the operations that depends_on puts before a service's start.
func (u *upPlanner) conditions(s types.ServiceConfig) []*Op {
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
func (u *upPlanner) await(known map[string]*Op, verb Verb, s types.ServiceConfig) *Op {
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
