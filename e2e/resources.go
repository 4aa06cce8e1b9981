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

func (c *Cluster) makeNetworks(ctx context.Context) error {
	for _, name := range c.options.networks {
		if _, err := c.engine().NetworkInspect(ctx, name, client.NetworkInspectOptions{}); err != nil {
			return fmt.Errorf("WithNetwork(%q): %w", name, err)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(c.project.Networks)) {
		n := c.project.Networks[key]
		if n.External {
			continue
		}
		options, err := driver.NetworkOptions(n)
		if err != nil {
			return err
		}
		options.Labels = labels(options.Labels)
		if _, err = c.engine().NetworkCreate(ctx, n.Name, options); err != nil {
			return fmt.Errorf("cannot make the network %s: %w", n.Name, err)
		}
		c.madeNetworks = append(c.madeNetworks, n.Name)
	}
	return nil
}

// subnetTaken recognizes what the engine says of a subnet that another network
// has. The API has no code for that.
func subnetTaken(err error) bool {
	return strings.Contains(err.Error(), "Pool overlaps with other one")
}

func (c *Cluster) makeVolumes(ctx context.Context) error {
	for _, v := range c.project.Volumes {
		if err := c.makeVolume(ctx, v.Name, v.Labels); err != nil {
			return err
		}
	}
	for _, s := range c.project.Services {
		files, err := c.wanted().FileVolumes(s)
		if err != nil {
			return err
		}
		for _, v := range files {
			if err := c.makeVolume(ctx, v.Name, nil); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *Cluster) makeVolume(ctx context.Context, name string, own types.Labels) error {
	c.madeVolumes = append(c.madeVolumes, name)
	_, err := c.engine().VolumeCreate(ctx, client.VolumeCreateOptions{Name: name, Labels: labels(own)})
	if err != nil {
		return fmt.Errorf("cannot make the volume %s: %w", name, err)
	}
	return nil
}
