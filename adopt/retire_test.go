package adopt

import (
	"context"
	"slices"
	"testing"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
)

// podman4 is an engine that has no call for a container's restart policy.
type podman4 struct{ oneContainer }

func (podman4) ContainerUpdate(context.Context, string, client.ContainerUpdateOptions) (client.ContainerUpdateResult, error) {
	return client.ContainerUpdateResult{}, errdefs.ErrNotFound
}

func (e podman4) ContainerRename(_ context.Context, _ string, o client.ContainerRenameOptions) (client.ContainerRenameResult, error) {
	e.in.Name = "/" + o.NewName
	return client.ContainerRenameResult{}, nil
}

// An adoption that can't take a restart policy away has its members stopped by then: it goes
// on, and tells who starts again with the machine.
func TestAContainerIsPutAwayWhoseRestartPolicyStays(t *testing.T) {
	for policy, wakes := range map[container.RestartPolicyMode]bool{container.RestartPolicyAlways: true, container.RestartPolicyUnlessStopped: false} {
		in := kv()
		in.State = &container.State{Status: container.StateExited}
		in.HostConfig.RestartPolicy.Name = policy
		c := &Containers{Engine: podman4{oneContainer{imageEngine{files: []string{"/data/member/wal"}}, in}}, Names: []string{"etcd1"}}
		s, err := c.Look(t.Context())
		if err == nil {
			err = c.Retire(t.Context(), "orders", s.Members[0])
		}
		if err == nil {
			s, err = c.Look(t.Context())
		}
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Waking(); !s.Retired() || slices.Equal(got, []string{"etcd1"}) != wakes {
			t.Errorf("%s: retired is %v, and %q start again", policy, s.Retired(), got)
		}
	}
}
