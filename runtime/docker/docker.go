package docker

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/moby/moby/client"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/images"
	"github.com/etcdctr/etcdctr/runtime"
	"github.com/etcdctr/etcdctr/runtime/datadir"
	"github.com/etcdctr/etcdctr/stack"
)

// Name is the word for this runtime in the cluster file's key runtime.
const Name = string(cluster.Docker)

// Engine is what a Docker Engine is asked for; *client.Client is one. API 1.41
// (Engine 20.10) suffices.
type Engine interface {
	stack.Engine
	stack.TunnelEngine
	stack.Locatable
	images.Engine
	ContainerStatPath(ctx context.Context, container string, o client.ContainerStatPathOptions) (client.ContainerStatPathResult, error)
	ImagePull(ctx context.Context, ref string, o client.ImagePullOptions) (client.ImagePullResponse, error)
}

// Options say where a Runtime works and with what.
type Options struct {
	Engine Engine
	// Answers makes sure that the engine answers; it is called before anything
	// else is asked, until it gives no error. Where it is nil, the engine answers.
	Answers func(context.Context) error
	// At is where it is, if it is that of a member's machine; zero for the one that the
	// environment names.
	At cluster.Engine
	// Folder is where the cluster is described, as an absolute path: what is
	// noted on its containers, and what the other folders are meant from.
	Folder string
	// CertsDir holds the certificates of clusters whose Spec names no folder, as
	// package certs lays them out.
	CertsDir string
	// DNSDir holds, in a folder for each cluster, the files for the stack's own
	// DNS server.
	DNSDir string
	// MonitoringDir does the same for the stack's own Prometheus.
	MonitoringDir string
	// LockDir holds the locks that keep commands of one user apart.
	LockDir string

	// File describes the one cluster that there is then, in place of any Spec.
	File *File

	Pull Pull
	// Auth gives what a registry is shown for an image, encoded as the engine
	// wants it; nil shows nothing.
	Auth func(ref string) (string, error)
	// Self gives the programs of the image that is packed here: the relay's, and
	// etcd's official one of release SelfRelease, such as "v3.7.3", where that
	// can't be pulled.
	Self        images.Source
	SelfRelease string

	// Route is the way to the members: AutoRoute, DirectRoute or RelayRoute;
	// empty stands for AutoRoute.
	Route string

	// Outside are addresses beyond the engine's machine, HOST:PORT, that Expose has
	// members try to reach.
	Outside []string

	// Beside are containers that may be on the members' network without being of the
	// cluster, by their names.
	Beside []string

	// Wait bounds each wait for what a server's start depends on; 0 stands for
	// DefaultWait.
	Wait time.Duration
	// Now is the clock; nil stands for time.Now.
	Now func() time.Time
	// Events is told of what is done; nil is not called.
	Events func(runtime.Event)
}

// Routes to the members.
const (
	AutoRoute   = string(stack.AutoRoute) // direct where that works
	DirectRoute = string(stack.Direct)    // to the containers' addresses
	RelayRoute  = string(stack.Relayed)   // through a container on their network
)

// DefaultWait is how long a service may take until those that depend on it are
// started.
const DefaultWait = time.Minute

// Pull says when images are pulled.
type Pull string

// When images are pulled.
const (
	PullMissing Pull = "missing" // those that the engine does not have
	PullAlways  Pull = "always"  // all, once
	PullNever   Pull = "never"
)

// Runtime runs clusters on one engine.
type Runtime struct {
	o      Options
	engine Engine

	filling sync.Mutex // held while it is looked for what is to be filled, and made
	noting  sync.Mutex // held while what was set aside is noted

	mu         sync.Mutex
	there      bool                                // the engine has answered
	made       *stack.Make                         // whose engine it is
	local      *bool                               // whether the engine sees this machine's files
	pulled     map[string]bool                     // images that were pulled already
	own        string                              // the ID of this program's image on the engine
	lent       map[string]map[string]cluster.Store // by cluster and server: see remember
	left       map[string]datadir.Look             // what volumes hold, by name: see leftByCompose
	renderings []rendering                         // the last first: see rendered
}

var (
	_ runtime.Runtime = (*Runtime)(nil)
	_ runtime.Execer  = (*Runtime)(nil)
	_ runtime.Noter   = (*Runtime)(nil)
	_ runtime.Fetcher = (*Runtime)(nil)
	_ runtime.Sizer   = (*Runtime)(nil)
)

// New makes a Runtime. It asks the engine nothing yet.
func New(o Options) *Runtime {
	if o.Wait == 0 {
		o.Wait = DefaultWait
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Route == "" {
		o.Route = AutoRoute
	}
	if o.Pull == "" {
		o.Pull = PullMissing
	}
	return &Runtime{o: o, engine: o.Engine, pulled: map[string]bool{}}
}

// Name is "docker".
func (r *Runtime) Name() string { return Name }

// tell tells an event.
func (r *Runtime) tell(e runtime.Event) {
	if r.o.Events != nil {
		r.o.Events(e)
	}
}

// answers makes sure once that the engine answers.
func (r *Runtime) answers(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.there || r.o.Answers == nil {
		return nil
	}
	err := r.o.Answers(ctx)
	r.there = err == nil
	return err
}

// seesFiles asks once whether the engine can mount this machine's files.
func (r *Runtime) seesFiles(ctx context.Context) (bool, error) {
	m, err := r.engineMake(ctx)
	if err != nil {
		return false, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.local != nil {
		return *r.local, nil
	}
	sees, err := stack.SeesFiles(ctx, r.engine, m)
	if err == nil {
		r.local = &sees
	}
	return sees, err
}

// host is the machine of an engine elsewhere, as the way to it names it.
func (r *Runtime) host() string {
	u, err := url.Parse(r.engine.DaemonHost())
	if err != nil || u.Scheme == "unix" || u.Scheme == "npipe" {
		return ""
	}
	return u.Hostname()
}

// execute carries a plan out.
func (r *Runtime) execute(ctx context.Context, p *stack.Plan) error {
	m, err := r.engineMake(ctx)
	if err != nil {
		return err
	}
	x := &stack.Execution{Engine: r.engine, Progress: r.progress(p.Project), WaitTimeout: r.o.Wait, Check: r.checkHealth(m)}
	_, err = x.Run(ctx, p)
	if o := (*stack.OpError)(nil); errors.As(err, &o) && o.Op.Verb == stack.Start {
		return &runtime.StartError{Server: serverOf(p.Project, o.Op.Name), Reason: o.Err.Error(), Err: err}
	}
	if u := (*stack.UnwellError)(nil); errors.As(err, &u) {
		return &runtime.StartError{Server: u.Service, Reason: u.What, Log: u.Log, Err: err}
	}
	return err
}

// progress passes on what a plan does, for what it does it to: a container is
// its server.
func (r *Runtime) progress(project string) stack.Progress {
	return func(e stack.Event) {
		r.tell(runtime.Event{
			Server: serverOf(project, e.Op.Name), Action: string(e.Op.Verb), Detail: e.Op.Cause,
			Done: e.Stage == stack.Done, Err: e.Err, Operation: true,
		})
	}
}

// serverOf reads the server's name off its container's, which may be waiting for
// the place of another one: 0123456789ab_p-etcd1-1.
func serverOf(project, container string) string {
	name := container
	if id, rest, ok := strings.Cut(name, "_"); ok && len(id) == 12 {
		name = rest
	}
	server, ok := strings.CutPrefix(name, project+"-")
	server, one := strings.CutSuffix(server, "-1")
	if !ok || !one {
		return container
	}
	return server
}
