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
	if err := errors.Join(errSpec, r.checkNodes(ctx, spec)); err != nil {
		return nil, err
	}
	return c, nil
}

// checkNodes tells of nodes that the swarm does not have, and of names that may be several
// nodes': only where these are is it looked at what there is of the cluster.
func (r *Runtime) checkNodes(ctx context.Context, spec cluster.Spec) error {
	all, err := r.nodes(ctx)
	if err != nil {
		return err
	}
	var f *found
	var errs []error
	for _, m := range spec.Members.List {
		if m.Node == "" {
			continue // said already
		}
		_, err := all.named(m.Node)
		if like := (*NodeError)(nil); errors.As(err, &like) && len(like.Like) > 0 {
			if f == nil {
				if f, err = r.look(ctx, spec.ClusterName()); err != nil {
					return err
				}
			}
			_, err = f.meant(m.Name, m.Node)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: node: %w", m.Name, err))
		}
	}
	return errors.Join(errs...)
}
