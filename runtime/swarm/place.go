package swarm

import (
	"context"
	"errors"
	"fmt"

	"github.com/etcdctr/etcdctr/cluster"
)

// Complete is what completes a Spec.
type Complete func(ctx context.Context, spec cluster.Spec) (cluster.Spec, error)

// ErrRemapped is the error of an engine that maps users: a key that only root may read
// is not one for the root of its containers.
var ErrRemapped = errors.New("runtime: swarm can't be had on engines that map users (userns-remap): keys would be another user's than the members'")

// Place resolves spec for services. Nodes that the swarm does not have, and an engine
// that manages none, are told together with what else is wrong.
func (r *Runtime) Place(ctx context.Context, spec cluster.Spec) (*cluster.Cluster, error) {
	spec.Runtime = Name
	if r.o.AskRelease != nil {
		var err error
		if spec, err = r.o.AskRelease(ctx, spec); err != nil {
			return nil, err
		}
	}
	c, errSpec := cluster.Resolve(spec, cluster.InContainers)
	in, err := r.manages(ctx)
	if err != nil {
		return nil, errors.Join(errSpec, err)
	}
	if in.remaps {
		errSpec = errors.Join(errSpec, ErrRemapped)
	}
	all, err := r.nodes(ctx)
	if err != nil {
		return nil, errors.Join(errSpec, err)
	}
	for _, m := range spec.Members.List {
		if m.Node == "" {
			continue // said already
		}
		if _, err := all.named(m.Node); err != nil {
			errSpec = errors.Join(errSpec, fmt.Errorf("%s: node: %w", m.Name, err))
		}
	}
	if errSpec != nil {
		return nil, errSpec
	}
	return c, nil
}
