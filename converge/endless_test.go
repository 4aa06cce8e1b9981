package converge_test

import (
	"context"
	"errors"
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/converge"
	"github.com/etcdctr/etcdctr/runtime"
)

// twice is a runtime that tells of a server twice that was never started: no plan can
// tell what becomes of both.
type twice struct{ *fake }

func (r twice) Observe(ctx context.Context, name string) (*runtime.State, error) {
	have, err := r.fake.Observe(ctx, name)
	if err != nil {
		return nil, err
	}
	for _, s := range have.Servers {
		if s.Status == runtime.Created {
			have.Servers = append(have.Servers, s)
		}
	}
	return have, nil
}

// Where no plan has an end, what is done is decided on what is seen, step by step.
func TestWhatCannotBePlannedIsDoneStepByStep(t *testing.T) {
	w := serving(3, 3)
	w.nodes[2].status, w.nodes[2].old = created, true
	w.settle()
	f := &fake{world: w}
	h := f.hands()
	h.Runtime = twice{f}
	h.Provide = func(context.Context, *cluster.Cluster) (bool, error) { return false, nil }
	wish := f.wish(converge.Asked{Verb: converge.Up})
	steps, err := h.Plan(t.Context(), wish)
	endless := (*converge.EndlessError)(nil)
	if !errors.As(err, &endless) || len(steps) != 3 || endless.Last.Kind != converge.AwaitServing {
		t.Errorf("the plan is\n%s(%v)", steps, err)
	}
	if _, err := h.Do(t.Context(), wish); err != nil || len(f.wrong) > 0 {
		t.Errorf("%v %v after %q", err, f.wrong, f.calls)
	}
	if !f.world.alive(2) || f.world.nodes[2].old {
		t.Errorf("the world is %v", f.world)
	}
}
