package main

import (
	"cmp"
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/adopt"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/cmd/internal/terminal"
)

// This file gives commands the cluster that their flags are about.

// found is a cluster with all that it takes to work on it.
type found struct {
	*etcdctr.Cluster
	flags   *clusterFlags // that it was found by
	board   terminal.Board
	engines *engines
}

// close shows the last of what was done and leaves the engine.
func (f *found) close() {
	f.board.Close()
	f.engines.close()
}

// name is that of the cluster.
func (f *found) name() string { return f.Spec().ClusterName() }

// find finds the cluster that the flags describe, running or not.
func (f *clusterFlags) find(ctx context.Context, a *app, w working) (*found, error) {
	spec, mistakes, err := f.read(a)
	if err == nil && f.bears {
		var wrong cluster.Problems
		spec, wrong = spec.WithoutWrongBackups()
		for _, p := range wrong {
			a.warn("%s", p)
		}
	}
	if err == nil {
		err = usage(errors.Join(append(mistakes, cluster.Check(spec))...))
	}
	if w.founds {
		err = errors.Join(err, usage(etcdctr.CheckPasswords(spec)))
	}
	if err != nil {
		return nil, err
	}
	if spec.Name == "" && w.with.File == nil {
		if err := f.nameByFolder(&spec); err != nil {
			return nil, err
		}
	}
	w.with.Spec = spec
	cs, e, err := a.clusters(f, w)
	if err != nil {
		return nil, err
	}
	find := cs.Find
	if w.settles {
		find = func(ctx context.Context, spec cluster.Spec) (*etcdctr.Cluster, error) {
			c, struck, err := adopt.FindSettled(ctx, cs, spec, cmp.Or(f.file, defaultClusterFile))
			a.sayStruck(struck)
			return c, err
		}
	}
	c, err := find(ctx, spec)
	if err == nil && e.missing != nil && !w.founds {
		err = e.missing // whatever there is, is there
	}
	if err != nil {
		e.close()
		return nil, err
	}
	return &found{Cluster: c, flags: f, board: e.board, engines: e}, nil
}

// clusters are those of the flags' folder, on this machine's runtimes.
func (a *app) clusters(f *clusterFlags, w working) (*etcdctr.Clusters, *engines, error) {
	e, err := a.open(f.dir(), w)
	if err != nil {
		return nil, nil, err
	}
	return e.Clusters(etcdctr.Options{Events: e.tell, Random: a.random}), e, nil
}

// tell says what a person should know of what is done.
func (e *engines) tell(event etcdctr.Event) {
	if event.Instead == "" {
		e.app.tell(event)
		return
	}
	e.missing = event.Warning
	if e.founds {
		e.app.say("no Docker Engine answers: running the members as processes of this machine")
	}
}

func (a *app) tell(e etcdctr.Event) {
	switch {
	case e.Certificates != nil:
		a.say("certificates in %s: %s", shortPath(e.Place), e.Certificates)
	case e.Token != "":
		a.say("discovery token in %s: made", shortPath(e.Token))
	case e.Waiting:
		a.say("another etcdctr is changing it: waiting until it is done")
	case e.Warning != nil:
		a.warn("%v", e.Warning)
	}
}

// shortPath is a path as somebody in the current folder would type it.
func shortPath(path string) string {
	here, err := os.Getwd()
	if err != nil {
		return path
	}
	short, err := filepath.Rel(here, path)
	if err != nil || len(short) > len(path) {
		return path
	}
	return short
}

// others are what has the cluster's name and is not of it.
func (f *found) others(ctx context.Context) []string {
	have, err := f.Observe(ctx)
	if err != nil {
		return nil
	}
	return have.Others
}
