package main

import (
	"cmp"
	"context"
	"path/filepath"
	"sync"

	etcdversion "go.etcd.io/etcd/api/v3/version"

	"github.com/etcdctr/etcdctr/cmd/internal/terminal"
	"github.com/etcdctr/etcdctr/files"
	"github.com/etcdctr/etcdctr/runtime"
	"github.com/etcdctr/etcdctr/runtime/docker"
	"github.com/etcdctr/etcdctr/runtime/docker/engine"
	"github.com/etcdctr/etcdctr/runtimes"
)

// This file opens the runtimes of this machine for commands. It is the only one that
// knows the client of a Docker Engine.

// connectEngine gives this machine's Docker Engine, which has answered.
func (a *app) connectEngine(ctx context.Context) (*engine.Engine, error) {
	e, err := engine.Find(userAgent())
	if err != nil {
		return nil, err
	}
	if e.Warning != "" {
		a.say("%s", e.Warning)
	}
	if err := e.Answers(ctx); err != nil {
		_ = e.Close() // it has said nothing
		return nil, err
	}
	return e, nil
}

// userAgent is how this program calls itself before an engine.
func userAgent() string { return "etcdctr/" + buildVersion() }

// working is what commands differ in when they work on a cluster.
type working struct {
	progress string // mode of the board
	pull     string // when to pull images
	founds   bool   // the cluster, where there is none yet
	settles  bool   // what has adopted its members
	with     runtimes.Options
}

// readComposeFile reads a Compose file as the description of a cluster.
func readComposeFile(ctx context.Context, path string, data []byte) (*docker.File, error) {
	return docker.ReadFile(ctx, path, data)
}

// compare tells how the engine has a cluster otherwise than a Compose file says; empty where
// it has not, or where no Docker Compose would do anything to it.
func (e *engines) compare(ctx context.Context, c *found, path string, text []byte) (string, error) {
	full, err := filepath.Abs(path)
	if err != nil || e.Docker() == nil || c.Runtime().Name() != docker.Name {
		return "", err
	}
	file, err := docker.ReadFile(ctx, full, text)
	if err != nil {
		return "", err
	}
	want, err := c.Want(ctx)
	if err != nil {
		return "", err
	}
	differs, err := e.Docker().Compare(ctx, file, want)
	return differs.String(), err
}

// registryCertsDirs are where Docker keeps the certificates of registries.
func registryCertsDirs() []string { return engine.CertsDirs() }

// engines are the runtimes of this machine, and the board on which they show what
// they do.
type engines struct {
	*runtimes.Runtimes
	app     *app
	board   terminal.Board
	founds  bool
	missing error // why another runtime has to do than the preferred one
}

func (e *engines) close() {
	e.board.Close()
	_ = e.Close() // nothing more is wanted of it
}

// open opens the runtimes for the clusters of a folder.
func (a *app) open(folder string, w working) (*engines, error) {
	self, err := selfSource()
	if err != nil {
		return nil, err
	}
	e := &engines{app: a, board: a.newProgress(w.progress), founds: w.founds}
	o := w.with
	o.Folder, o.Program, o.Self, o.Installed, o.UserAgent = folder, self.File, self, files.Etcd, userAgent()
	o.Pull, o.Further, o.Now, o.Events = docker.Pull(w.pull), a.further, a.now, a.show(e.board)
	if e.Runtimes, err = runtimes.Open(o); err != nil {
		e.board.Close()
		return nil, err
	}
	if e.Warning != "" {
		a.say("%s", e.Warning)
	}
	return e, nil
}

// show puts what a runtime does on a board, and says what may surprise: of an image once,
// on however many machines it is.
func (a *app) show(board terminal.Board) func(runtime.Event) {
	var packed sync.Map
	return func(e runtime.Event) {
		if e.Action == docker.Packed {
			if _, told := packed.LoadOrStore(e.Server, true); told {
				return
			}
			a.say("%s could not be pulled, so this program's own etcd %s was packed as it: %s", e.Server, etcdversion.Version, e.Detail)
			return
		}
		if e.Action == runtime.Caveat {
			a.warn("%s", e.Detail)
			return
		}
		if e.Err == nil {
			board.Show(terminal.Step{Item: cmp.Or(e.Server, "all"), Action: e.Action, Detail: e.Detail, Done: e.Done, Part: e.Operation})
		}
	}
}
