package stack

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
)

// busyRemover is an engine that is removing a container itself, and is done, or gives
// up, after some looks.
type busyRemover struct {
	looks   int
	fails   bool
	removed int
}

func (e *busyRemover) ContainerInspect(context.Context, string, client.ContainerInspectOptions) (r client.ContainerInspectResult, err error) {
	e.looks--
	if e.looks <= 0 && !e.fails {
		return r, errdefs.ErrNotFound
	}
	r.Container.State = &container.State{Status: container.StateRemoving}
	if e.looks <= 0 {
		r.Container.State.Status = container.StateDead
	}
	return r, nil
}

func (e *busyRemover) ContainerRemove(context.Context, string, client.ContainerRemoveOptions) (r client.ContainerRemoveResult, err error) {
	if e.looks <= 0 && !e.fails {
		return r, errdefs.ErrNotFound
	}
	e.removed++
	return r, errdefs.ErrConflict
}

func TestAContainerThatIsBeingRemovedIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &busyRemover{looks: 5}
		if err := removeContainer(t.Context(), e, "relay"); err != nil || e.removed != 5 {
			t.Errorf("%v after %d attempts, want none after 5", err, e.removed)
		}
		if err := removeContainer(t.Context(), &busyRemover{looks: 3, fails: true}, "relay"); !errdefs.IsConflict(err) {
			t.Errorf("a removal that fails: %v", err)
		}
	})
}
