package docker

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/compose"
	"github.com/etcdctr/etcdctr/stack"
)

// SubnetError is about a subnet that somebody chose and something else has.
type SubnetError struct{ Collisions []string }

func (e *SubnetError) Error() string { return strings.Join(e.Collisions, "\n") }

// Place resolves spec for containers. A cluster with fixed addresses is where it
// is already, or else on a subnet that the engine has free, unless spec chooses
// one; then a collision is a *SubnetError.
func (r *Runtime) Place(ctx context.Context, spec cluster.Spec) (*cluster.Cluster, error) {
	if r.o.File != nil {
		r.remember(r.o.File.cluster)
		return r.o.File.cluster, nil
	}
	spec, err := r.AskImage(ctx, spec)
	if err != nil {
		return nil, err
	}
	place, err := r.placement(ctx)
	if err == nil {
		err = r.checkNetworks(ctx)
	}
	if err != nil {
		return nil, err
	}
	c, err := cluster.Resolve(spec, place)
	r.remember(c)
	if err == nil && len(c.Subnets) > 0 {
		c, err = r.onFreeSubnet(ctx, spec, place, c)
	}
	if err == nil {
		err = r.findPorts(ctx, spec, c)
	}
	if err != nil {
		return c, err
	}
	return r.settle(ctx, c)
}

// onFreeSubnet has fixed addresses be where the cluster is already, or else where
// nothing is.
func (r *Runtime) onFreeSubnet(ctx context.Context, spec cluster.Spec, place cluster.Placement, c *cluster.Cluster) (*cluster.Cluster, error) {
	if err := r.answers(ctx); err != nil {
		return nil, err
	}
	list, err := r.engine.NetworkList(ctx, client.NetworkListOptions{})
	if err != nil {
		return nil, fmt.Errorf("ask the engine for its networks: %w", err)
	}
	m, err := r.engineMake(ctx)
	if err != nil {
		return nil, err
	}
	own, others := split(list.Items, c.Name, m.Lacks(stack.Ranges))
	if spec.Subnet != "" {
		return c, collision(c.Subnets, others)
	}
	if r.host() == "" {
		others = append(others, onMachine(net.InterfaceAddrs())...)
	}
	spec.Subnet = freeSubnet(c.Name, own, others)
	return cluster.Resolve(spec, place)
}

// taken is a subnet in use, and by which network.
type taken struct {
	subnet  netip.Prefix
	network string
}

// onMachine are the subnets that a machine is on by itself, such as those of a VPN or of
// another engine: some engines refuse one of these, and on others the machine would no
// longer be reached there.
func onMachine(addrs []net.Addr, err error) []taken {
	if err != nil {
		return nil // then the engine knows
	}
	var all []taken
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			all = append(all, taken{p.Masked(), "this machine"})
		}
	}
	return all
}

// split tells the subnets that the cluster has chosen already from those of
// others. On an engine that does not tell ranges members have fixed addresses in any
// network of the cluster's.
func split(nets []network.Summary, project string, rangesUntold bool) (own []netip.Prefix, others []taken) {
	for _, n := range nets {
		mine := stack.IsNetwork(n.Labels, project, compose.ClusterNetwork)
		for _, pool := range n.IPAM.Config {
			switch {
			case !pool.Subnet.IsValid():
			case !mine:
				others = append(others, taken{pool.Subnet, n.Name})
			case rangesUntold, pool.IPRange.IsValid(): // the half that fixed addresses leave to the engine
				own = append(own, pool.Subnet.Masked())
			}
		}
	}
	return own, others
}

// freeSubnet stays where the cluster is, and otherwise takes the first subnet
// that nobody has.
func freeSubnet(name string, own []netip.Prefix, others []taken) string {
	if len(own) > 0 {
		slices.SortFunc(own, func(a, b netip.Prefix) int { return a.Addr().Compare(b.Addr()) })
		var texts []string
		for _, p := range own {
			texts = append(texts, p.String())
		}
		return strings.Join(texts, ",")
	}
	const attempts = 1000 // an engine has a few dozen networks
	for n := range attempts {
		if s := cluster.DefaultSubnet(name, n); collision([]netip.Prefix{s}, others) == nil {
			return s.String()
		}
	}
	return cluster.DefaultSubnet(name, 0).String()
}

// collision names the networks that one of the subnets overlaps with.
func collision(subnets []netip.Prefix, others []taken) error {
	var found []string
	for _, s := range subnets {
		for _, o := range others {
			if s.Overlaps(o.subnet) {
				found = append(found, fmt.Sprintf("subnet: %s overlaps with %s of the engine's network %s: choose another, or leave it out",
					s, o.subnet, o.network))
			}
		}
	}
	if len(found) == 0 {
		return nil
	}
	return &SubnetError{found}
}
