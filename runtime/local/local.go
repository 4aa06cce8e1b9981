package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/internal/lockfile"
	"github.com/etcdctr/etcdctr/process"
	"github.com/etcdctr/etcdctr/runtime"
)

// Options are what a Runtime works with.
type Options struct {
	// Folder holds a folder for each cluster.
	Folder string
	// CertsDir is the folder of the members' certificates where a Spec names
	// none.
	CertsDir string
	// Carried is the etcd that members run unless a Spec names another; without
	// one, each Spec has to.
	Carried *Program
	// Self is this program's file, which is also the supervisor and what else
	// Programs has; needed unless there is Foreground.
	Self string
	// Environ is what processes inherit of, as os.Environ gives it.
	Environ []string
	// Further is how far from etcd's usual ports members are placed that have none
	// of their own, by their cluster's name or else. Programs that stop clusters and start them again while others
	// start theirs, such as tests, keep out of each other's way by it.
	Further int
	// LockDir is locked by programs of one user that start members for the first time,
	// so that no two take the same ports for free; empty: nothing is.
	LockDir string
	// Now is the clock; nil stands for the system's.
	Now func() time.Time
	// Events are told what is done; may be nil.
	Events func(runtime.Event)
	// Foreground keeps the members in this process: they end with it.
	Foreground *Foreground
}

// Program is an etcd.
type Program struct {
	Path    string // it is etcd when it is called by that name
	Version cluster.Version
}

// Runtime runs members as processes. It is a runtime.Runtime.
type Runtime struct {
	o        Options
	versions versions
	lent     sync.Map // by cluster, the data directories by server: see remember
}

var (
	_ runtime.Runtime = (*Runtime)(nil)
	_ runtime.Sizer   = (*Runtime)(nil)
	_ runtime.Noter   = (*Runtime)(nil)
)

// New gives a runtime.
func New(o Options) *Runtime {
	if o.Events == nil {
		o.Events = func(runtime.Event) {}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Runtime{o: o}
}

// Name is process.
func (*Runtime) Name() string { return string(cluster.Process) }

// home is the folder of the cluster of that name, which may not have been
// checked yet: it stays within Options.Folder.
func (r *Runtime) home(name string) process.Home {
	return process.Home{Dir: filepath.Join(r.o.Folder, filepath.Base(filepath.Clean("/"+name)))}
}

// Home is the folder of a cluster.
func (r *Runtime) Home(name string) string { return r.home(name).Dir }

// locks are beside the clusters' folders: these come and go while one is held.
const locks = ".locks"

// Lock keeps other programs of this machine from changing the cluster.
func (r *Runtime) Lock(ctx context.Context, name string, waiting func()) (release func() error, err error) {
	dir := filepath.Join(r.o.Folder, locks, filepath.Base(r.home(name).Dir))
	release, err = lockfile.AcquireTelling(ctx, dir, waiting)
	if err != nil && ctx.Err() == nil {
		err = fmt.Errorf("cannot keep other commands from changing %s: %w", name, err)
	}
	return release, err
}

// List observes the clusters of the folder.
func (r *Runtime) List(ctx context.Context) ([]runtime.State, error) {
	entries, err := os.ReadDir(r.o.Folder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("cannot look for the clusters of %s: %w", r.o.Folder, err)
	}
	var all []runtime.State
	for _, e := range entries {
		if !e.IsDir() || e.Name() == locks {
			continue
		}
		s, err := r.Observe(ctx, e.Name())
		if errors.Is(err, runtime.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		all = append(all, *s)
	}
	return all, nil
}

// supervisor is how this program is called to look after a cluster.
func (r *Runtime) supervisor() *exec.Cmd {
	cmd := exec.Command(r.o.Self)
	cmd.Args = []string{supervisorProgram}
	return cmd
}
