package stack

import (
	"testing"

	"github.com/moby/moby/api/types/container"
)

// Docker Compose notes the image that it made a container of, version 1 of it does not.
func TestAContainerWhoseImageNobodyNotedHasTheOneOfTheEngine(t *testing.T) {
	const engines, noted = "sha256:1", "sha256:2"
	s := container.Summary{ImageID: engines}
	if got := toContainer(s).ImageID; got != engines {
		t.Errorf("its image is %s, want %s", got, engines)
	}
	s.Labels = map[string]string{imageLabel: noted}
	if got := toContainer(s).ImageID; got != noted {
		t.Errorf("its image is %s, want %s", got, noted)
	}
}
