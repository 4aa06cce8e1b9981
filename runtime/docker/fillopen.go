package docker

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/moby/moby/client"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/stack"
)

// open has a volume belong to whom its server runs as. Podman gives a new one, once the first
// container that has it runs, the owner and the mode that its place has in the image, whatever
// it is told: where that is a helper's, nobody else may enter, nor root without capabilities.
func (r *Runtime) open(ctx context.Context, want *cluster.Cluster, server string, h home) error {
	if h.store.Volume == "" || !stack.IsPodman(ctx, r.engine) {
		return nil
	}
	own, err := r.ownerOf(ctx, want, server)
	if err != nil {
		return err
	}
	image, err := r.ownImage(ctx)
	if err != nil {
		return err
	}
	var head bytes.Buffer
	to := tar.NewWriter(&head)
	if err := errors.Join(to.WriteHeader(volumeOf(own)), to.Close()); err != nil {
		return err
	}
	err = helper(want.Name, image, h, setAsideProgram).With(ctx, r.engine, func(id string) error {
		_, err := r.engine.CopyToContainer(ctx, id, client.CopyToContainerOptions{DestinationPath: cluster.ContainerVolumeDir, Content: &head})
		return err
	})
	if err != nil {
		return fmt.Errorf("give %s to the user that %s runs as: %w", h.store, server, err)
	}
	return nil
}

// volumeOf is the volume itself, as an entry of an archive that is unpacked in it.
func volumeOf(own owner) *tar.Header {
	return &tar.Header{Name: "./", Typeflag: tar.TypeDir, Mode: 0o755, Uid: own.uid, Gid: own.gid}
}
