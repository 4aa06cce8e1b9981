package docker

import (
	"testing"

	"github.com/moby/moby/api/types/container"

	"github.com/etcdctr/etcdctr/runtime"
	"github.com/etcdctr/etcdctr/stack"
)

// A member that somebody stops is left alone until it has ended: Podman does not start it
// before that.
func TestAMemberThatIsBeingStoppedRuns(t *testing.T) {
	for state, want := range map[container.ContainerState]runtime.Status{"stopping": runtime.Running, "exited": runtime.Stopped} {
		if got, _ := status(stack.Container{}, container.State{Status: state}); got != want {
			t.Errorf("one that is %s is %v, want %v", state, got, want)
		}
	}
}
