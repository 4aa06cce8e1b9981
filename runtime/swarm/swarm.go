package swarm

import (
	"context"
	"sync"
	"time"

	"github.com/moby/moby/client"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/runtime"
	"github.com/etcdctr/etcdctr/stack"
)

// Name is the word for this runtime in the cluster file's key runtime.
const Name = string(cluster.Swarm)

// Engine is what the Docker Engine of a manager is asked for; *client.Client is one.
type Engine interface {
	stack.Engine
	stack.TunnelEngine
	stack.Locatable
	Ping(ctx context.Context, o client.PingOptions) (client.PingResult, error)
	ContainerInspect(ctx context.Context, container string, o client.ContainerInspectOptions) (client.ContainerInspectResult, error)
	ContainerStatPath(ctx context.Context, container string, o client.ContainerStatPathOptions) (client.ContainerStatPathResult, error)
	VolumeInspect(ctx context.Context, volume string, o client.VolumeInspectOptions) (client.VolumeInspectResult, error)
	NodeList(ctx context.Context, o client.NodeListOptions) (client.NodeListResult, error)
	services
	objects
}

type services interface {
	ServiceCreate(ctx context.Context, o client.ServiceCreateOptions) (client.ServiceCreateResult, error)
	ServiceInspect(ctx context.Context, service string, o client.ServiceInspectOptions) (client.ServiceInspectResult, error)
	ServiceList(ctx context.Context, o client.ServiceListOptions) (client.ServiceListResult, error)
	ServiceUpdate(ctx context.Context, service string, o client.ServiceUpdateOptions) (client.ServiceUpdateResult, error)
	ServiceRemove(ctx context.Context, service string, o client.ServiceRemoveOptions) (client.ServiceRemoveResult, error)
	TaskList(ctx context.Context, o client.TaskListOptions) (client.TaskListResult, error)
	TaskLogs(ctx context.Context, task string, o client.TaskLogsOptions) (client.TaskLogsResult, error)
}

type objects interface {
	SecretCreate(ctx context.Context, o client.SecretCreateOptions) (client.SecretCreateResult, error)
	SecretList(ctx context.Context, o client.SecretListOptions) (client.SecretListResult, error)
	SecretRemove(ctx context.Context, secret string, o client.SecretRemoveOptions) (client.SecretRemoveResult, error)
	ConfigCreate(ctx context.Context, o client.ConfigCreateOptions) (client.ConfigCreateResult, error)
	ConfigList(ctx context.Context, o client.ConfigListOptions) (client.ConfigListResult, error)
	ConfigUpdate(ctx context.Context, config string, o client.ConfigUpdateOptions) (client.ConfigUpdateResult, error)
	ConfigRemove(ctx context.Context, config string, o client.ConfigRemoveOptions) (client.ConfigRemoveResult, error)
}

// Options say where a Runtime works and with what.
type Options struct {
	Engine Engine // of a manager
	At     string // where that is, for messages
	// Answers makes sure that the engine answers; nil: it does.
	Answers func(context.Context) error
	// Folder is where the cluster is described, as an absolute path.
	Folder string
	// CertsDir holds the certificates of clusters whose Spec names no folder.
	CertsDir string
	// LockDir holds the locks that keep commands of one user apart.
	LockDir string
	// GetImage has the engine get an image that it does not have.
	GetImage func(ctx context.Context, ref string) error
	// AskRelease completes a Spec by what its image says of itself; nil: nobody asks.
	AskRelease Complete
	// OwnImage gives the image of this program on the engine, and puts it there.
	OwnImage func(ctx context.Context) (string, error)
	// Relay is the command in it that carries connections.
	Relay []string
	// Auth gives what a registry is shown for an image, encoded as the engine wants
	// it; nil shows nothing.
	Auth func(ref string) (string, error)
	// Beside is what may be on the members' network without being of the cluster, as
	// Expose calls it.
	Beside []string
	// Wait bounds each wait for Swarm; 0 stands for DefaultWait.
	Wait time.Duration
	// Now is the clock; nil stands for time.Now.
	Now func() time.Time
	// Events is told of what is done; nil is not called.
	Events func(runtime.Event)
}

// DefaultWait is how long Swarm may take to bring a task to run.
const DefaultWait = time.Minute

// Runtime runs clusters on one swarm.
type Runtime struct {
	o      Options
	engine Engine

	mu         sync.Mutex
	joined     *membership         // nil: nobody has asked
	left       map[string][]string // volumes that were not deleted, by node
	noting     sync.Mutex          // held while a note is read and written
	connecting sync.Mutex          // held while it is looked for a network and made
}

var (
	_ runtime.Runtime = (*Runtime)(nil)
	_ runtime.Execer  = (*Runtime)(nil)
	_ runtime.Noter   = (*Runtime)(nil)

	_ runtime.DataNoter = (*Runtime)(nil)
	_ runtime.Exposer   = (*Runtime)(nil)
	_ runtime.Keeper    = (*Runtime)(nil)
	_ runtime.Leaver    = (*Runtime)(nil)
)

// New makes a Runtime. It asks the engine nothing yet.
func New(o Options) *Runtime {
	if o.Wait == 0 {
		o.Wait = DefaultWait
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Runtime{o: o, engine: o.Engine}
}

// Name is "swarm".
func (*Runtime) Name() string { return Name }

// KeepsFiles says that files are configs and secrets, which never change.
func (*Runtime) KeepsFiles() bool { return true }

// doing tells that something is done to a server, and gives what tells that it is.
// Without a detail it is an operation like many.
func (r *Runtime) doing(server, action, detail string) (done func()) {
	e := runtime.Event{Server: server, Action: action, Detail: detail, Operation: detail == ""}
	r.tell(e)
	return func() {
		e.Done = true
		r.tell(e)
	}
}

func (r *Runtime) tell(e runtime.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.o.Events != nil {
		r.o.Events(e)
	}
}
