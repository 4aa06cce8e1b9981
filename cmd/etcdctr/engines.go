package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	etcdversion "go.etcd.io/etcd/api/v3/version"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/bundle"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/cmd/internal/terminal"
	"github.com/etcdctr/etcdctr/runtime"
	"github.com/etcdctr/etcdctr/runtime/docker"
	"github.com/etcdctr/etcdctr/runtime/docker/engine"
	"github.com/etcdctr/etcdctr/runtime/fleet"
	"github.com/etcdctr/etcdctr/runtime/hosts"
	"github.com/etcdctr/etcdctr/runtime/local"
	"github.com/etcdctr/etcdctr/runtime/swarm"
)

// This file makes the runtimes of this machine. It is the only one that knows the
// client of a Docker Engine.

// connectEngine gives this machine's Docker Engine, which has answered.
func (a *app) connectEngine(ctx context.Context) (*engine.Engine, error) {
	e, err := a.findEngine()
	if err != nil {
		return nil, err
	}
	if err := e.Answers(ctx); err != nil {
		_ = e.Close() // it has said nothing
		return nil, err
	}
	return e, nil
}

// findEngine gives this machine's Docker Engine, which may not be there.
func (a *app) findEngine() (*engine.Engine, error) {
	e, err := engine.Find("etcdctr/" + buildVersion())
	if err == nil && e.Warning != "" {
		a.say("%s", e.Warning)
	}
	return e, err
}

// working is what commands differ in when they work on a cluster.
type working struct {
	progress   string        // mode of the board
	pull       string        // when to pull images
	wait       time.Duration // for what a start depends on
	via        string        // the way to containers
	outside    []string      // what members must not reach
	foreground *local.Foreground
	founds     bool         // the cluster, where there is none yet
	spec       cluster.Spec // of it, where one is meant
	file       *docker.File // that describes the cluster, if one does
}

// readComposeFile reads a Compose file as the description of a cluster.
func readComposeFile(ctx context.Context, path string, data []byte) (*docker.File, error) {
	return docker.ReadFile(ctx, path, data)
}

// registryCertsDirs are where Docker keeps the certificates of registries.
func registryCertsDirs() []string { return engine.CertsDirs() }

// engines are what the runtimes stand on.
type engines struct {
	app     *app
	folder  string
	working working
	board   terminal.Board
	engine  *engine.Engine // Docker's, which may not be there
	fleet   *fleet.Runtime // of members whose machines have engines
	missing error          // why another runtime has to do than the preferred one
}

func (e *engines) close() {
	e.board.Close()
	if e.engine != nil {
		_ = e.engine.Close() // nothing more is wanted of it
	}
	if e.fleet != nil {
		_ = e.fleet.Close() // nothing more is wanted of the machines
	}
}

// runtimes are those of this machine, the preferred one first; of members with
// machines of their own, it is these.
func (e *engines) runtimes() ([]runtime.Runtime, error) {
	spec := e.working.spec
	kind := cluster.Runtime(spec.Runtime)
	switch open := kind == "" || kind == cluster.AnyRuntime; {
	case spec.HasEngines() && (open || kind == cluster.Docker):
		return e.machines()
	case spec.SpansMachines() && open:
		return []runtime.Runtime{e.hosts()}, nil
	}
	var err error
	if e.engine, err = e.app.findEngine(); err != nil {
		return nil, err
	}
	onEngine, err := e.docker()
	if err != nil {
		return nil, err
	}
	asProcesses, err := e.processes()
	if e.working.file != nil {
		return []runtime.Runtime{onEngine, asProcesses}, err
	}
	return []runtime.Runtime{onEngine, e.swarm(onEngine), asProcesses}, err
}

// swarm is the one that the engine is a manager of, if it is. What has to be on the
// engine for it comes there as for the engine's own clusters.
func (e *engines) swarm(onEngine *docker.Runtime) *swarm.Runtime {
	return swarm.New(swarm.Options{
		Engine: e.engine, At: e.engine.DaemonHost(), Answers: e.engine.Answers, Folder: e.folder, CertsDir: "certs",
		LockDir: filepath.Join(cacheDir(), "etcdctr", "stacks"),
		GetImage: func(ctx context.Context, ref string) error {
			_, err := onEngine.ImageIDs(ctx, []string{ref})
			return err
		},
		AskRelease: onEngine.AskImage, OwnImage: onEngine.OwnImage, Relay: []string{docker.RelayProgram},
		Auth: engine.Credentials, Wait: e.working.wait, Now: e.app.now, Events: e.app.show(e.board),
	})
}

// cacheDir is where this user's programs keep what can be made again.
func cacheDir() string {
	cache, err := os.UserCacheDir()
	if err != nil {
		return os.TempDir()
	}
	return cache
}

// placeOf tells clusters of one name apart: an engine has one of them, and processes
// and machines are there for each folder.
func (e *engines) placeOf(r runtime.Runtime) string {
	if r.Name() == docker.Name && e.engine != nil {
		return r.Name() + " " + e.engine.DaemonHost()
	}
	return r.Name() + " " + e.folder
}

func (e *engines) docker() (*docker.Runtime, error) {
	return e.dockerOn(e.engine, e.app.show(e.board))
}

func (e *engines) dockerOn(on *engine.Engine, events func(runtime.Event)) (*docker.Runtime, error) {
	self, err := selfSource()
	if err != nil {
		return nil, err
	}
	return docker.New(docker.Options{
		Engine: on, Answers: on.Answers, Folder: e.folder, CertsDir: "certs", DNSDir: "dns", MonitoringDir: "monitoring",
		LockDir: filepath.Join(cacheDir(), "etcdctr", "stacks"),
		Pull:    docker.Pull(e.working.pull), Auth: engine.Credentials, Self: self, SelfRelease: "v" + etcdversion.Version,
		Route: e.working.via, Outside: e.working.outside, Wait: e.working.wait, Now: e.app.now, Events: events, File: e.working.file,
	}), nil
}

// machinesFolder is where it is noted on which machines members have been, beside the
// cluster file.
const machinesFolder = "machines"

// machines are the members' own, with the engines that they have.
func (e *engines) machines() ([]runtime.Runtime, error) {
	e.fleet = fleet.New(fleet.Options{
		Spec: e.working.spec, Name: docker.Name, Notes: filepath.Join(e.folder, machinesFolder), Now: e.app.now, Events: e.app.show(e.board),
		Open: func(at cluster.Engine, tell func(runtime.Event)) (fleet.Engine, error) {
			on, err := engine.Open(at.At, at.Certs, "etcdctr/"+buildVersion())
			if err != nil {
				return nil, err
			}
			r, err := e.dockerOn(on, tell)
			return &engineThere{Runtime: r, engine: on}, err
		},
	})
	return []runtime.Runtime{e.fleet}, nil
}

// engineThere is the engine of another machine.
type engineThere struct {
	*docker.Runtime
	engine *engine.Engine
}

func (e *engineThere) Answers(ctx context.Context) error { return e.engine.Answers(ctx) }
func (e *engineThere) Close() error                      { return e.engine.Close() }

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
		Events: e.app.show(e.board), Foreground: e.working.foreground, Further: e.app.further,
	}), nil
}

// hosts are the members' own machines. Their archives are where bundle puts them.
func (e *engines) hosts() runtime.Runtime {
	certs := cmp.Or(e.working.spec.CertsDir, filepath.Join(e.folder, "certs"))
	return hosts.New(hosts.Options{
		Spec: e.working.spec, Output: filepath.Join(e.folder, bundleFolder), Events: e.app.show(e.board),
		TLS: func(mode cluster.TLSMode) (*tls.Config, error) {
			config, err := etcdctr.AdminTLS(mode, certs)
			if errors.Is(err, etcdctr.ErrNoCertificate) {
				return etcdctr.Unverified(), nil // whoever answers is there, and can't be asked more
			}
			return config, err
		},
		Pack: func(ctx context.Context, c *cluster.Cluster, member string) ([]byte, error) {
			machine, err := bundle.Of(c, member, certs, unitProgram(""))
			if err != nil {
				return nil, err
			}
			return machine.Archive(ctx)
		},
	})
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
			board.Show(terminal.Step{Item: cmp.Or(e.Server, "all"), Action: e.Action, Detail: e.Detail, Done: e.Done})
		}
	}
}
