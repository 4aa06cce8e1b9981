package stack

import (
	"context"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
)

// remover is the part of an Engine that removes containers.
type remover interface {
	ContainerInspect(ctx context.Context, container string, o client.ContainerInspectOptions) (client.ContainerInspectResult, error)
	ContainerRemove(ctx context.Context, container string, o client.ContainerRemoveOptions) (client.ContainerRemoveResult, error)
}

// mostRemoval is how long somebody else's removal is waited for. An engine that stores
// images as copies deletes some hundred megabytes with a container.
const mostRemoval = time.Minute

// removeContainer kills and removes a container with the volumes that are its alone, and
// returns once it is gone: a network that it was on can't be removed before. One that
// the engine is removing already, as it does with a relay that ends, can't be removed
// twice, and is waited for.
func removeContainer(ctx context.Context, e remover, id string) error {
	ctx, cancel := context.WithTimeout(ctx, mostRemoval)
	defer cancel()
	for {
		_, err := e.ContainerRemove(ctx, id, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
		if err == nil || errdefs.IsNotFound(err) {
			return nil
		}
		if !errdefs.IsConflict(err) || !isRemoved(ctx, e, id) {
			return err
		}
		const pause = 50 * time.Millisecond
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return err
		}
	}
}

// isRemoved reports whether a container is gone, or on its way.
func isRemoved(ctx context.Context, e remover, id string) bool {
	c, err := Inspect(ctx, e, id)
	if err != nil {
		return errdefs.IsNotFound(err)
	}
	return c.Container.State != nil && c.Container.State.Status == container.StateRemoving
}
