package docker

import (
	"testing"

	"github.com/moby/moby/api/types/container"
)

// The file says that a member founds the cluster where all the others have joined it: one
// that was made so and is to join itself has to be made anew all the same.
func TestAMemberThatWasGivenSomethingElseIsFound(t *testing.T) {
	const state = "ETCD_INITIAL_CLUSTER_STATE"
	made := container.InspectResponse{Config: &container.Config{Env: []string{"ETCD_NAME=etcd3", state + "=new"}}}
	for value, want := range map[string]string{"new": "", "existing": state} {
		if got := givenElse(made, map[string]string{state: value}); got != want {
			t.Errorf("for %s it is %q, want %q", value, got, want)
		}
	}
	if got := givenElse(made, nil); got != "" {
		t.Errorf("of one that is as the file says it is %q", got)
	}
}
