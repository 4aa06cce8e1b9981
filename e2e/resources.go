package e2e

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
	"golang.org/x/sync/errgroup"

	driver "github.com/etcdctr/etcdctr/stack"
)

// This file makes what containers share: networks and volumes. testcontainers'
// own function for networks knows no driver options.

// labels are those of an object that has some of its own.
func labels(own map[string]string) map[string]string {
	all := testcontainers.GenericLabels()
	maps.Copy(all, own)
	return all
}

// callReaper has testcontainers' reaper, if it is on, watch this process from
// now on. testcontainers itself does so with the first container, and networks
// and volumes come before.
func (c *Cluster) callReaper(ctx context.Context) error {
	if c.provider.Config().Config.RyukDisabled {
		return nil
	}
	//nolint:staticcheck // deprecated for programs with a reaper of their own, and the only way to connect to the session's
	reaper, err := testcontainers.NewReaper(ctx, testcontainers.SessionID(), c.provider, "")
	if err == nil {
		c.reaper, err = reaper.Connect()
	}
	if err != nil {
		at, _ := c.provider.DaemonHost(ctx) // as far as it is known
		return withoutReaper(at, err)
	}
	return nil
}

// withoutReaper says why there is no reaper, which may be that nobody answers where it was
// dialled, or that its image can't be had.
func withoutReaper(at string, err error) error {
	return fmt.Errorf("testcontainers' reaper can't be called: %w; TESTCONTAINERS_RYUK_DISABLED=true does without it, "+
		"and TESTCONTAINERS_HOST_OVERRIDE, such as 127.0.0.1, says where else than at %q ports are published, where it runs and does not answer there", err, at)
}

// ownNetworks are those that the cluster does not share.
func (c *Cluster) ownNetworks() []types.NetworkConfig {
	var own []types.NetworkConfig
	for _, key := range slices.Sorted(maps.Keys(c.project.Networks)) {
		if n := c.project.Networks[key]; !n.External {
			own = append(own, n)
		}
	}
	return own
}

func (c *Cluster) makeNetworks(ctx context.Context) error {
	for _, name := range c.options.networks {
		if _, err := c.engine().NetworkInspect(ctx, name, client.NetworkInspectOptions{}); err != nil {
			return fmt.Errorf("WithNetwork(%q): %w", name, err)
		}
	}
	var group errgroup.Group // no call is cut short: the engine would make the network all the same
	for _, n := range c.networks {
		group.Go(func() error { return c.makeNetwork(ctx, n) })
	}
	return group.Wait()
}

func (c *Cluster) makeNetwork(ctx context.Context, n types.NetworkConfig) error {
	options, err := driver.NetworkOptions(n)
	if err != nil {
		return err
	}
	options.Labels = labels(options.Labels)
	if _, err = c.engine().NetworkCreate(ctx, n.Name, options); err != nil {
		return fmt.Errorf("cannot make the network %s: %w", n.Name, err)
	}
	return nil
}

// subnetTaken recognizes what the engine says of a subnet that another network
// has. The API has no code for that.
func subnetTaken(err error) bool {
	return strings.Contains(err.Error(), "Pool overlaps with other one") || // Docker
		strings.Contains(err.Error(), "is already used on the host or by another config") // Podman
}

// ownVolumes are those for data, and those that stand for files.
func (c *Cluster) ownVolumes() ([]types.VolumeConfig, error) {
	own := slices.Collect(maps.Values(c.project.Volumes))
	for _, s := range c.project.Services {
		files, err := c.wanted().FileVolumes(s)
		if err != nil {
			return own, err
		}
		for _, v := range files {
			own = append(own, types.VolumeConfig{Name: v.Name})
		}
	}
	return own, nil
}

func (c *Cluster) makeVolumes(ctx context.Context) error {
	var group errgroup.Group
	for _, v := range c.volumes {
		group.Go(func() error { return c.makeVolume(ctx, v) })
	}
	return group.Wait()
}

func (c *Cluster) makeVolume(ctx context.Context, v types.VolumeConfig) error {
	_, err := c.engine().VolumeCreate(ctx, client.VolumeCreateOptions{Name: v.Name, Labels: labels(v.Labels)})
	if err != nil {
		return fmt.Errorf("cannot make the volume %s: %w", v.Name, err)
	}
	return nil
}
