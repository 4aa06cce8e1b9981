package stack

import (
	"context"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"
)

// inspector is the part of an Engine that tells all of a container.
type inspector interface {
	ContainerInspect(ctx context.Context, container string, o client.ContainerInspectOptions) (client.ContainerInspectResult, error)
}

// Inspect asks an engine for all that it knows of a container. Podman fails on one that
// is removed while it looks; asked again, it says that there is none.
func Inspect(ctx context.Context, e inspector, id string) (client.ContainerInspectResult, error) {
	in, err := e.ContainerInspect(ctx, id, client.ContainerInspectOptions{})
	if errdefs.IsInternal(err) {
		return e.ContainerInspect(ctx, id, client.ContainerInspectOptions{})
	}
	return in, err
}
