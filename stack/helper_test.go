package stack

import (
	"context"
	"strings"
	"testing"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
)

// endingEngine has what it runs end while somebody looks.
type endingEngine struct {
	*fakeEngine
	looks int // how many there have to be until the end is seen
	exit  int
	fails int // how many looks fail before, as Podman's do at a process that has just ended
}

func (e *endingEngine) ContainerInspect(ctx context.Context, id string, o client.ContainerInspectOptions) (client.ContainerInspectResult, error) {
	if e.fails--; e.fails >= 0 {
		return client.ContainerInspectResult{}, errdefs.ErrInternal.WithMessage("read /proc/4711/cgroup: no such process")
	}
	if e.looks--; e.looks < 0 {
		e.mu.Lock()
		e.containers[id].status, e.containers[id].exit = container.StateExited, e.exit
		e.mu.Unlock()
	}
	return e.fakeEngine.ContainerInspect(ctx, id, o)
}

func TestAHelperIsLookedAtUntilItHasEnded(t *testing.T) {
	h := Helper{Project: "p", Image: "i", Command: []string{"/bin/move"}}
	for _, looks := range []int{0, 2} {
		e := &endingEngine{fakeEngine: newFakeEngine(), looks: looks, fails: looks}
		e.started = func(c *fakeContainer) { c.log = "moved\n" }
		said, err := h.Output(t.Context(), e)
		if err != nil || strings.Join(said, " ") != "moved" || e.looks >= 0 {
			t.Errorf("seen to end at look %d it says %q, %v", looks+1, said, err)
		}
		if left := e.helpers(); len(left) > 0 {
			t.Errorf("%v are left", left)
		}
	}
	e := &endingEngine{fakeEngine: newFakeEngine(), exit: 3}
	e.started = func(c *fakeContainer) { c.log = "no room\n" }
	if err := h.Run(t.Context(), e); err == nil || err.Error() != "/bin/move ended with code 3: no room" {
		t.Errorf("one that failed gives %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	e = &endingEngine{fakeEngine: newFakeEngine(), looks: 1 << 30}
	e.started = func(*fakeContainer) { cancel() }
	if err := h.Run(ctx, e); ctx.Err() == nil || err == nil || len(e.helpers()) > 0 {
		t.Errorf("one that nobody waits for any more gives %v, and %v are left", err, e.helpers())
	}
}
