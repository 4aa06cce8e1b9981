package swarm

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/api/types/swarm"
	"github.com/moby/moby/client"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/compose"
	"github.com/etcdctr/etcdctr/runtime"
	"github.com/etcdctr/etcdctr/stack"
)

// Expose compares what the swarm publishes, where members run, and who is on their
// network anywhere, with what is promised.
func (r *Runtime) Expose(ctx context.Context, want *cluster.Cluster) ([]runtime.Exposure, []string, error) {
	f, err := r.find(ctx, want.Name)
	if err != nil {
		return nil, nil, err
	}
	n, ok, err := r.findNetwork(ctx, want.Name)
	if err != nil {
		return nil, nil, err
	}
	var all []runtime.Exposure
	for _, m := range want.Members {
		s, _ := f.service(m.Name)
		node, _ := f.meant(m.Name, m.Node)
		all = append(all,
			runtime.Exposure{Subject: m.Name, Check: "networks", Expected: compose.ClusterNetwork, Seen: f.seenNetworks(s, n)},
			runtime.Exposure{Subject: m.Name, Check: "published ports", Expected: runtime.Nothing, Seen: seenPorts(s)},
			runtime.Exposure{Subject: m.Name, Check: "node", Expected: f.nodes.hostname(node.ID), Seen: f.seenNode(s)})
	}
	if !ok {
		return all, nil, nil
	}
	strangers, err := r.strangers(ctx, f, n)
	if err != nil {
		return nil, nil, err
	}
	return append(all,
		runtime.Exposure{Subject: "network " + n.Name, Check: "way in or out", Expected: runtime.Nothing, Seen: wayOut(n.Internal)},
		runtime.Company(n.Name, "others on any node", strangers, r.o.Beside)), nil, nil
}

// seenNetworks are those of a service's task, by the stack file's name where it is the
// members' own.
func (f *found) seenNetworks(s swarm.Service, own network.Summary) string {
	t, runs := f.live(f.tasks[s.ID])
	if !runs {
		return runtime.Nothing
	}
	var names []string
	for _, a := range t.NetworksAttachments {
		name := a.Network.Spec.Name
		if a.Network.ID == own.ID {
			name = compose.ClusterNetwork
		}
		names = append(names, name)
	}
	return orNothing(names)
}

func seenPorts(s swarm.Service) string {
	var ports []string
	for _, p := range s.Endpoint.Ports {
		ports = append(ports, fmt.Sprintf("%d->%d on every node", p.PublishedPort, p.TargetPort))
	}
	return orNothing(ports)
}

func (f *found) seenNode(s swarm.Service) string {
	t, runs := f.live(f.tasks[s.ID])
	if !runs {
		return runtime.Nothing
	}
	return f.nodes.hostname(t.NodeID)
}

func wayOut(internal bool) string {
	if internal {
		return runtime.Nothing
	}
	return "through the nodes"
}

func orNothing(words []string) string {
	if len(words) == 0 {
		return runtime.Nothing
	}
	slices.Sort(words)
	return strings.Join(words, " ")
}

// strangers are what is on the members' network on any node and is not the cluster's:
// services, and containers that somebody has put there.
func (r *Runtime) strangers(ctx context.Context, f *found, n network.Summary) ([]string, error) {
	var all []string
	list, err := r.engine.ServiceList(ctx, client.ServiceListOptions{})
	if err != nil {
		return nil, fmt.Errorf("ask the swarm for its services: %w", unavailable(err))
	}
	for _, s := range list.Items {
		on := slices.ContainsFunc(s.Spec.TaskTemplate.Networks, func(a swarm.NetworkAttachmentConfig) bool { return a.Target == n.ID || a.Target == n.Name })
		own := slices.ContainsFunc(f.services, func(x swarm.Service) bool { return x.ID == s.ID })
		if on && !own {
			all = append(all, "service "+s.Spec.Name)
		}
	}
	attached, err := r.engine.TaskList(ctx, client.TaskListOptions{Filters: make(client.Filters).Add("runtime", string(swarm.RuntimeNetworkAttachment))})
	if err != nil {
		return nil, fmt.Errorf("ask the swarm who is on its networks: %w", unavailable(err))
	}
	for _, t := range attached.Items {
		on := slices.ContainsFunc(t.NetworksAttachments, func(a swarm.NetworkAttachment) bool { return a.Network.ID == n.ID })
		if !on || t.Status.State != swarm.TaskStateRunning {
			continue
		}
		name, own, err := r.attached(ctx, f, t)
		if err != nil {
			return nil, err
		}
		if !own {
			all = append(all, name)
		}
	}
	return all, nil
}

// attached names a container that somebody has put on a network. Only the engine that
// is asked tells whether one of its own is there for this program.
func (r *Runtime) attached(ctx context.Context, f *found, t swarm.Task) (name string, own bool, err error) {
	id := ""
	if t.Spec.NetworkAttachmentSpec != nil {
		id = t.Spec.NetworkAttachmentSpec.ContainerID
	}
	name = fmt.Sprintf("container %.12s on %s", id, f.nodes.hostname(t.NodeID))
	if t.NodeID != f.own || id == "" {
		return name, false, nil
	}
	in, err := r.engine.ContainerInspect(ctx, id, client.ContainerInspectOptions{})
	switch {
	case errdefs.IsNotFound(err):
		return name, true, nil // gone by now
	case err != nil:
		return name, false, errors.Join(fmt.Errorf("ask the engine about the %s", name), err)
	case in.Container.Config == nil:
		return name, false, nil
	}
	return "container " + strings.TrimPrefix(in.Container.Name, "/") + " on " + f.nodes.hostname(t.NodeID), in.Container.Config.Labels[stack.RoleLabel] == stack.Relay, nil
}
