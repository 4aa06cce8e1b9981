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

// stopped is an engine that notes how long a container may take to end.
type stopped struct {
	oneContainer
	within *[]int
}

func (e stopped) ContainerStop(_ context.Context, _ string, o client.ContainerStopOptions) (client.ContainerStopResult, error) {
	within := -1
	if o.Timeout != nil {
		within = *o.Timeout
	}
	*e.within = append(*e.within, within)
	return client.ContainerStopResult{}, nil
}

// A member with watches takes 7 to 8 s to end. Where nobody has said how long it may take,
// Docker kills it after 10 s, and Podman at once.
func TestAMemberIsGivenTheTimeToEndThatNobodyHasSaid(t *testing.T) {
	none, some := 0, 5
	for _, c := range []struct {
		has  *int
		want int // -1: what the container has
	}{{nil, 30}, {&some, -1}, {&none, 30}} {
		in := kv()
		in.Config.StopTimeout = c.has
		var within []int
		engine := &Containers{Engine: stopped{oneContainer{imageEngine{}, in}, &within}, Names: []string{"etcd1"}}
		s, err := engine.Look(t.Context())
		if err == nil {
			err = engine.Stop(t.Context(), s.Members[0], 0)
		}
		if err != nil || !slices.Equal(within, []int{c.want}) {
			t.Errorf("stopped within %v, want %d: %v", within, c.want, err)
		}
	}
}
