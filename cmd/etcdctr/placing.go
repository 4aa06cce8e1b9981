package main

import (
	"context"
	"errors"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/cmd/internal/terminal"
)

// resolveAsRun is resolve for who asks where members are reached: those that are
// processes of this machine, or are to be, are elsewhere than those in containers.
func (f *clusterFlags) resolveAsRun(a *app) (*cluster.Cluster, error) {
	spec, mistakes, err := f.read(a)
	if err != nil {
		return nil, err
	}
	said := cluster.Runtime(spec.Runtime)
	if said == cluster.Docker || errors.Join(append(mistakes, cluster.Check(spec))...) != nil {
		return f.resolve(a)
	}
	spec.Runtime, spec.Name = string(cluster.Process), spec.ClusterName() // it is described here, whatever else the folder has
	cs, e, err := a.clusters(f, working{progress: terminal.Quiet})
	if err != nil {
		return nil, err
	}
	defer e.close()
	c, err := cs.Find(f.cmd.Context(), spec)
	if err != nil {
		return nil, err
	}
	if _, err := c.Observe(f.cmd.Context()); err != nil && said != cluster.Process {
		return f.resolve(a)
	}
	return c.Want(f.cmd.Context())
}

// ofMachine asks this machine's engine for something of a cluster. Where no engine can
// be made sense of, the cluster is as it is.
func ofMachine[T any](f *clusterFlags, a *app, as T, ask func(ctx context.Context, e *engines) (T, error)) (T, error) {
	e, err := a.open(f.dir(), working{progress: terminal.Quiet})
	if err != nil {
		return as, nil //nolint:nilerr // see above
	}
	defer e.close()
	return ask(f.cmd.Context(), e)
}
