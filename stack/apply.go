package stack

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/moby/moby/api/types/container"
)

// This file plans to make services run as wanted: which of them, and what they
// share. Whoever asks for it has decided which services come next, and waits for
// their answers.

// PlanApply plans to make services run as wanted, those named or all, and what
// they share. Other services are started if these depend on them, and not
// replaced. Images of what is to be made have to be in w.
func PlanApply(w Wanted, s *State, services ...string) (*Plan, error) {
	u, err := newPlanner(w, s, services)
	if err != nil {
		return nil, err
	}
	for _, step := range []func() error{u.clear, u.networks, u.volumes, u.applyServices} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	u.plan.makeFirst()
	return u.plan, nil
}

// makeFirst has containers started once all are made: one that was never started
// has then never had a part in anything.
func (p *Plan) makeFirst() {
	var made []*Op
	for _, o := range p.Ops {
		if o.Verb == CreateContainer || o.fresh {
			made = append(made, o)
		}
	}
	for _, o := range p.Ops {
		for _, m := range made {
			if o.Verb == Start && !slices.Contains(o.After, m) {
				o.After = append(o.After, m)
			}
		}
	}
	p.sort()
}

// sort puts operations behind those that come before them, and leaves the order
// else as it is.
func (p *Plan) sort() {
	var order []*Op
	seen := map[*Op]bool{}
	var visit func(o *Op)
	visit = func(o *Op) {
		if seen[o] {
			return
		}
		seen[o] = true
		for _, a := range p.Ops {
			if slices.Contains(o.After, a) {
				visit(a)
			}
		}
		order = append(order, o)
	}
	for _, o := range p.Ops {
		visit(o)
	}
	p.Ops = order
}

// PlanPrepare plans to create the containers that PlanApply would put in the
// place of others, beside these, which run on.
func PlanPrepare(w Wanted, s *State, services ...string) (*Plan, error) {
	u, err := newPlanner(w, s, services)
	if err != nil {
		return nil, err
	}
	changed, err := changedNetworks(w, s)
	if err != nil {
		return nil, err
	}
	u.later = changed
	for _, step := range []func() error{u.clear, u.networks, u.onlyReplaced, u.volumes, u.prepareServices} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return u.plan, nil
}

// PlanVolumes plans to make what services keep their data in, for who puts it there
// before they have a container.
func PlanVolumes(w Wanted, s *State, services ...string) (*Plan, error) {
	u, err := newPlanner(w, s, services)
	if err != nil {
		return nil, err
	}
	if err := u.volumes(); err != nil {
		return nil, err
	}
	return u.plan, nil
}

// PlanTidy plans to remove what interrupted replacements have left.
func PlanTidy(s *State) *Plan {
	p := &Plan{Project: s.Project}
	for _, c := range s.Spares {
		var stop *Op
		cause := "an interrupted replacement left it"
		if !c.replacement() {
			cause = "it has the data of " + c.Service + ", which is there once already"
		}
		if c.Running() || c.Status == container.StateRestarting {
			stop = p.stop(c, cause)
		}
		p.add(&Op{Verb: RemoveContainer, Name: c.Name, object: c.ID, Cause: cause}, stop)
	}
	return p
}

// PlanFiles plans to bring the copies of local files to what they are here, for
// services that have a container. Nothing is stopped for it.
func PlanFiles(w Wanted, s *State, services ...string) (*Plan, error) {
	u, err := newPlanner(w, s, services)
	if err != nil {
		return nil, err
	}
	for _, service := range u.inOrder() {
		if _, there := current(u.w, u.s, service); there && u.wants(service.Name) {
			if err := u.files(service); err != nil {
				return nil, err
			}
		}
	}
	return u.plan, nil
}

// planner plans the way from what is there to what is wanted.
type planner struct {
	w    Wanted
	s    *State // as it is at this point of the plan
	plan *Plan

	base    map[string]*Op    // what makes "network KEY" and "volume NAME", and what clears a name for "service NAME"
	started map[string]*Op    // what starts a service; nil when it runs already
	ended   map[string]*Op    // waits for a service's end
	healthy map[string]*Op    // waits for a service's health check
	causes  map[string]string // to replace a service's container
	lost    map[string]string // why a service's container is removed before
	first   *Op               // starts the first of the new members

	part  map[string]bool    // the services that it is about; nil for all
	later map[string]Network // that are made anew another time, by their names in the Compose file
}

// newPlanner is a planner for some of the services, and for those that have
// to run before them.
func newPlanner(w Wanted, s *State, named []string) (*planner, error) {
	causes, err := causesToReplace(w, s)
	if err != nil {
		return nil, err
	}
	own := *s // which planning changes, as what it plans changes the engine
	u := &planner{
		w: w, s: &own, plan: &Plan{Project: w.Project.Name}, causes: causes,
		base: map[string]*Op{}, started: map[string]*Op{}, ended: map[string]*Op{}, healthy: map[string]*Op{},
		lost: map[string]string{},
	}
	if len(named) > 0 {
		if err := u.limit(named); err != nil {
			return nil, err
		}
	}
	return u, errors.Join(u.checkPart(), u.checkNames(), u.checkVolumes()) // who the members are, somebody else sees to
}

// limit keeps the planner to some services and what they depend on.
func (u *planner) limit(named []string) error {
	u.part = map[string]bool{}
	for _, name := range named {
		if _, ok := u.w.Project.Services[name]; !ok {
			return fmt.Errorf("%s has no service %s", u.w.Project.Name, name)
		}
		u.part[name] = true
	}
	var need func(name string)
	need = func(name string) {
		for _, dep := range slices.Sorted(maps.Keys(u.w.Project.Services[name].DependsOn)) {
			if s := u.w.Project.Services[dep]; !u.part[dep] && !isMember(s) {
				u.part[dep] = true
				delete(u.causes, dep)
				need(dep)
			}
		}
	}
	for _, name := range named {
		need(name)
	}
	return u.checkTogether()
}

// wants reports whether the plan is about a service.
func (u *planner) wants(service string) bool { return u.part == nil || u.part[service] }

// uses reports whether one of the plan's services is on a network.
func (u *planner) uses(network string) bool {
	if u.part == nil {
		return true
	}
	for name, s := range u.w.Project.Services {
		if _, on := s.Networks[network]; on && u.wants(name) {
			return true
		}
	}
	return false
}

// mounts reports whether one of the plan's services mounts a volume.
func (u *planner) mounts(volume string) bool {
	if u.part == nil {
		return true
	}
	for name, s := range u.w.Project.Services {
		if u.wants(name) && slices.ContainsFunc(s.Volumes, func(v types.ServiceVolumeConfig) bool {
			return v.Type == types.VolumeTypeVolume && v.Source == volume
		}) {
			return true
		}
	}
	return false
}

// clear removes what an interrupted replacement has left of the plan's
// services, but for what can be used.
func (u *planner) clear() error {
	for _, c := range slices.Concat(u.s.Containers, u.s.Spares) {
		s, ok := u.w.Project.Services[c.Service]
		if !ok || !u.wants(s.Name) || c.Labels[replaceLabel] == "" || u.isCurrent(c, s) {
			continue
		}
		old, there := current(u.w, u.s, s)
		if fits, err := u.fits(s, c); err != nil || there && fits && c.Name == spareName(old) {
			if err != nil {
				return err
			}
			continue
		}
		u.base["service "+s.Name] = u.plan.add(&Op{
			Verb: RemoveContainer, Name: c.Name, object: c.ID, Cause: "an interrupted replacement left it",
		})
	}
	return nil
}

// networks creates what is missing. A changed network takes all containers on
// it with it: an engine cannot change one.
func (u *planner) networks() error {
	changed, err := changedNetworks(u.w, u.s)
	if err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(u.w.Project.Networks)) {
		n := u.w.Project.Networks[key]
		old, isChanged := changed[key]
		if _, later := u.later[key]; later {
			continue
		}
		if bool(n.External) || !isChanged && u.hasNetwork(n.Name) || !u.uses(key) {
			continue
		}
		h, err := networkHash(n)
		if err != nil {
			return err
		}
		op := &Op{
			Verb: CreateNetwork, Name: n.Name, Cause: "it is not there",
			network: &networkCreation{n, u.w.objectLabels(n.Labels, networkLabel, key, h)},
		}
		if isChanged {
			op.Cause = "its configuration changed"
			op.After = []*Op{u.removeNetwork(key, old)}
		}
		u.base["network "+key] = u.plan.add(op)
	}
	return nil
}

func (u *planner) hasNetwork(name string) bool {
	return slices.ContainsFunc(u.s.Networks, func(n Network) bool { return n.Name == name })
}

func (u *planner) removeNetwork(key string, n Network) *Op {
	cause := "its network " + n.Name + " changed"
	var on []Container
	for _, c := range u.s.Containers {
		if _, uses := u.w.Project.Services[c.Service].Networks[key]; uses {
			on = append(on, c)
		}
	}
	remove := &Op{Verb: RemoveNetwork, Name: n.Name, Cause: "its configuration changed", object: n.ID}
	for _, c := range on {
		remove.After = append(remove.After, u.remove(c, cause))
		u.forget(c, cause)
	}
	return u.plan.add(remove)
}

// forget plans on as if the container had never been there. Nobody else's state
// or causes are changed by that.
func (u *planner) forget(c Container, cause string) {
	kept := slices.Clone(u.s.Containers)
	u.s.Containers = slices.DeleteFunc(kept, func(o Container) bool { return o.ID == c.ID })
	u.causes = maps.Clone(u.causes)
	delete(u.causes, c.Service)
	u.lost[c.Service] = cause
}

func (u *planner) volumes() error {
	for _, key := range slices.Sorted(maps.Keys(u.w.Project.Volumes)) {
		v := u.w.Project.Volumes[key]
		_, others := u.s.others["volume "+v.Name]
		if bool(v.External) && (!u.w.protects(key) || others) || u.hasVolume(v.Name) || !u.mounts(key) {
			continue
		}
		labels := u.w.protectedLabels(key)
		if !v.External {
			h, err := volumeHash(v)
			if err != nil {
				return err
			}
			labels = u.w.objectLabels(v.Labels, volumeLabel, key, h)
		}
		u.base["volume "+v.Name] = u.plan.add(&Op{Verb: CreateVolume, Name: v.Name, Cause: "it is not there", volume: &volumeCreation{v, labels}})
	}
	return nil
}

func (u *planner) hasVolume(name string) bool {
	return slices.ContainsFunc(u.s.Volumes, func(v Volume) bool { return v.Name == name })
}

// files copies what the engine cannot mount, into a volume for each mount.
func (u *planner) files(s types.ServiceConfig) error {
	transfers, err := u.w.transfers(s)
	if err != nil {
		return fmt.Errorf("services.%s: %w", s.Name, err)
	}
	for _, t := range transfers {
		held, known := u.s.files[t.volume]
		if known && held == t.digest {
			continue
		}
		cause := "its files changed"
		if !u.hasVolume(t.volume) {
			cause = "the engine does not see the files of this machine"
			labels := u.w.objectLabels(types.Labels{filesLabel: t.target}, volumeLabel, strings.TrimPrefix(t.volume, u.w.Project.Name+"_"), "")
			u.base["volume "+t.volume] = u.plan.add(&Op{
				Verb: CreateVolume, Name: t.volume, Cause: cause,
				volume: &volumeCreation{types.VolumeConfig{Name: t.volume}, labels},
			})
		}
		u.base["volume "+t.volume] = u.plan.add(&Op{Verb: CopyFiles, Name: t.volume, Cause: cause, files: t}, u.base["volume "+t.volume])
	}
	return nil
}

// inOrder gives the services, each behind those that it depends on.
func (u *planner) inOrder() []types.ServiceConfig {
	var order []types.ServiceConfig
	seen := map[string]bool{}
	var visit func(name string)
	visit = func(name string) {
		s, ok := u.w.Project.Services[name]
		if !ok || seen[name] {
			return
		}
		seen[name] = true
		for _, dep := range slices.Sorted(maps.Keys(s.DependsOn)) {
			visit(dep)
		}
		order = append(order, s)
	}
	for _, name := range slices.Sorted(maps.Keys(u.w.Project.Services)) {
		visit(name)
	}
	return order
}
