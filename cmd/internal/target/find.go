package target

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/adopt"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/cmd/internal/hints"
	"github.com/etcdctr/etcdctr/cmd/internal/terminal"
	"github.com/etcdctr/etcdctr/compose"
	"github.com/etcdctr/etcdctr/runtime"
	"github.com/etcdctr/etcdctr/runtime/docker"
	"github.com/etcdctr/etcdctr/runtimes"
)

// This file gives commands the cluster that their flags are about.

// Found is a cluster with all that it takes to work on it.
type Found struct {
	*etcdctr.Cluster
	Board   terminal.Board
	flags   *Flags // that it was found by
	engines *Engines
}

// Close shows the last of what was done and leaves the engine.
func (f *Found) Close() {
	f.Board.Close()
	f.engines.Close()
}

// Name is that of the cluster.
func (f *Found) Name() string { return f.Spec().ClusterName() }

// Find finds the cluster that the flags describe, running or not.
func (f *Flags) Find(ctx context.Context, w Working) (*Found, error) {
	spec, mistakes, err := f.Read()
	if err == nil && f.Bears {
		var wrong cluster.Problems
		spec, wrong = spec.WithoutWrong(f.Minds...)
		for _, p := range wrong {
			f.world.Warn("%s", p)
		}
	}
	if err == nil {
		err = hints.Usage(errors.Join(append(mistakes, f.check(spec))...))
	}
	if w.Founds {
		err = errors.Join(err, hints.Usage(etcdctr.CheckPasswords(spec)))
	}
	if err != nil {
		return nil, err
	}
	if err := f.nameByFolder(&spec); err != nil {
		return nil, err
	}
	w.With.Spec = spec
	cs, e, err := f.Clusters(w)
	if err != nil {
		return nil, err
	}
	find := cs.Find
	if w.Settles {
		find = func(ctx context.Context, spec cluster.Spec) (*etcdctr.Cluster, error) {
			c, struck, err := adopt.FindSettled(ctx, cs, spec, cmp.Or(f.File, DefaultFile))
			f.world.SayStruck(struck)
			return c, err
		}
	}
	c, err := find(ctx, spec)
	if err == nil && e.missing != nil && !w.Founds {
		err = e.missing // whatever there is, is there
	}
	if err != nil {
		e.Close()
		return nil, err
	}
	return e.Found(f, c), nil
}

// check is cluster.Check of the cluster as it was started: what the file says may take what
// only a flag said then.
func (f *Flags) check(spec cluster.Spec) error {
	err := cluster.Check(spec)
	if err == nil {
		return nil
	}
	if started, errFind := f.AsStarted(spec); errFind == nil && cluster.Check(started) == nil {
		return nil
	}
	return err
}

// Found is a cluster of these runtimes.
func (e *Engines) Found(f *Flags, c *etcdctr.Cluster) *Found {
	return &Found{Cluster: c, flags: f, Board: e.Board, engines: e}
}

// FindFile finds the cluster that a Compose file describes, which etcdctr has made.
func (f *Flags) FindFile(ctx context.Context, path string, w Working) (*Found, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, hints.Usage(fmt.Errorf("cannot read the Compose file: %w", err))
	}
	full, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("cannot find the current folder: %w", err)
	}
	file, err := docker.ReadFile(ctx, full, data)
	if errors.Is(err, docker.ErrNoMember) {
		err = hints.With(err, "`etcdctr lint %s` judges what others wrote, and `docker compose up` starts it", compose.QuoteShell(path))
	}
	if err != nil {
		return nil, hints.Usage(err)
	}
	w.With.File = file
	cs, e, err := f.Clusters(w)
	if err != nil {
		return nil, err
	}
	c, err := cs.Find(ctx, cluster.Spec{Name: file.Name(), Runtime: string(cluster.Docker), CertsDir: file.CertsDir})
	if err != nil {
		e.Close()
		return nil, err
	}
	return e.Found(f, c), nil
}

// List observes what there is on this machine, and on the machines that the cluster file
// names. With the error it gives what could be seen.
func (f *Flags) List(ctx context.Context) ([]runtime.State, error) {
	all, err := f.list(ctx, Working{}, f.named()...)
	if spec, _, errFile := f.Read(); errFile == nil && spec.HasEngines() {
		more, errMore := f.list(ctx, Working{With: runtimes.Options{Spec: spec}})
		all, err = append(all, more...), errors.Join(err, errMore)
	}
	return all, err
}

// named is the cluster that something in the folder describes, by its name; none where
// nothing does, or nobody can make sense of it.
func (f *Flags) named() []string {
	spec, _, err := f.Read()
	if err != nil || f.nameByFolder(&spec) != nil || spec.SaysNothing() && !f.hasComposeFile() {
		return nil
	}
	return []string{spec.ClusterName()}
}

func (f *Flags) list(ctx context.Context, w Working, names ...string) ([]runtime.State, error) {
	cs, e, err := f.Clusters(w)
	if err != nil {
		return nil, err
	}
	defer e.Close()
	return cs.ListHere(ctx, names...)
}

// Clusters are those of the flags' folder, on this machine's runtimes.
func (f *Flags) Clusters(w Working) (*etcdctr.Clusters, *Engines, error) {
	e, err := f.world.open(f.Dir(), w)
	if err != nil {
		return nil, nil, err
	}
	return e.Clusters(etcdctr.Options{Events: e.tell, Random: f.world.Random}), e, nil
}

// tell says what a person should know of what is done.
func (e *Engines) tell(event etcdctr.Event) {
	if e.phases && event.Certificates != nil && !event.Certificates.Changed() {
		return
	}
	if event.Instead == "" {
		e.world.tell(event)
		return
	}
	e.missing = event.Warning
	if e.founds {
		e.world.Say("no Docker Engine answers: running the members as processes of this machine")
	}
}

func (w *World) tell(e etcdctr.Event) {
	switch {
	case e.Certificates != nil:
		w.Say("certificates in %s: %s", ShortPath(e.Place), e.Certificates)
	case e.Token != "":
		w.Say("discovery token in %s: made", ShortPath(e.Token))
	case e.Waiting:
		w.Say("another etcdctr is changing it: waiting until it is done")
	case e.Warning != nil:
		w.Warn("%v", e.Warning)
	}
}

// ShortPath is a path as somebody in the current folder would type it.
func ShortPath(path string) string {
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

// SayStruck tells what was taken out of the cluster file, as it is about members that are
// adopted by now.
func (w *World) SayStruck(lines []string) {
	for _, line := range lines {
		w.Say("the line %s is taken out of the cluster file: what it was about is adopted", line)
	}
}

// others are what has the cluster's name and is not of it.
func (f *Found) others(ctx context.Context) []string {
	have, err := f.Observe(ctx)
	if err != nil {
		return nil
	}
	return have.Others
}
