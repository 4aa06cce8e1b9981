package docker

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
)

// podmanEngine has one container, which it starts again a second after it has ended by
// itself; a stop of one that does not run is nothing to it.
type podmanEngine struct {
	Engine  // nil: what is not here must not be called
	policy  container.RestartPolicyMode
	ended   time.Time
	stopped bool
}

func (e *podmanEngine) ContainerInspect(context.Context, string, client.ContainerInspectOptions) (client.ContainerInspectResult, error) {
	in := container.InspectResponse{ID: "etcd1", HostConfig: &container.HostConfig{RestartPolicy: container.RestartPolicy{Name: e.policy}}}
	in.State = &container.State{Status: "stopped", FinishedAt: e.ended.Format(time.RFC3339Nano)}
	if e.runs() {
		in.State = &container.State{Status: container.StateRunning, Running: true}
	}
	return client.ContainerInspectResult{Container: in}, nil
}

func (e *podmanEngine) runs() bool {
	return e.policy != container.RestartPolicyDisabled && !e.stopped && time.Since(e.ended) >= time.Second
}

func (e *podmanEngine) ContainerStop(context.Context, string, client.ContainerStopOptions) (r client.ContainerStopResult, err error) {
	if e.runs() {
		e.ended, e.stopped = time.Now(), true
	}
	return r, nil
}

func TestWhatPodmanIsAboutToStartAgainIsStopped(t *testing.T) {
	for name, c := range map[string]struct {
		engine podmanEngine
		stops  bool
	}{
		"it ended by itself":  {podmanEngine{policy: container.RestartPolicyAlways}, true},
		"it was stopped":      {podmanEngine{policy: container.RestartPolicyAlways, stopped: true}, true},
		"it is not restarted": {podmanEngine{policy: container.RestartPolicyDisabled}, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := c.engine
				e.ended = time.Now()
				in, _ := e.ContainerInspect(t.Context(), "etcd1", client.ContainerInspectOptions{})
				if err := stopWhenBack(t.Context(), &e, in.Container, time.Now); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Minute)
				if e.runs() || e.stopped != c.stops {
					t.Errorf("it runs again: %t, and was stopped: %t", e.runs(), e.stopped)
				}
			})
		})
	}
}
