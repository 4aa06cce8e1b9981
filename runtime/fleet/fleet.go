package fleet

import (
	"cmp"
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/runtime"
)

// Engine is what one machine is asked for.
type Engine interface {
	runtime.Runtime
	runtime.Execer
	runtime.Copier
	runtime.Filler
	runtime.Stager
	runtime.Discarder
	runtime.Exposer
	runtime.Fetcher
	runtime.Noter
	runtime.Sharer
	runtime.CopyTeller
	runtime.Checker
	// Make makes servers that are not there yet, and starts none of them.
	Make(ctx context.Context, want *cluster.Cluster, servers ...string) error
	// AskImage asks the image of a spec for its release, where nothing else tells it.
	AskImage(ctx context.Context, spec cluster.Spec) (cluster.Spec, error)
	// Answers makes sure, whenever it is called, that the engine answers.
	Answers(ctx context.Context) error
	// Close ends what leads to the engine.
	Close() error
}

// Options say about which cluster a Runtime is, and what it works with.
type Options struct {
	// Spec is of the cluster whose members have engines.
	Spec cluster.Spec
	// Name is the word for what runs members on each machine.
	Name string
	// Folder is where the cluster is described.
	Folder string
	// Open gives the way to an engine, which is not asked anything yet. What is done
	// there is told to tell.
	Open func(at cluster.Engine, tell func(runtime.Event)) (Engine, error)
	// Bundles is the folder of the archives of machines, which may have started members before
	// their engines were described; empty for none.
	Bundles string
	// Notes is the folder of the note of where members have been.
	Notes string
	// Patience is how long a machine may take to answer; 0 stands for
	// DefaultPatience.
	Patience time.Duration
	// Dial connects to members; nil stands for the system's.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Now is the clock; nil stands for time.Now.
	Now func() time.Time
	// Events is told of what is done, one at a time; nil is not called.
	Events func(runtime.Event)
}

// DefaultPatience is how long a machine may take to answer: enough for ssh to
// connect to one that is busy.
const DefaultPatience = 8 * time.Second

// dialTimeout is how long a member may take to accept a connection.
const dialTimeout = 2 * time.Second

// Runtime is the members of a cluster on their machines.
type Runtime struct {
	o Options

	telling  sync.Mutex
	mu       sync.Mutex
	machines map[string]*machine // by the way to their engines
}

var (
	_ runtime.Runtime = (*Runtime)(nil)
	_ runtime.Execer  = (*Runtime)(nil)
	_ runtime.Copier  = (*Runtime)(nil)
	_ runtime.Filler  = (*Runtime)(nil)
	_ runtime.Stager  = (*Runtime)(nil)
	_ runtime.Exposer = (*Runtime)(nil)
	_ runtime.Fetcher = (*Runtime)(nil)
	_ runtime.Noter   = (*Runtime)(nil)
	_ runtime.Sharer  = (*Runtime)(nil)

	_ runtime.CopyTeller = (*Runtime)(nil)
	_ runtime.Discarder  = (*Runtime)(nil)
	_ runtime.DataNoter  = (*Runtime)(nil)
)

// New makes a Runtime. It asks nobody yet.
func New(o Options) *Runtime {
	o.Patience = cmp.Or(o.Patience, DefaultPatience)
	if o.Dial == nil {
		o.Dial = (&net.Dialer{Timeout: dialTimeout}).DialContext
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Events == nil {
		o.Events = func(runtime.Event) {}
	}
	return &Runtime{o: o, machines: map[string]*machine{}}
}

// Name is that of what runs members on each machine.
func (r *Runtime) Name() string { return r.o.Name }

// Close ends the ways to all machines.
func (r *Runtime) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var errs []error
	for _, m := range r.machines {
		if m.engine != nil {
			errs = append(errs, m.engine.Close())
		}
	}
	r.machines = map[string]*machine{}
	return errors.Join(errs...)
}

// tell passes on what is done on a machine.
func (r *Runtime) tell(e runtime.Event) {
	r.telling.Lock()
	defer r.telling.Unlock()
	r.o.Events(e)
}

// Place resolves spec: where members are is what it says. The release of an image
// is asked of the first machine that answers.
func (r *Runtime) Place(ctx context.Context, spec cluster.Spec) (*cluster.Cluster, error) {
	if spec.ImageToAsk() != "" {
		var err error
		if spec, err = r.askImage(ctx, spec); err != nil {
			return nil, err
		}
	}
	return cluster.Resolve(spec, cluster.InContainers)
}

func (r *Runtime) askImage(ctx context.Context, spec cluster.Spec) (cluster.Spec, error) {
	for _, ms := range spec.Members.List {
		m, err := r.machine(cluster.Engine{At: ms.Engine, Certs: ms.EngineCerts}, ms.Host)
		if err != nil {
			continue // Resolve says what is wrong with it
		}
		said := spec
		err = m.ask(ctx, ms.Name, func(ctx context.Context) (err error) {
			said, err = m.engine.AskImage(ctx, spec)
			return err
		})
		if away := (*runtime.AwayError)(nil); errors.As(err, &away) {
			continue
		}
		return said, err
	}
	return spec, nil
}

// Reach leads straight to the machines.
func (r *Runtime) Reach(context.Context, *runtime.State) (runtime.Way, error) {
	return runtime.Way{Dial: r.o.Dial, Direct: true, Open: true, Close: func() error { return nil }}, nil
}

// Lock holds the lock of each machine, taken in one order by everybody.
func (r *Runtime) Lock(ctx context.Context, name string, waiting func()) (release func() error, err error) {
	places, err := r.places(ctx)
	if err != nil {
		return nil, err
	}
	var held []func() error
	release = func() error {
		var errs []error
		for _, let := range slices.Backward(held) {
			errs = append(errs, let())
		}
		return errors.Join(errs...)
	}
	var once sync.Once
	tell := func() {
		if waiting != nil {
			once.Do(waiting)
		}
	}
	for _, m := range machinesOf(places) {
		if m.engine == nil {
			continue
		}
		let, err := m.engine.Lock(ctx, name, tell)
		if err != nil {
			return nil, errors.Join(err, release())
		}
		held = append(held, let)
	}
	return release, nil
}

// machinesOf are those of places, in the order of the ways to them.
func machinesOf(places []place) []*machine {
	var all []*machine
	for _, p := range places {
		if !slices.Contains(all, p.machine) {
			all = append(all, p.machine)
		}
	}
	slices.SortFunc(all, func(a, b *machine) int { return strings.Compare(a.at.At, b.at.At) })
	return all
}
