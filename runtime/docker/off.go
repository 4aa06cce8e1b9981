package docker

import (
	"github.com/moby/moby/api/types/container"

	"github.com/etcdctr/etcdctr/compose"
	"github.com/etcdctr/etcdctr/stack"
)

// off is the members' network where a member's container is not on it, as after `docker
// network disconnect`; else empty. An engine starts it without that again and again. Of one
// that does not run only Docker's tells it for certain, which keeps what it was made for.
func off(networks []stack.Network, c stack.Container, in container.InspectResponse) string {
	n, ok := stack.NetworkOf(networks, compose.ClusterNetwork)
	if !ok || !c.Member() || in.HostConfig == nil || in.HostConfig.NetworkMode.IsHost() {
		return ""
	}
	_, on := c.NetworkIDs[n.Name]
	made := c.Status == container.StateExited && string(in.HostConfig.NetworkMode) == n.Name
	if on || !c.Running() && !made {
		return ""
	}
	return n.Name
}
