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

// standing is how the members of a running stack are.
type standing struct {
	serving map[string]bool // by service
	leader  string          // service
}

// upPlanner plans the way from what is there to what is wanted.
type upPlanner struct {
	w    Wanted
	s    *State // as it is at this point of the plan
	now  standing
	plan *Plan

	base    map[string]*Op    // what makes "network KEY" and "volume NAME", and what clears a name for "service NAME"
	started map[string]*Op    // what starts a service; nil when it runs already
	ended   map[string]*Op    // waits for a service's end
	healthy map[string]*Op    // waits for a service's health check
	causes  map[string]string // to replace a service's container
	lost    map[string]string // why a service's container is removed before
	newest  *Op               // starts the last of the new members so far

	part  map[string]bool    // the services that it is about; nil for all
	later map[string]Network // that are made anew another time, by their names in the Compose file
}

// planUp plans as few operations as lead from s to w. Members are not touched
// two at a time as long as the rest of them serve.
func planUp(w Wanted, s *State, now standing, causes map[string]string) (*Plan, error) {
	have := *s // which planning changes, as what it plans changes the engine
	u := &upPlanner{
		w: w, s: &have, now: now, plan: &Plan{Project: w.Project.Name}, causes: causes,
		base: map[string]*Op{}, started: map[string]*Op{}, ended: map[string]*Op{}, healthy: map[string]*Op{},
		lost: map[string]string{},
	}
	if err := u.check(); err != nil {
		return nil, err
	}
	u.clear()
	for _, step := range []func() error{u.networks, u.volumes, u.services} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return u.plan, nil
}

// causesToReplace gives, by service, why its container does not do any more.
func causesToReplace(w Wanted, s *State) (map[string]string, error) {
	causes := map[string]string{}
	for name, service := range w.Project.Services {
		c, ok := current(w, s, service)
		if !ok {
			continue
		}
		h, err := serviceHash(service)
		if err != nil {
			return nil, err
		}
		switch {
		case c.Status == container.StateDead || c.Status == container.StateRemoving:
			causes[name] = "it is " + string(c.Status)
		case c.ConfigHash != h:
			causes[name] = "its configuration changed"
		case c.ImageID != w.Images[service.Image]:
			causes[name] = "its image changed"
		case !attached(w, s, service, c):
			causes[name] = "its networks or volumes changed"
		case w.Renew[name] != "":
			causes[name] = w.Renew[name]
		}
	}
	return causes, nil
}

// current is the container that runs a service: the one of the wanted name, or else
// the first that the labels tell of, as where Compose v1 has given the name. What an
// interrupted replacement has left, see spareName, does not count.
func current(w Wanted, s *State, service types.ServiceConfig) (Container, bool) {
	var found Container
	for _, c := range s.Containers {
		switch {
		case c.Service != service.Name || c.Labels[oneoffLabel] == "True":
		case c.Name == w.containerName(service):
			return c, true
		case c.Number == 1 && !strings.HasSuffix(c.Name, "_"+w.containerName(service)) && found.ID == "":
			found = c
		}
	}
	return found, found.ID != ""
}

// nameOf is the name of a service's container once the plan has seen to it. A new
// one gets the wanted name.
func (u *upPlanner) nameOf(s types.ServiceConfig) string {
	if c, ok := current(u.w, u.s, s); ok && u.causes[s.Name] == "" {
		return c.Name
	}
	return u.w.containerName(s)
}

// isCurrent reports whether a container is the one that runs a service.
func (u *upPlanner) isCurrent(c Container, s types.ServiceConfig) bool {
	now, ok := current(u.w, u.s, s)
	return ok && now.ID == c.ID
}

// is reports whether a container that gives this ID for its network is on this
// one. Podman gives the network's name.
func (n Network) is(id string) bool { return id == n.ID || id == n.Name }

// attached reports whether a container is on the networks and has the volumes
// that are there now under the wanted names.
func attached(w Wanted, s *State, service types.ServiceConfig, c Container) bool {
	for key := range service.Networks {
		name := w.Project.Networks[key].Name
		i := slices.IndexFunc(s.Networks, func(n Network) bool { return n.Name == name })
		if c.Status == container.StateRunning && i >= 0 && !s.Networks[i].is(c.NetworkIDs[name]) {
			return false
		}
	}
	for _, v := range service.Volumes {
		if known, ok := w.Project.Volumes[v.Source]; ok && v.Type == types.VolumeTypeVolume && c.Volumes[v.Target] != known.Name {
			return false
		}
	}
	return true
}

// check refuses what no plan leads to.
func (u *upPlanner) check() error {
	return errors.Join(u.checkNames(), u.checkVolumes(), u.checkMembers())
}

// TakenError is about a name that somebody else's thing has.
type TakenError struct {
	Kind, Name string // such as container
	By         string // how it came to be, in words
}

func (e *TakenError) Error() string {
	return fmt.Sprintf("the name %s is taken: the %s %s: remove it, or give this stack another name", e.Name, e.Kind, e.By)
}

// checkNames refuses to take what is somebody else's, and to do without what
// should be somebody else's.
func (u *upPlanner) checkNames() error {
	var errs []error
	taken := func(kind, name string) {
		if o, ok := u.s.others[kind+" "+name]; ok {
			errs = append(errs, &TakenError{Kind: kind, Name: name, By: fmt.Sprint(o)})
		}
	}
	missing := func(kind, key, name string) {
		if _, ok := u.s.others[kind+" "+name]; !ok {
			errs = append(errs, fmt.Errorf("%ss.%s is external, and the engine has no %s %s: create it first", kind, key, kind, name))
		}
	}
	for _, s := range u.inOrder() {
		taken("container", u.w.containerName(s))
	}
	for _, key := range slices.Sorted(maps.Keys(u.w.Project.Networks)) {
		if n := u.w.Project.Networks[key]; n.External {
			missing("network", key, n.Name)
		} else {
			taken("network", n.Name)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(u.w.Project.Volumes)) {
		if v := u.w.Project.Volumes[key]; v.External {
			missing("volume", key, v.Name)
		} else {
			taken("volume", v.Name)
		}
	}
	return errors.Join(errs...)
}

// checkVolumes refuses to change a volume: that would mean to delete its data.
func (u *upPlanner) checkVolumes() error {
	var errs []error
	for _, v := range u.s.Volumes {
		wanted, ok := u.w.Project.Volumes[v.Key]
		if !ok || v.Name != wanted.Name || v.ConfigHash == "" {
			continue
		}
		h, err := volumeHash(wanted)
		if err == nil && h != v.ConfigHash {
			err = fmt.Errorf("the volume %s is configured otherwise than wanted, and its data would be lost with it: "+
				"undo the change, or delete the data with `down --volumes`", v.Name)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// checkMembers refuses to change who the members are: that is a change of the
// cluster, which has to be told, and not one of containers alone. A member
// without a container is no new one if it has its data, nor if the others,
// whose configuration names all of them, are as wanted: then a first start was
// interrupted.
func (u *upPlanner) checkMembers() error {
	var errs []error
	members := u.s.Members()
	changed := slices.ContainsFunc(members, func(c Container) bool { return u.causes[c.Service] == "its configuration changed" })
	for _, s := range u.inOrder() {
		if _, ok := current(u.w, u.s, s); !ok && isMember(s) && changed && !u.hasData(s) {
			errs = append(errs, fmt.Errorf("%s is a new member, and the cluster exists: `up` does not change who its members are", s.Name))
		}
	}
	for _, c := range members {
		if _, ok := u.w.Project.Services[c.Service]; !ok {
			errs = append(errs, fmt.Errorf("%s is a member of the cluster that is not wanted any more: `up` does not change who its members are", c.Service))
		}
	}
	return errors.Join(errs...)
}

// clear removes what an interrupted replacement has left over, and tells of
// containers that nobody asked for.
func (u *upPlanner) clear() {
	for _, c := range slices.Concat(u.s.Containers, u.s.Spares) {
		s, ok := u.w.Project.Services[c.Service]
		switch {
		case c.Labels[oneoffLabel] == "True" || ok && u.isCurrent(c, s):
		case ok && c.Labels[replaceLabel] != "":
			u.base["service "+s.Name] = u.plan.add(&Op{
				Verb: RemoveContainer, Name: c.Name, object: c.ID, Cause: "an interrupted replacement left it",
			})
		default:
			u.plan.Notes = append(u.plan.Notes, fmt.Sprintf("%s is a container of this project that is not wanted: it is left alone", c.Name))
		}
	}
}

// changedNetworks gives the networks of a project that are there and otherwise
// than wanted, by their names in the Compose file. One without a hash was made
// by somebody who does not care.
func changedNetworks(w Wanted, s *State) (map[string]Network, error) {
	changed := map[string]Network{}
	for key, wanted := range w.Project.Networks {
		h, err := networkHash(wanted)
		if err != nil {
			return nil, err
		}
		for _, n := range s.Networks {
			if n.Name == wanted.Name && n.ConfigHash != "" && n.ConfigHash != h {
				changed[key] = n
			}
		}
	}
	return changed, nil
}

// networks creates what is missing. A changed network takes all containers on
// it with it: an engine cannot change one.
func (u *upPlanner) networks() error {
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

func (u *upPlanner) hasNetwork(name string) bool {
	return slices.ContainsFunc(u.s.Networks, func(n Network) bool { return n.Name == name })
}

func (u *upPlanner) removeNetwork(key string, n Network) *Op {
	cause := "its network " + n.Name + " changed"
	var on []Container
	for _, c := range u.s.Containers {
		if _, uses := u.w.Project.Services[c.Service].Networks[key]; uses {
			on = append(on, c)
		}
	}
	stops := u.plan.stopAll(on, u.now.leader, 0)
	remove := &Op{Verb: RemoveNetwork, Name: n.Name, Cause: "its configuration changed", object: n.ID}
	for _, c := range on {
		remove.After = append(remove.After, u.plan.add(&Op{Verb: RemoveContainer, Name: c.Name, object: c.ID, Cause: cause}, stops[c.ID]))
		u.forget(c, cause)
	}
	return u.plan.add(remove)
}

// forget plans on as if the container had never been there. Nobody else's state
// or causes are changed by that.
func (u *upPlanner) forget(c Container, cause string) {
	kept := slices.Clone(u.s.Containers)
	u.s.Containers = slices.DeleteFunc(kept, func(o Container) bool { return o.ID == c.ID })
	u.causes = maps.Clone(u.causes)
	delete(u.causes, c.Service)
	u.lost[c.Service] = cause
}

// remove stops a container, if it runs, and removes it.
func (u *upPlanner) remove(c Container, cause string, after ...*Op) *Op {
	if c.Running() || c.Status == container.StateRestarting {
		after = []*Op{u.plan.stop(c, cause, after...)}
	}
	return u.plan.add(&Op{Verb: RemoveContainer, Name: c.Name, object: c.ID, Cause: cause}, after...)
}

func (u *upPlanner) volumes() error {
	for _, key := range slices.Sorted(maps.Keys(u.w.Project.Volumes)) {
		v := u.w.Project.Volumes[key]
		if bool(v.External) || u.hasVolume(v.Name) || !u.mounts(key) {
			continue
		}
		h, err := volumeHash(v)
		if err != nil {
			return err
		}
		u.base["volume "+v.Name] = u.plan.add(&Op{
			Verb: CreateVolume, Name: v.Name, Cause: "it is not there",
			volume: &volumeCreation{v, u.w.objectLabels(v.Labels, volumeLabel, key, h)},
		})
	}
	return nil
}

// hasData reports whether a service has data from before.
func (u *upPlanner) hasData(s types.ServiceConfig) bool {
	return slices.ContainsFunc(s.Volumes, func(v types.ServiceVolumeConfig) bool {
		return v.Type == types.VolumeTypeVolume && u.hasVolume(u.w.Project.Volumes[v.Source].Name)
	})
}

func (u *upPlanner) hasVolume(name string) bool {
	return slices.ContainsFunc(u.s.Volumes, func(v Volume) bool { return v.Name == name })
}

// files copies what the engine cannot mount, into a volume for each mount.
func (u *upPlanner) files(s types.ServiceConfig) error {
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
func (u *upPlanner) inOrder() []types.ServiceConfig {
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
