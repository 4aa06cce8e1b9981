package stack

import (
	"maps"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/moby/moby/api/types/container"
)

// This file tells what of a project is not what is wanted any more.

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

// causesToReplace gives, by service, why its container does not do any more.
func causesToReplace(w Wanted, s *State) (map[string]string, error) {
	causes := map[string]string{}
	for name, service := range w.Project.Services {
		c, ok := current(w, s, service)
		if !ok {
			continue
		}
		same, err := w.made(service, c)
		if err != nil {
			return nil, err
		}
		switch {
		case c.Status == container.StateDead || c.Status == container.StateRemoving:
			causes[name] = "it is " + string(c.Status)
		case !same:
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

// made reports whether a container was made of a service as it is wanted.
func (w Wanted) made(service types.ServiceConfig, c Container) (bool, error) {
	copies := c.Labels[copiesLabel]
	for _, as := range w.alike(service) {
		if h, err := serviceHash(as); err != nil || c.ConfigHash == h {
			return err == nil, err
		}
		if h, err := copiesHash(as); err != nil || w.CopyFiles && copies == h {
			return err == nil, err
		}
	}
	return false, nil
}

// alike gives the forms of a service that make one and the same container, itself
// first. Who made it may have asked for another start interval: by a file of another
// machine, or before it was left out for engines that have none. And Compose of version
// 2 hashes a mount whose folder is not to be made as it hashes one that says nothing of
// it. And what a container is given besides, may have been said by the service.
func (w Wanted) alike(service types.ServiceConfig) []types.ServiceConfig {
	all := w.alikeAsSaid(service)
	if len(w.Environment[service.Name]) > 0 {
		all = append(all, w.alikeAsSaid(w.given(service))...)
	}
	return all
}

func (w Wanted) alikeAsSaid(service types.ServiceConfig) []types.ServiceConfig {
	all := []types.ServiceConfig{service}
	if service.HealthCheck != nil && w.StartInterval > 0 {
		check := *service.HealthCheck
		if check.StartInterval != nil {
			check.StartInterval = nil
		} else {
			interval := types.Duration(w.StartInterval)
			check.StartInterval = &interval
		}
		service.HealthCheck = &check
		all = append(all, service)
	}
	for _, s := range slices.Clone(all) {
		s.Volumes = slices.Clone(s.Volumes)
		for i, v := range s.Volumes {
			if v.Bind != nil {
				bind := *v.Bind
				bind.CreateHostPath = true // which is not written down
				s.Volumes[i].Bind = &bind
			}
		}
		all = append(all, s)
	}
	return all
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

// Current is the container that runs a service of the project, and false when
// there is none.
func (w Wanted) Current(s *State, service string) (Container, bool) {
	config, ok := w.Project.Services[service]
	if !ok {
		return Container{}, false
	}
	return current(w, s, config)
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

// is reports whether a container that gives this ID for its network is on this
// one. Podman gives the network's name.
func (n Network) is(id string) bool { return id == n.ID || id == n.Name }

// attached reports whether a container is on the networks and has the volumes
// that are there now under the wanted names. One that does not run may have been left
// half made: on one of its networks, and not on the others; or on none, where its first
// start failed at a port that was taken, and the engine has undone all of it.
func attached(w Wanted, s *State, service types.ServiceConfig, c Container) bool {
	for key := range service.Networks {
		name := w.Project.Networks[key].Name
		i := slices.IndexFunc(s.Networks, func(n Network) bool { return n.Name == name })
		if i < 0 {
			continue
		}
		id, on := c.NetworkIDs[name]
		if c.Status == container.StateRunning && !s.Networks[i].is(id) || !on && (len(c.NetworkIDs) > 0 || c.Status == container.StateCreated) {
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
