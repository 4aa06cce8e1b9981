package target

import (
	"cmp"
	"context"
	"path/filepath"
	"sync"
	"time"

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

// userAgent is how this program calls itself before an engine.
func (w *World) userAgent() string { return "etcdctr/" + w.Version }

// ConnectEngine gives this machine's Docker Engine, which has answered.
func (w *World) ConnectEngine(ctx context.Context) (*engine.Engine, error) {
	e, err := engine.Find(w.userAgent())
	if err != nil {
		return nil, err
	}
	if e.Warning != "" {
		w.Say("%s", e.Warning)
	}
	if err := e.Answers(ctx); err != nil {
		_ = e.Close() // it has said nothing
		return nil, err
	}
	return e, nil
}

// RegistryCertsDirs are where Docker keeps the certificates of registries.
func RegistryCertsDirs() []string { return engine.CertsDirs() }

// Working is what commands differ in when they work on a cluster.
type Working struct {
	Progress string // mode of the board
	Pull     string // when to pull images
	Founds   bool   // the cluster, where there is none yet
	Settles  bool   // what has adopted its members
	Phases   bool   // has steps of its own, whose parts runtimes do
	With     runtimes.Options
}

// compare tells how the engine has a cluster otherwise than a Compose file says; empty where
// it has not, or where no Docker Compose would do anything to it.
func (e *Engines) compare(ctx context.Context, c *Found, path string, text []byte) (string, error) {
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

// Engines are the runtimes of this machine, and the board on which they show what
// they do.
type Engines struct {
	*runtimes.Runtimes
	Board   terminal.Board
	world   *World
	founds  bool
	phases  bool
	missing error // why another runtime has to do than the preferred one
}

// Close shows the last of what was done and leaves them.
func (e *Engines) Close() {
	e.Board.Close()
	_ = e.Runtimes.Close() // nothing more is wanted of it
}

// patience is how long a command that no person watches waits for one who is to stop
// members on their machines.
const patience = 2 * time.Minute

// open opens the runtimes for the clusters of a folder.
func (w *World) open(folder string, how Working) (*Engines, error) {
	self, err := w.Self()
	if err != nil {
		return nil, err
	}
	e := &Engines{world: w, Board: w.NewBoard(how.Progress), founds: how.Founds, phases: how.Phases}
	o := how.With
	o.Folder, o.Program, o.Self, o.Installed, o.UserAgent = folder, self.File, self, files.Etcd, w.userAgent()
	o.Pull, o.Further, o.Now, o.Events = docker.Pull(how.Pull), w.Further, w.Now, w.show(e.Board, how.Phases)
	if !w.Person() {
		o.Patience = patience
	}
	if e.Runtimes, err = runtimes.Open(o); err != nil {
		e.Board.Close()
		return nil, err
	}
	if e.Warning != "" {
		w.Say("%s", e.Warning)
	}
	return e, nil
}

// show puts what a runtime does on a board, and says what may surprise: of an image once,
// on however many machines it is.
func (w *World) show(board terminal.Board, phases bool) func(runtime.Event) {
	var packed sync.Map
	return func(e runtime.Event) {
		if e.Action == docker.Packed {
			if _, told := packed.LoadOrStore(e.Server, true); told {
				return
			}
			w.Say("%s could not be pulled, so this program's own etcd %s was packed as it, to run as user 65532 where upstream's is root's: %s", e.Server, etcdversion.Version, e.Detail)
			return
		}
		if e.Action == runtime.Caveat {
			w.Warn("%s", e.Detail)
			return
		}
		if e.Err == nil {
			board.Show(terminal.Step{Item: cmp.Or(e.Server, "all"), Action: e.Action, Detail: e.Detail, Done: e.Done, Part: e.Operation || phases})
		}
	}
}
