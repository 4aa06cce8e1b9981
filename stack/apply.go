package stack

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/moby/moby/api/types/container"
)

// This file is for who decides elsewhere which services come next: its plans ask
// no Prober, wait for no answer and do what they are told at once.

// ObserveFor is Observe with what PlanApply and PlanPrepare need to know
// besides: who else has the wanted names, and what the copied files are.
func ObserveFor(ctx context.Context, e Engine, w Wanted) (*State, error) {
	s, err := observeFor(ctx, e, w)
	if err != nil {
		return nil, err
	}
	return s, observeFiles(ctx, e, w, s)
}

// Reasons are what keeps a service's container from being what is wanted.
type Reasons struct {
	Text     string    // for people
	Networks []Network // that have to be made anew for it, which takes all that are on them
}

// Outdated gives, by service, why a container that is there does not do any
// more. An image whose ID is not known is taken for one that changed.
func Outdated(w Wanted, s *State) (map[string]Reasons, error) {
	causes, err := causesToReplace(w, s)
	if err != nil {
		return nil, err
	}
	changed, err := changedNetworks(w, s)
	if err != nil {
		return nil, err
	}
	all := map[string]Reasons{}
	for name, cause := range causes {
		all[name] = Reasons{Text: cause}
	}
	for name, service := range w.Project.Services {
		if _, ok := current(w, s, service); !ok {
			continue
		}
		for _, key := range slices.Sorted(maps.Keys(service.Networks)) {
			if n, ok := changed[key]; ok {
				r := all[name]
				r.Networks = append(r.Networks, n)
				all[name] = r
			}
		}
	}
	return all, nil
}

// Current is the container that runs a service of the project, and false when
// there is none.
func (w Wanted) Current(s *State, service string) (Container, bool) {
	config, ok := w.Project.Services[service]
	if !ok {
		return Container{}, false
	}
	return current(w, s, config)
}

// CheckFiles refuses a project that mounts what is not on this machine.
func (w Wanted) CheckFiles() error { return w.checkFiles() }

// CheckNames refuses to take the names of what is somebody else's, and to do
// without what should be somebody else's. Its errors may be *TakenError.
func (w Wanted) CheckNames(s *State) error {
	return (&upPlanner{w: w, s: s}).checkNames()
}

// TogetherError is about a network that has to be made anew while only some of
// the containers on it were to be touched.
type TogetherError struct{ Network string }

func (e *TogetherError) Error() string {
	return fmt.Sprintf("the network %s has to be made anew, which takes everything that is on it at once", e.Network)
}

// PlanApply plans to make services run as wanted, those named or all, and what
// they share. Other services are started if these depend on them, and not
// replaced. Images of what is to be made have to be in w.
func PlanApply(w Wanted, s *State, services ...string) (*Plan, error) {
	u, err := newPartPlanner(w, s, services)
	if err != nil {
		return nil, err
	}
	for _, step := range []func() error{u.clearPart, u.networks, u.volumes, u.applyServices} {
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
		if o.Verb == CreateContainer {
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
}

// PlanPrepare plans to create the containers that PlanApply would put in the
// place of others, beside these, which run on.
func PlanPrepare(w Wanted, s *State, services ...string) (*Plan, error) {
	u, err := newPartPlanner(w, s, services)
	if err != nil {
		return nil, err
	}
	changed, err := changedNetworks(w, s)
	if err != nil {
		return nil, err
	}
	u.later = changed
	for _, step := range []func() error{u.clearPart, u.networks, u.volumes, u.prepareServices} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return u.plan, nil
}

// newPartPlanner is a planner for some of the services, and for those that have
// to run before them.
func newPartPlanner(w Wanted, s *State, named []string) (*upPlanner, error) {
	causes, err := causesToReplace(w, s)
	if err != nil {
		return nil, err
	}
	own := *s // planned on as if some of it were gone
	u := &upPlanner{
		w: w, s: &own, plan: &Plan{Project: w.Project.Name}, causes: causes,
		base: map[string]*Op{}, started: map[string]*Op{}, ended: map[string]*Op{}, healthy: map[string]*Op{},
		lost: map[string]string{},
	}
	if len(named) > 0 {
		if err := u.limit(named); err != nil {
			return nil, err
		}
	}
	return u, errors.Join(u.checkPart(), u.check())
}

// limit keeps the planner to some services and what they depend on.
func (u *upPlanner) limit(named []string) error {
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

// checkTogether refuses to make a network anew under some of those on it.
func (u *upPlanner) checkTogether() error {
	changed, err := changedNetworks(u.w, u.s)
	if err != nil {
		return err
	}
	for key, n := range changed {
		for _, c := range u.s.Containers {
			if _, on := u.w.Project.Services[c.Service].Networks[key]; on && !u.part[c.Service] && u.uses(key) {
				return &TogetherError{n.Name}
			}
		}
	}
	return nil
}

// wants reports whether the plan is about a service.
func (u *upPlanner) wants(service string) bool { return u.part == nil || u.part[service] }

// uses reports whether one of the plan's services is on a network.
func (u *upPlanner) uses(network string) bool {
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
func (u *upPlanner) mounts(volume string) bool {
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

// checkPart refuses what of the plan's services can't be brought about.
func (u *upPlanner) checkPart() error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(u.w.Project.Services)) {
		s := u.w.Project.Services[name]
		if !u.wants(name) {
			continue
		}
		errs = append(errs, checkService(s))
		_, there := current(u.w, u.s, s)
		if u.w.Images[s.Image] == "" && (!there || u.causes[name] != "") {
			errs = append(errs, fmt.Errorf("the image of %s, %q, is not on the engine", name, s.Image))
		}
	}
	return errors.Join(errs...)
}

// clearPart removes what an interrupted replacement has left of the plan's
// services, but for what can be used.
func (u *upPlanner) clearPart() error {
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

// fits reports whether a container is what is wanted of a service.
func (u *upPlanner) fits(s types.ServiceConfig, c Container) (bool, error) {
	h, err := serviceHash(s)
	return err == nil && c.Status == container.StateCreated && c.ConfigHash == h && c.ImageID == u.w.Images[s.Image], err
}

// spareName is the name of a container until it takes the place of old.
func spareName(old Container) string { return fmt.Sprintf("%.12s_%s", old.ID, old.Name) }

// spare reports whether a container was prepared to take the place of old.
func (u *upPlanner) spare(s types.ServiceConfig, old Container) bool {
	return slices.ContainsFunc(u.s.Spares, func(c Container) bool {
		fits, err := u.fits(s, c)
		return err == nil && fits && c.Name == spareName(old)
	})
}

func (u *upPlanner) applyServices() error {
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

func (u *upPlanner) prepareServices() error {
	for _, s := range u.inOrder() {
		old, ok := current(u.w, u.s, s)
		if !u.wants(s.Name) || !ok || u.causes[s.Name] == "" || u.spare(s, old) || u.waits(s) {
			continue
		}
		op, err := u.create(s, spareName(old), u.causes[s.Name])
		if err != nil {
			return err
		}
		op.create.container.Labels[replaceLabel] = s.Name + "-1"
	}
	return nil
}

// waits reports whether a service is on a network that has to be made anew
// first.
func (u *upPlanner) waits(s types.ServiceConfig) bool {
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

func (u *upPlanner) hasCopies(s types.ServiceConfig) bool {
	transfers, err := u.w.transfers(s)
	return err == nil && !slices.ContainsFunc(transfers, func(t *transfer) bool { return !u.hasVolume(t.volume) })
}
