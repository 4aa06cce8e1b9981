package docker

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/moby/moby/client/pkg/versions"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/compose"
	"github.com/etcdctr/etcdctr/runtime"
	"github.com/etcdctr/etcdctr/stack"
)

var _ runtime.Exposer = (*Runtime)(nil)

// Expose compares what the engine publishes, and who is on the networks, with
// what is promised.
func (r *Runtime) Expose(ctx context.Context, want *cluster.Cluster) ([]runtime.Exposure, []string, error) {
	s, err := stack.Observe(ctx, r.engine, want.Name)
	if err != nil {
		return nil, nil, err
	}
	strangers, err := stack.Strangers(ctx, r.engine, s)
	if err != nil {
		return nil, nil, err
	}
	var all []runtime.Exposure
	promised := compose.Project(want, compose.Options{CertsDir: "/", Backups: "/"}) // where files are does not matter here
	for _, name := range promised.ServiceNames() {
		c, _ := s.Service(name)
		service := promised.Services[name]
		all = append(all,
			runtime.Exposure{Subject: name, Check: "networks", Expected: promisedNetworks(promised, service), Seen: seenNetworks(s, c)},
			runtime.Exposure{Subject: name, Check: "published ports", Expected: promisedPorts(service), Seen: seenPorts(c)})
	}
	for _, n := range s.Networks {
		all = append(all,
			runtime.Exposure{Subject: "network " + n.Name, Check: "way in or out", Expected: wayOut(bool(promised.Networks[n.Key].Internal)), Seen: wayOut(n.Internal)},
			runtime.Company(n.Name, "other containers", strangers[n.Name], r.o.Beside))
	}
	tried, warnings, err := r.waysOut(ctx, s, promised)
	return append(all, tried...), append(r.neighbours(want), warnings...), err
}

// neighbours tells what can't be seen from here: before Engine 28, which has API
// 1.48, a published port's network was not closed to the machines next to its
// host.
func (r *Runtime) neighbours(want *cluster.Cluster) []string {
	if !want.Publish.Opens() || versions.GreaterThanOrEqualTo(r.engine.ClientVersion(), "1.48") {
		return nil
	}
	guard := "and nothing stops them there"
	if want.TLS == cluster.Mutual {
		guard = "where mutual TLS still refuses them"
	}
	return []string{fmt.Sprintf("with this release of Docker Engine, machines on the same wire as its host that add a route reach the client ports' network, %s; Engine 28 closes it", guard)}
}

func orNothing(words []string) string {
	if len(words) == 0 {
		return runtime.Nothing
	}
	slices.Sort(words)
	return strings.Join(words, " ")
}

func wayOut(internal bool) string {
	if internal {
		return runtime.Nothing
	}
	return "through the host"
}

// promisedNetworks are those of a service by the Compose file's names, but for
// networks that are not of the project.
func promisedNetworks(p *types.Project, s types.ServiceConfig) string {
	if s.NetworkMode != "" {
		return s.NetworkMode
	}
	var networks []string
	for key := range s.Networks {
		if n := p.Networks[key]; n.External {
			key = n.Name
		}
		networks = append(networks, key)
	}
	return orNothing(networks)
}

// seenNetworks are the networks that a container is on, by the Compose file's
// name or else by the engine's, such as "host".
func seenNetworks(s *stack.State, c stack.Container) string {
	var networks []string
	for name := range c.NetworkIDs {
		i := slices.IndexFunc(s.Networks, func(n stack.Network) bool { return n.Name == name })
		if i >= 0 {
			name = s.Networks[i].Key
		}
		networks = append(networks, name)
	}
	return orNothing(networks)
}

func promisedPorts(s types.ServiceConfig) string {
	var ports []string
	for _, p := range s.Ports {
		ports = append(ports, fmt.Sprintf("%s->%d", net.JoinHostPort(p.HostIP, p.Published), p.Target))
	}
	return orNothing(ports)
}

func seenPorts(c stack.Container) string {
	var ports []string
	for _, p := range c.Ports {
		ports = append(ports, fmt.Sprintf("%s->%d", p.Address, p.Port))
	}
	return orNothing(ports)
}
