package e2e

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
)

// This file makes what containers share: networks and volumes. testcontainers'
// own function for networks knows no driver options.

// labels are those of an object that Compose gives labels of its own.
func labels(own types.Labels) map[string]string {
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
		_, err := c.engine().NetworkCreate(ctx, n.Name, client.NetworkCreateOptions{
			Driver: n.Driver, Options: n.DriverOpts, Internal: n.Internal, Labels: labels(n.Labels),
		})
		if err != nil {
			return fmt.Errorf("cannot make the network %s: %w", n.Name, err)
		}
		c.madeNetworks = append(c.madeNetworks, n.Name)
	}
	return nil
}

func (c *Cluster) makeVolumes(ctx context.Context) error {
	for _, key := range slices.Sorted(maps.Keys(c.project.Volumes)) {
		if err := c.makeVolume(ctx, c.project.Volumes[key].Name, c.project.Volumes[key].Labels); err != nil {
			return err
		}
	}
	return c.copyFiles(ctx)
}

func (c *Cluster) makeVolume(ctx context.Context, name string, own types.Labels) error {
	c.madeVolumes = append(c.madeVolumes, name)
	_, err := c.engine().VolumeCreate(ctx, client.VolumeCreateOptions{Name: name, Labels: labels(own)})
	if err != nil {
		return fmt.Errorf("cannot make the volume %s: %w", name, err)
	}
	return nil
}

// copyFiles fills one volume for each folder that a service mounts from the
// host. The engine may be on another machine, which does not have the folder,
// and a container with a read-only root takes no files but in a volume. They
// go through a container that is never started, which mounts the volumes to
// write where the services mount them to read.
func (c *Cluster) copyFiles(ctx context.Context) error {
	c.files = map[string]string{}
	var mounts []mount.Mount
	for _, name := range c.project.ServiceNames() {
		for _, v := range c.project.Services[name].Volumes {
			if v.Type != types.VolumeTypeBind || c.files[v.Source] != "" {
				continue
			}
			volume := fmt.Sprintf("%s_%s-files%d", c.Name, name, len(mounts)+1)
			if err := c.makeVolume(ctx, volume, nil); err != nil {
				return err
			}
			c.files[v.Source] = volume
			mounts = append(mounts, mount.Mount{Type: mount.TypeVolume, Source: volume, Target: fmt.Sprintf("/%d", len(mounts))})
		}
	}
	if len(mounts) == 0 {
		return nil
	}
	return c.fill(ctx, mounts)
}

func (c *Cluster) fill(ctx context.Context, mounts []mount.Mount) (err error) {
	porter, err := testcontainers.Run(ctx, c.model.Image, append(c.options.customizers(),
		testcontainers.WithName(c.Name+"-files"),
		testcontainers.WithNoStart(),
		testcontainers.WithHostConfigModifier(func(h *container.HostConfig) {
			h.NetworkMode, h.Mounts = "none", mounts
		}))...)
	defer func() {
		if removeErr := testcontainers.TerminateContainer(porter); err == nil {
			err = removeErr
		}
	}()
	if err != nil {
		return err
	}
	for source, volume := range c.files {
		content, err := archive(source)
		if err != nil {
			return err
		}
		at := slices.IndexFunc(mounts, func(m mount.Mount) bool { return m.Source == volume })
		_, err = c.engine().CopyToContainer(ctx, porter.ID, client.CopyToContainerOptions{
			DestinationPath: "/" + strconv.Itoa(at), Content: content,
		})
		if err != nil {
			return fmt.Errorf("cannot copy %s to the engine: %w", source, err)
		}
	}
	return nil
}

// archive packs a folder with its files' modes and owners, as a bind mount
// would show them.
func archive(dir string) (*bytes.Buffer, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := w.AddFS(os.DirFS(dir)); err != nil {
		return nil, err
	}
	return &b, w.Close()
}
