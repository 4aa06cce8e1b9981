package runtimes

import (
	"context"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/adopt"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/runtime"
)

// Foreign are the members that a cluster file adopts, as its key adopts names them.
func (r *Runtimes) Foreign(adopts string) adopt.Foreign {
	foreign := adopt.Find(r.Engine, adopts)
	if c, onEngine := foreign.(*adopt.Containers); onEngine && r.Engine != nil {
		c.Answers = r.Engine.Answers
	}
	return foreign
}

// revived are those of them that run, once they were adopted.
func (r *Runtimes) revived(ctx context.Context, adopts string) ([]etcdctr.Revived, error) {
	return adopt.Revived(ctx, r.Foreign(adopts))
}

// adopting gives a runtime with the members that a cluster file adopts, or nil where
// they can't be brought to it.
func (r *Runtimes) adopting(to runtime.Runtime, adopts string) (runtime.Runtime, error) {
	foreign := r.Foreign(adopts)
	if to.Name() == string(cluster.Swarm) {
		return nil, nil // nothing that others have started is on its nodes
	}
	if _, onEngine := foreign.(*adopt.Containers); onEngine && to.Name() != string(cluster.Docker) {
		return nil, nil
	}
	return &adopt.Runtime{Runtime: to, Foreign: foreign}, nil
}
