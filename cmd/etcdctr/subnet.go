package main

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/compose"
)

// placeOnEngine moves a cluster with fixed addresses to a subnet that the
// engine has free, unless the user chose one. A machine without an engine gets
// what the cluster's name gives: the file may be for another.
func (f *clusterFlags) placeOnEngine(spec cluster.Spec, c *cluster.Cluster) (*cluster.Cluster, error) {
	if len(c.Subnets) == 0 {
		return c, nil
	}
	nets, err := engineNetworks(f.cmd.Context())
	if err != nil {
		return c, nil //nolint:nilerr // nobody there to collide with
	}
	own, others := split(nets, c.Name)
	if spec.Subnet != "" {
		return c, usage(collision(c.Subnets, others))
	}
	spec.Subnet = freeSubnet(c.Name, own, others).String()
	moved, err := cluster.Resolve(spec, cluster.InContainers)
	return moved, usage(err)
}

// engineNetworks lists the engine's networks. It has little patience: a remote
// engine that is not there must not keep a command that writes a file.
func engineNetworks(ctx context.Context) ([]network.Summary, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	engine, err := connectEngine(ctx)
	if err != nil {
		return nil, err
	}
	defer engine.Close()
	list, err := engine.NetworkList(ctx, client.NetworkListOptions{})
	return list.Items, err
}

// taken is a subnet in use, and by which network.
type taken struct {
	subnet  netip.Prefix
	network string
}

// split tells the subnet that the cluster has already, if any, from those of
// others.
func split(nets []network.Summary, project string) (own netip.Prefix, others []taken) {
	for _, n := range nets {
		mine := n.Labels["com.docker.compose.project"] == project && n.Labels["com.docker.compose.network"] == compose.ClusterNetwork
		for _, pool := range n.IPAM.Config {
			switch {
			case !pool.Subnet.IsValid():
			case mine && pool.Subnet.Addr().Is4():
				own = pool.Subnet.Masked()
			case !mine:
				others = append(others, taken{pool.Subnet, n.Name})
			}
		}
	}
	return own, others
}

// freeSubnet stays where the cluster is, and otherwise takes the first subnet
// that nobody has.
func freeSubnet(name string, own netip.Prefix, others []taken) netip.Prefix {
	const attempts = 1000 // an engine has a few dozen networks
	for n := range attempts {
		s := cluster.DefaultSubnet(name, n)
		if s == own || !own.IsValid() && collision([]netip.Prefix{s}, others) == nil {
			return s
		}
	}
	return cluster.DefaultSubnet(name, 0)
}

// collision names the network that one of the subnets overlaps with.
func collision(subnets []netip.Prefix, others []taken) error {
	var errs []string
	for _, s := range subnets {
		for _, o := range others {
			if s.Overlaps(o.subnet) {
				errs = append(errs, fmt.Sprintf("subnet: %s overlaps with %s of the engine's network %s: choose another, or leave it out",
					s, o.subnet, o.network))
			}
		}
	}
	if len(errs) == 0 {
		return nil
	}
	return fmt.Errorf("%s", strings.Join(errs, "\n"))
}
