package hosts

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"time"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/internal/gitignore"
	"github.com/etcdctr/etcdctr/internal/lockfile"
	"github.com/etcdctr/etcdctr/runtime"
)

// Name is what this runtime is called.
const Name = "hosts"

// RunThere is the action of an Event that says, in its Detail, what somebody has to
// run on a server's machine.
const RunThere = "run on its machine"

// Options say about which cluster a Runtime is, and what it works with.
type Options struct {
	// Spec is of the one cluster that there is, whose members have hosts.
	Spec cluster.Spec
	// Folder is where it is described.
	Folder string
	// Output is the folder of the archives, and of the note of what was handed
	// over.
	Output string
	// TLS is what the members' administrator connects with; nil for plain text.
	TLS func(mode cluster.TLSMode) (*tls.Config, error)
	// Pack gives the archive of one member's machine.
	Pack func(ctx context.Context, c *cluster.Cluster, member string) ([]byte, error)
	// Runs gives what of that a member is started by: what is packed besides, such as
	// certificates, is another without it being started anew.
	Runs func(ctx context.Context, c *cluster.Cluster, member string) ([]byte, error)
	// Shows gives the certificate, as DER, that a member is to show to its clients; nil
	// where there is none.
	Shows func(member string) ([]byte, error)
	// Dial connects to the machines; nil stands for the system's.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Patience is how long somebody is waited for who is to stop servers; 0 for as long
	// as it takes.
	Patience time.Duration
	// Events is told what is to be run where; nil is not called.
	Events func(runtime.Event)
}

// Runtime is the members of one cluster on their machines.
type Runtime struct {
	o Options
	// emptied are servers whose data somebody was asked to put away.
	emptied  map[string]bool
	reminder time.Duration
}

var (
	_ runtime.Runtime = (*Runtime)(nil)
	_ runtime.Seer    = (*Runtime)(nil)
	_ runtime.Handed  = (*Runtime)(nil)

	_ runtime.CopyTeller = (*Runtime)(nil)
)

// New makes a Runtime. It asks nobody yet.
func New(o Options) *Runtime {
	if o.Dial == nil {
		o.Dial = (&net.Dialer{Timeout: time.Second}).DialContext
	}
	if o.Events == nil {
		o.Events = func(runtime.Event) {}
	}
	return &Runtime{o: o, emptied: map[string]bool{}, reminder: usualReminder}
}

// Name is "hosts".
func (*Runtime) Name() string { return Name }

// HandsFiles is true: an archive brings them to each machine.
func (*Runtime) HandsFiles() bool { return true }

// SeesData is false: what a machine has is seen by whoever is there.
func (*Runtime) SeesData() bool { return false }

// Place resolves spec: where members are is what it says.
func (*Runtime) Place(_ context.Context, spec cluster.Spec) (*cluster.Cluster, error) {
	return cluster.Resolve(spec, cluster.InContainers)
}

// List observes the one cluster.
func (r *Runtime) List(ctx context.Context) ([]runtime.State, error) {
	have, err := r.Observe(ctx, r.o.Spec.ClusterName())
	switch {
	case errors.Is(err, runtime.ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return []runtime.State{*have}, nil
}

// Reach leads straight to the machines.
func (r *Runtime) Reach(context.Context, *runtime.State) (runtime.Way, error) {
	return runtime.Way{Dial: r.o.Dial, Direct: true, Close: func() error { return nil }}, nil
}

// Lock keeps other programs that work with the same archives from changing the
// cluster.
func (r *Runtime) Lock(ctx context.Context, name string, waiting func()) (release func() error, err error) {
	if err := gitignore.MkdirAll(r.o.Output, 0o755); err != nil {
		return nil, err
	}
	dir := filepath.Join(r.o.Output, "."+filepath.Base(filepath.Clean("/"+name)))
	release, err = lockfile.AcquireTelling(ctx, dir, waiting)
	if err != nil && ctx.Err() == nil {
		err = fmt.Errorf("cannot keep other commands from changing %s: %w", name, err)
	}
	return release, err
}

// ErrOnMachines is the error of what only somebody at the machines can do.
var ErrOnMachines = runtime.ErrElsewhere

// Logs are on the machines: the error says what shows them there.
func (r *Runtime) Logs(ctx context.Context, name string, o runtime.LogOptions, _ func(runtime.Line)) error {
	have, err := r.Observe(ctx, name)
	if err != nil {
		return err
	}
	chosen, err := choose(have, o.Servers)
	if err != nil {
		return err
	}
	command := "docker compose logs"
	if o.Follow {
		command += " --follow"
	}
	if o.Tail >= 0 {
		command += fmt.Sprintf(" --tail %d", o.Tail)
	}
	err = fmt.Errorf("the logs of %s: %w", name, ErrOnMachines)
	for _, s := range chosen {
		err = fmt.Errorf("%w\n%s%s", err, at(have.Name, s), command)
	}
	return err
}

// Prepare has nothing to get: what a machine needs is in its archive.
func (*Runtime) Prepare(context.Context, *cluster.Cluster, ...string) error { return nil }

// listens tells whether anybody takes connections at a client URL.
func (r *Runtime) listens(ctx context.Context, clientURL string) bool {
	u, err := url.Parse(clientURL)
	if err != nil {
		return false
	}
	conn, err := r.o.Dial(ctx, "tcp", u.Host)
	if err != nil {
		return false
	}
	conn.Close()
	return true
}
