package adopt

import (
	"context"
	"errors"
	"testing"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/etcdctr/etcdctr/cluster"
)

// oneContainer is an engine with a container, which is called etcd1.
type oneContainer struct {
	imageEngine
	in *container.InspectResponse
}

func (e oneContainer) ContainerList(context.Context, client.ContainerListOptions) (client.ContainerListResult, error) {
	return client.ContainerListResult{}, nil
}

func (e oneContainer) ContainerInspect(_ context.Context, name string, _ client.ContainerInspectOptions) (client.ContainerInspectResult, error) {
	if name != bare(e.in.Name) && name != e.in.ID {
		return client.ContainerInspectResult{}, errdefs.ErrNotFound
	}
	return client.ContainerInspectResult{Container: *e.in}, nil
}

// kv is a container with etcd in it.
func kv(args ...string) *container.InspectResponse {
	in := plain()
	in.Name = "/etcd1"
	in.Config.Image = "quay.io/coreos/etcd:v3.6.16"
	in.Config.Cmd = append([]string{"etcd", "--name=etcd1", "--data-dir=/data", "--listen-client-urls=http://0.0.0.0:2379", "--advertise-client-urls=http://etcd1:2379"}, args...)
	in.State = &container.State{Status: container.StateRunning, Running: true}
	return in
}

// What an engine removes together with its container can't be had once that is stopped.
func TestNoContainerIsStoppedThatVanishesThen(t *testing.T) {
	in := kv()
	in.HostConfig.AutoRemove = true
	s, err := (&Containers{Engine: oneContainer{in: in}, Names: []string{"etcd1"}}).Look(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for way, refused := range map[Way]bool{InPlace: true, Copy: true, Join: false} {
		if err := s.lossless(way); errors.Is(err, ErrVanishes) != refused {
			t.Errorf("%s: %v", way, err)
		}
	}
	want, err := cluster.Resolve(cluster.Spec{Name: "ours", Etcd: "3.6", Members: cluster.Count(1), TLS: "none"}, cluster.InContainers)
	if err != nil {
		t.Fatal(err)
	}
	foreign := &fakeForeign{stack: s}
	if err := (&Runtime{Runtime: fakeOurs{}, Foreign: foreign}).Prepare(t.Context(), want); !errors.Is(err, ErrVanishes) || foreign.done != nil {
		t.Errorf("%v, %v", err, foreign.done)
	}
}
