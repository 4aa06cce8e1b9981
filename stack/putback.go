package stack

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
)

// PutBack makes a container anew that was replaced by one that the engine does not start, as
// where the port of that is taken: was is what the engine had said of the old one. What it
// made in that one's place goes. Nothing is started.
func PutBack(ctx context.Context, e Engine, w Wanted, old Container, was container.InspectResponse) error {
	s, ok := w.Project.Services[old.Service]
	if !ok || was.Config == nil || was.HostConfig == nil {
		return nil
	}
	c, err := w.creation(s, old.Name)
	if err != nil {
		return err
	}
	c.container, c.host, c.endpoints = *was.Config, *was.HostConfig, addressed(endpointsOf(was), c.endpoints)
	c.host.Ulimits = ulimitsOf(was.HostConfig.Ulimits)
	if len(c.endpoints) > 0 {
		c.host.NetworkMode = container.NetworkMode(c.endpoints[0].network)
	}
	if err := removeContainer(ctx, e, w.containerName(s)); err != nil {
		return err
	}
	return c.create(ctx, e, old.Name)
}

// endpointsOf are a container's places on its networks as they were asked for: of what an
// engine says of them, the most is of the time when it ran.
func endpointsOf(was container.InspectResponse) []endpoint {
	if was.NetworkSettings == nil {
		return nil
	}
	var all []endpoint
	for _, name := range slices.Sorted(maps.Keys(was.NetworkSettings.Networks)) {
		n := was.NetworkSettings.Networks[name]
		// Engines count the beginning of the ID in.
		aliases := slices.DeleteFunc(slices.Clone(n.Aliases), func(a string) bool { return len(was.ID) >= 12 && a == was.ID[:12] })
		all = append(all, endpoint{name, &network.EndpointSettings{
			Aliases: aliases, DriverOpts: n.DriverOpts, GwPriority: n.GwPriority, IPAMConfig: n.IPAMConfig,
		}})
	}
	slices.SortStableFunc(all, func(a, b endpoint) int { return b.settings.GwPriority - a.settings.GwPriority })
	return all
}

// addressed are endpoints with the addresses that were asked for: Podman does not tell which
// were, and a member whose peers look for it at another address is refused by them.
func addressed(was, wanted []endpoint) []endpoint {
	for _, e := range was {
		i := slices.IndexFunc(wanted, func(w endpoint) bool { return w.network == e.network })
		if e.settings.IPAMConfig == nil && i >= 0 {
			e.settings.IPAMConfig = wanted[i].settings.IPAMConfig
		}
	}
	return was
}

// ulimitsOf are a container's limits by the names that engines take them by: Podman tells
// those of the kernel, such as RLIMIT_NOFILE, and refuses them.
func ulimitsOf(all []*container.Ulimit) []*container.Ulimit {
	var asked []*container.Ulimit
	for _, u := range all {
		limit := *u
		limit.Name = strings.ToLower(strings.TrimPrefix(u.Name, "RLIMIT_"))
		asked = append(asked, &limit)
	}
	return asked
}
