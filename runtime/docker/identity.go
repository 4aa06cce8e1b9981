package docker

import (
	"context"

	"github.com/moby/moby/client"

	"github.com/etcdctr/etcdctr/runtime"
	"github.com/etcdctr/etcdctr/stack"
)

// This file tells an engine from another one at the same place.

var _ runtime.Identified = (*Runtime)(nil)

// noNetwork is the network that an engine makes once, in its own folder, and keeps as long as
// its volumes. Its other marks come at each start, or take it longer to tell.
const noNetwork = "none"

// Identity is that of the engine. Podman has none that stays.
func (r *Runtime) Identity(ctx context.Context) (string, error) {
	if stack.IsPodman(ctx, r.engine) {
		return "podman", nil
	}
	list, err := r.engine.NetworkList(ctx, client.NetworkListOptions{Filters: make(client.Filters).Add("name", noNetwork)})
	if err != nil {
		return "", err
	}
	for _, n := range list.Items { // a filter takes parts of names, too
		if n.Name == noNetwork {
			return n.ID, nil
		}
	}
	return "", nil
}
