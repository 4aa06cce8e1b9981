package stack

import (
	"testing"

	"github.com/moby/moby/api/types/container"
)

// Whoever has asked for it may be gone: Podman starts none until it has ended.
func TestAContainerThatIsBeingStoppedStillRuns(t *testing.T) {
	for state, runs := range map[container.ContainerState]bool{"running": true, "stopping": true, "exited": false, "created": false} {
		if c := toContainer(container.Summary{State: state}); c.Running() != runs {
			t.Errorf("one that is %s runs: %t, want %t", state, c.Running(), runs)
		}
	}
}
