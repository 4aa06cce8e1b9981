package stack

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
)

// slow is an engine with one container, which ends by itself after a while, if at
// all, unless it is killed.
type slow struct {
	Engine // nil: what is not here must not be called
	ends   time.Duration
	kill   chan struct{}
}

func (s *slow) ContainerStop(_ context.Context, _ string, o client.ContainerStopOptions) (r client.ContainerStopResult, err error) {
	select {
	case <-time.After(s.ends):
	case <-time.After(time.Duration(*o.Timeout) * time.Second):
	case <-s.kill:
	}
	return r, nil
}

func (s *slow) ContainerKill(context.Context, string, client.ContainerKillOptions) (r client.ContainerKillResult, err error) {
	close(s.kill)
	return r, nil
}

func TestAContainerHasItsGraceToTheMillisecond(t *testing.T) {
	for _, c := range []struct{ grace, ends, want time.Duration }{
		{400 * time.Millisecond, time.Minute, 400 * time.Millisecond},
		{400 * time.Millisecond, 100 * time.Millisecond, 100 * time.Millisecond},
		{1400 * time.Millisecond, time.Minute, 1400 * time.Millisecond},
		{2 * time.Second, time.Minute, 2 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			p := PlanEnd(&State{}, []Container{{Name: "p-etcd1-1", Status: container.StateRunning}}, c.grace)
			began := time.Now()
			x := Execution{Engine: &slow{ends: c.ends, kill: make(chan struct{})}}
			if err := x.do(t.Context(), p.Ops[0]); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(began); took != c.want {
				t.Errorf("with a grace of %s, of one that ends after %s: it took %s", c.grace, c.ends, took)
			}
		})
	}
}
