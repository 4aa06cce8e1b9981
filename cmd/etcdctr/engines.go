package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/moby/moby/client"
	etcdversion "go.etcd.io/etcd/api/v3/version"

	"github.com/etcdctr/etcdctr/runtime"
	"github.com/etcdctr/etcdctr/runtime/docker"
	"github.com/etcdctr/etcdctr/runtime/local"
)

// This file makes the runtimes of this machine.

// working is what commands differ in when they work on a cluster.
type working struct {
	progress   string        // mode of the board
	pull       string        // when to pull images
	wait       time.Duration // for what a start depends on
	via        string        // the way to containers
	foreground *local.Foreground
	founds     bool         // the cluster, where there is none yet
	file       *docker.File // that describes the cluster, if one does
}

// readComposeFile reads a Compose file as the description of a cluster.
func readComposeFile(ctx context.Context, path string, data []byte) (*docker.File, error) {
	return docker.ReadFile(ctx, path, data)
}

// engines are what the runtimes stand on.
type engines struct {
	app     *app
	folder  string
	working working
	board   progressBoard
	client  *client.Client // of the Docker Engine, which may not be there
	place   string         // where it ought to be
	missing error          // why another runtime has to do than the preferred one
}

func (e *engines) close() {
	e.board.close()
	if e.client != nil {
		e.client.Close()
	}
}

// runtimes are those of this machine, the preferred one first.
func (e *engines) runtimes() ([]runtime.Runtime, error) {
	var err error
	if e.place, e.client, err = newEngine(); err != nil {
		return nil, err
	}
	onEngine, err := e.docker()
	if err != nil {
		return nil, err
	}
	asProcesses, err := e.processes()
	return []runtime.Runtime{onEngine, asProcesses}, err
}

func (e *engines) docker() (*onEngine, error) {
	self, err := selfSource()
	if err != nil {
		return nil, err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	return &onEngine{engines: e, Runtime: docker.New(docker.Options{
		Engine: e.client, Folder: e.folder, CertsDir: "certs", DNSDir: "dns", LockDir: filepath.Join(cache, "etcdctr", "stacks"),
		Pull: docker.Pull(e.working.pull), Auth: registryAuth, Self: self, SelfRelease: "v" + etcdversion.Version,
		Route: e.working.via, Wait: e.working.wait, Now: e.app.now, Events: e.app.show(e.board), File: e.working.file,
	})}, nil
}

// onEngine is Docker's runtime, which says why its engine does not answer.
type onEngine struct {
	*docker.Runtime
	engines *engines
	answers bool
}

// Observe asks whether the engine answers at all, the first time.
func (r *onEngine) Observe(ctx context.Context, name string) (*runtime.State, error) {
	if err := r.ping(ctx); err != nil {
		return nil, err
	}
	return r.Runtime.Observe(ctx, name)
}

// List is like Observe.
func (r *onEngine) List(ctx context.Context) ([]runtime.State, error) {
	if err := r.ping(ctx); err != nil {
		return nil, err
	}
	return r.Runtime.List(ctx)
}

func (r *onEngine) ping(ctx context.Context) error {
	if r.answers {
		return nil
	}
	_, err := r.engines.client.Ping(ctx, client.PingOptions{NegotiateAPIVersion: true})
	r.answers = err == nil
	if err == nil {
		return nil
	}
	explained := explainNoEngine(r.engines.place, err)
	if errors.Is(explained, errNoEngine) {
		explained = unavailable{explained}
	}
	return explained
}

// unavailable is why this machine's engine can't be used, where there may be
// another runtime that can.
type unavailable struct{ error }

func (unavailable) Is(target error) bool { return target == runtime.ErrUnavailable }

func (e unavailable) Unwrap() error { return e.error }

func (e *engines) processes() (runtime.Runtime, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("cannot find this program's file: %w", err)
	}
	v, err := ownVersion()
	if err != nil {
		return nil, err
	}
	return local.New(local.Options{
		Folder: filepath.Join(e.folder, processFolder), CertsDir: filepath.Join(e.folder, "certs"), Self: self,
		Carried: &local.Program{Path: self, Version: v}, Environ: os.Environ(), Now: e.app.now,
		Events: e.app.show(e.board), Foreground: e.working.foreground,
	}), nil
}

// show puts what a runtime does on a board, and says what may surprise.
func (a *app) show(board progressBoard) func(runtime.Event) {
	return func(e runtime.Event) {
		if e.Action == docker.Packed {
			a.say("%s could not be pulled, so this program's own etcd %s was packed as it: %s", e.Server, etcdversion.Version, e.Detail)
			return
		}
		if e.Err == nil {
			board.show(step{Item: cmp.Or(e.Server, "all"), Action: e.Action, Detail: e.Detail, Done: e.Done})
		}
	}
}
