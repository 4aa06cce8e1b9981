package main

import (
	"context"
	"errors"
	"time"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/cmd/internal/terminal"
	"github.com/etcdctr/etcdctr/runtime"
	"github.com/etcdctr/etcdctr/runtime/docker"
)

// placeOnEngine places a cluster as this machine's engine needs it: its fixed
// addresses, if it has any, are where the engine has room. A machine without an
// engine gets what the cluster's name gives: the file may be for another.
func (f *clusterFlags) placeOnEngine(a *app, spec cluster.Spec, c *cluster.Cluster) (*cluster.Cluster, error) {
	if c.SpansMachines() {
		return c, nil
	}
	placed := c
	err := f.onEngine(a, func(ctx context.Context, r *docker.Runtime) (err error) {
		placed, err = r.Place(ctx, spec)
		return usage(err)
	})
	return placed, err
}

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

// asStarted gives the cluster with the members that this machine's engine runs as
// they were started, so that Compose finds nothing to do about them: a member that
// has data goes by that, and those that joined later know others than the first.
// Where no engine answers, or the cluster was started in another folder, the file
// is for a new one.
func (f *clusterFlags) asStarted(a *app, c *cluster.Cluster, folder string) (*cluster.Cluster, error) {
	as := c
	err := f.onEngine(a, func(ctx context.Context, r *docker.Runtime) error {
		have, err := r.Observe(ctx, c.Name)
		if err != nil || !have.StartedIn(folder) {
			return nil //nolint:nilerr // nothing to go by
		}
		as, err = runtime.AsStarted(ctx, r, c, have)
		return err
	})
	return as, err
}

// briefly is how long an engine may take to answer: one elsewhere that is not
// there must not keep a command that writes a file.
const briefly = 3 * time.Second

// onEngine does something with this machine's engine, if it answers.
func (f *clusterFlags) onEngine(a *app, do func(context.Context, *docker.Runtime) error) error {
	_, e, err := a.clusters(f, working{progress: terminal.Quiet})
	if err != nil {
		return nil //nolint:nilerr // no engine can be made sense of here
	}
	defer e.close()
	r, err := e.docker()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(f.cmd.Context(), briefly)
	defer cancel()
	if e.engine.Answers(ctx) != nil {
		return nil
	}
	return do(f.cmd.Context(), r)
}
