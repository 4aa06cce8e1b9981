package stack

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// This file refuses what no plan leads to.

// TakenError is about a name that somebody else's thing has.
type TakenError struct {
	Kind, Name string // such as container
	By         string // how it came to be, in words
}

func (e *TakenError) Error() string {
	return fmt.Sprintf("the name %s is taken: the %s %s: remove it, or give this stack another name", e.Name, e.Kind, e.By)
}

// TogetherError is about a network that has to be made anew while only some of
// the containers on it were to be touched.
type TogetherError struct{ Network string }

func (e *TogetherError) Error() string {
	return fmt.Sprintf("the network %s has to be made anew, which takes everything that is on it at once", e.Network)
}

// CheckNames refuses to take the names of what is somebody else's, and to do
// without what should be somebody else's. Its errors may be *TakenError.
func (w Wanted) CheckNames(s *State) error {
	return (&planner{w: w, s: s}).checkNames()
}

// checkNames refuses to take what is somebody else's, and to do without what
// should be somebody else's.
func (u *planner) checkNames() error {
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
		if c, ok := current(u.w, u.s, s); ok && s.Labels[RoleLabel] != "" && !c.Own() {
			errs = append(errs, &TakenError{Kind: "container", Name: c.Name, By: "is of a Compose project of this name that is not etcdctr's"})
		}
	}
	for _, key := range slices.Sorted(maps.Keys(u.w.Project.Networks)) {
		if n := u.w.Project.Networks[key]; n.External {
			missing("network", key, n.Name)
		} else {
			taken("network", n.Name)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(u.w.Project.Volumes)) {
		switch v := u.w.Project.Volumes[key]; {
		case bool(v.External) && !u.w.protects(key):
			missing("volume", key, v.Name)
		case !bool(v.External) && !u.hasVolume(v.Name):
			taken("volume", v.Name)
		}
	}
	return errors.Join(errs...)
}

// checkVolumes refuses to change a volume: that would mean to delete its data.
func (u *planner) checkVolumes() error {
	var errs []error
	for _, v := range u.s.Volumes {
		wanted, ok := u.w.Project.Volumes[v.Key]
		if !ok || v.Name != wanted.Name || v.ConfigHash == "" || bool(wanted.External) {
			continue
		}
		h, err := volumeHash(wanted)
		if err == nil && h != v.ConfigHash {
			err = fmt.Errorf("the volume %s is configured otherwise than wanted, and its data would be lost with it: undo the change", v.Name)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// checkTogether refuses to make a network anew under some of those on it.
func (u *planner) checkTogether() error {
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

// checkPart refuses what of the plan's services can't be brought about.
func (u *planner) checkPart() error {
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
