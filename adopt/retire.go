package adopt

import (
	"context"
	"fmt"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
)

// This file puts containers away whose members were adopted.

// retiredSuffix ends the name of a container whose member was adopted.
const retiredSuffix = ".adopted"

// Retire takes from a container its restart policy and the network where it met
// its successors, and renames it. One that vanishes when it stops is left to that.
func (c *Containers) Retire(ctx context.Context, _ string, m Member) error {
	err := c.retire(ctx, m)
	if m.vanishes && errdefs.IsNotFound(err) {
		return nil
	}
	return err
}

func (c *Containers) retire(ctx context.Context, m Member) error {
	in, err := c.Engine.ContainerInspect(ctx, m.id, client.ContainerInspectOptions{})
	if err != nil {
		return fmt.Errorf("ask the engine about %s: %w", m.Name, err)
	}
	if err := c.keepDown(ctx, m); err != nil {
		return fmt.Errorf("keep %s from starting anew: %w", m.Name, err)
	}
	if name, there := meeting(in.Container); there {
		if _, err := c.Engine.NetworkDisconnect(ctx, name, client.NetworkDisconnectOptions{Container: m.id, Force: true}); err != nil {
			return fmt.Errorf("take %s off the network %s: %w", m.Name, name, err)
		}
	}
	if strings.HasSuffix(in.Container.Name, retiredSuffix) {
		return nil
	}
	_, err = c.Engine.ContainerRename(ctx, m.id, client.ContainerRenameOptions{NewName: bare(in.Container.Name) + retiredSuffix})
	if err != nil {
		return fmt.Errorf("note that %s was adopted: %w", m.Name, err)
	}
	return nil
}

// keepDown takes its restart policy from a container that is there. Podman 4 has no call for
// that, and says of any container that it is not found: what was stopped starts by itself there
// with the machine alone, and only by the policy always, which Member.Wakes tells.
func (c *Containers) keepDown(ctx context.Context, m Member) error {
	_, err := c.Engine.ContainerUpdate(ctx, m.id, client.ContainerUpdateOptions{RestartPolicy: &container.RestartPolicy{Name: container.RestartPolicyDisabled}})
	if !errdefs.IsNotFound(err) {
		return err
	}
	_, err = c.Engine.ContainerInspect(ctx, m.id, client.ContainerInspectOptions{})
	return err
}
