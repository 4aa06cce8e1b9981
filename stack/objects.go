package stack

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
)

// create makes the network. Engines before API 1.44 make a second one of the
// same name without a word, so that two programs which do so at the same time
// have to agree on one: it is the older one.
func (n *networkCreation) create(ctx context.Context, e Engine) error {
	options, err := NetworkOptions(n.config)
	if err != nil {
		return err
	}
	options.Labels = n.labels
	made, err := e.NetworkCreate(ctx, n.config.Name, options)
	if err != nil {
		return networkError(err)
	}
	list, err := e.NetworkList(ctx, client.NetworkListOptions{Filters: make(client.Filters).Add("name", n.config.Name)})
	if err != nil {
		return err
	}
	same := slices.DeleteFunc(list.Items, func(o network.Summary) bool { return o.Name != n.config.Name })
	slices.SortFunc(same, func(a, b network.Summary) int {
		return cmp.Or(a.Created.Compare(b.Created), strings.Compare(a.ID, b.ID))
	})
	if len(same) > 1 && same[0].ID != made.ID {
		_, err = e.NetworkRemove(ctx, made.ID, client.NetworkRemoveOptions{})
	}
	return err
}

// ErrNoSubnet is the error of an engine that has given away all subnets of its pools: with
// those that Docker comes with that is so at 31 networks.
var ErrNoSubnet = errors.New("the engine has no subnet left: `docker network prune` frees those of networks that nothing uses, " +
	"the key subnet gives this cluster one of its own, and default-address-pools of the engine's configuration has more")

// noSubnet are the words for it of Docker before 27, of later ones, and of Podman.
var noSubnet = []string{"non-overlapping IPv4 address pool", "address pools have been fully subnetted", "find free subnet"}

func networkError(err error) error {
	if slices.ContainsFunc(noSubnet, func(words string) bool { return strings.Contains(err.Error(), words) }) {
		return fmt.Errorf("%w (%w)", ErrNoSubnet, err)
	}
	return err
}

func ipam(c types.IPAMConfig) (*network.IPAM, error) {
	if c.Driver == "" && len(c.Config) == 0 && len(c.Options) == 0 {
		return nil, nil
	}
	i := &network.IPAM{Driver: c.Driver, Options: c.Options}
	for _, pool := range c.Config {
		p, err := ipamPool(pool)
		if err != nil {
			return nil, err
		}
		i.Config = append(i.Config, p)
	}
	return i, nil
}

func ipamPool(p *types.IPAMPool) (network.IPAMConfig, error) {
	var c network.IPAMConfig
	var err error
	if p.Subnet != "" {
		if c.Subnet, err = netip.ParsePrefix(p.Subnet); err != nil {
			return c, fmt.Errorf("subnet: %w", err)
		}
	}
	if p.IPRange != "" {
		if c.IPRange, err = netip.ParsePrefix(p.IPRange); err != nil {
			return c, fmt.Errorf("ip_range: %w", err)
		}
	}
	if c.Gateway, err = address(p.Gateway); err != nil {
		return c, fmt.Errorf("gateway: %w", err)
	}
	for name, a := range p.AuxiliaryAddresses {
		if c.AuxAddress == nil {
			c.AuxAddress = map[string]netip.Addr{}
		}
		if c.AuxAddress[name], err = address(a); err != nil {
			return c, fmt.Errorf("aux_addresses.%s: %w", name, err)
		}
	}
	return c, nil
}

func (v *volumeCreation) create(ctx context.Context, e Engine) error {
	_, err := e.VolumeCreate(ctx, client.VolumeCreateOptions{
		Name: v.config.Name, Driver: v.config.Driver, DriverOpts: v.config.DriverOpts, Labels: v.labels,
	})
	return err
}
