package runtimes

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	etcdversion "go.etcd.io/etcd/api/v3/version"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/bundle"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/images"
	"github.com/etcdctr/etcdctr/runtime"
	"github.com/etcdctr/etcdctr/runtime/docker"
	"github.com/etcdctr/etcdctr/runtime/docker/engine"
	"github.com/etcdctr/etcdctr/runtime/fleet"
	"github.com/etcdctr/etcdctr/runtime/hosts"
	"github.com/etcdctr/etcdctr/runtime/local"
	"github.com/etcdctr/etcdctr/runtime/swarm"
)

// Names of what is kept beside the cluster file.
const (
	certsFolder   = "certs"
	ProcessFolder = ".etcdctr"   // the folders of clusters that are processes, and notes of what has clusters
	BundleFolder  = "bundles"    // the archives of machines
	machineNotes  = "machines"   // on which machines members have been
	dnsFolder     = "dns"        // the files of the stack's DNS server
	watchFolder   = "monitoring" // and of its Prometheus
)

// Options say what the runtimes work with. The zero value stands for what this program
// has with it.
type Options struct {
	// Folder is where clusters are described; empty for the current one.
	Folder string
	// Spec is the cluster that is meant, if one is: its members may have machines of
	// their own.
	Spec cluster.Spec
	// File describes the cluster in place of a Spec: see docker.ReadFile.
	File *docker.File

	// Program is this program's file, as it starts etcd and helpers by other names: see
	// local.Programs. Self is what an image of it is packed of. Both have defaults.
	Program string
	Self    images.Source
	// Installed is how machines of members start etcd, where nothing runs it in a
	// container.
	Installed string
	// UserAgent is how it calls itself before an engine.
	UserAgent string
	// CacheDir is where it keeps what can be made again; empty for the user's.
	CacheDir string

	// Pull, Route, Outside and Beside are those of docker.Options, Foreground and Further
	// of local.Options.
	Pull       docker.Pull
	Route      string
	Outside    []string
	Beside     []string
	Foreground *local.Foreground
	// Patience is that of hosts.Options.
	Patience time.Duration
	Further  int

	Wait   time.Duration       // for what a start depends on; 0 stands for a minute
	Now    func() time.Time    // nil stands for time.Now
	Events func(runtime.Event) // may be nil
}

// Runtimes are those of a machine. Close ends what they have open.
type Runtimes struct {
	// All are those that there are, the preferred one first.
	All []runtime.Runtime
	// Engine is this machine's, whether it answers or not; nil where it was not looked
	// for. Warning is what was said when it was found.
	Engine  *engine.Engine
	Warning string

	o      Options
	docker *docker.Runtime // on Engine
	fleet  *fleet.Runtime
}

// Open finds the runtimes, and asks them nothing yet.
func Open(o Options) (*Runtimes, error) {
	r := &Runtimes{o: o}
	if err := r.complete(); err != nil {
		return nil, err
	}
	spec := o.Spec
	kind := cluster.Runtime(spec.Runtime)
	switch open := kind == "" || kind == cluster.AnyRuntime; {
	case spec.HasEngines() && (open || kind == cluster.Docker):
		r.fleet = r.machines()
		r.All = []runtime.Runtime{r.fleet}
		return r, nil
	case spec.SpansMachines() && open:
		r.All = []runtime.Runtime{r.hosts()}
		return r, nil
	}
	var err error
	if r.Engine, err = engine.Find(r.o.UserAgent); err != nil {
		return nil, err
	}
	r.Warning = r.Engine.Warning
	r.docker = r.dockerOn(r.Engine, cluster.Engine{}, r.o.Events)
	r.All = []runtime.Runtime{r.docker, r.swarm(), r.processes()}
	if o.File != nil {
		r.All = []runtime.Runtime{r.docker, r.processes()}
	}
	return r, nil
}

// complete fills in what was not said.
func (r *Runtimes) complete() error {
	var err error
	if r.o.Folder, err = filepath.Abs(r.o.Folder); err != nil {
		return fmt.Errorf("cannot find the current folder: %w", err)
	}
	if r.o.Program == "" {
		if r.o.Program, err = os.Executable(); err != nil {
			return fmt.Errorf("cannot find this program's file: %w", err)
		}
	}
	if r.o.Self == nil {
		r.o.Self = images.Self{File: r.o.Program}
	}
	if r.o.CacheDir == "" {
		if r.o.CacheDir, err = os.UserCacheDir(); err != nil {
			r.o.CacheDir = os.TempDir()
		}
	}
	if r.o.Now == nil {
		r.o.Now = time.Now
	}
	if r.o.Events == nil {
		r.o.Events = func(runtime.Event) {}
	}
	return nil
}

// Close ends what the runtimes have open.
func (r *Runtimes) Close() error {
	var errs []error
	if r.Engine != nil {
		errs = append(errs, r.Engine.Close())
	}
	if r.fleet != nil {
		errs = append(errs, r.fleet.Close())
	}
	return errors.Join(errs...)
}

// Docker is the runtime of this machine's Engine; nil where that was not looked for.
func (r *Runtimes) Docker() *docker.Runtime { return r.docker }

// CarriedEtcd is the release of the etcd that this program is linked with.
func CarriedEtcd() (cluster.Version, error) { return cluster.ParseVersion("v" + etcdversion.Version) }

// CheckCarried tells that the etcd which this program is linked with is of another minor than
// a cluster is to run. Started on its data it would take it to a release that none before
// reads.
func CheckCarried(c *cluster.Cluster) error {
	carried, err := CarriedEtcd()
	if err != nil || carried.Minor == c.Etcd.Minor {
		return err
	}
	return fmt.Errorf("the etcd inside etcdctr is %s, and %s is to run %s: once it has had the data, no 3.%d reads that any more", carried, c.Name, c.Etcd, c.Etcd.Minor)
}

// Clusters gives the clusters of the folder on these runtimes. Of the options Events,
// Now and Random are what is left to be said.
func (r *Runtimes) Clusters(o etcdctr.Options) *etcdctr.Clusters {
	o.Folder, o.Runtimes, o.Provided = r.o.Folder, r.All, r.o.File != nil
	o.Adopt, o.Revived, o.StepsDir, o.StepsOf = r.adopting, r.revived, r.below("steps"), r.placeOf
	o.PlacesDir = filepath.Join(r.o.Folder, ProcessFolder)
	if o.Now == nil {
		o.Now = r.o.Now
	}
	return etcdctr.New(o)
}

// placeOf tells clusters of one name apart: an engine has one of them, as has a swarm, and
// processes and machines are there for each folder.
func (r *Runtimes) placeOf(of runtime.Runtime) string {
	if (of.Name() == docker.Name || of.Name() == swarm.Name) && r.Engine != nil {
		return of.Name() + " " + r.Engine.DaemonHost()
	}
	folder, err := filepath.EvalSymlinks(r.o.Folder) // whatever link led there
	if err != nil {
		folder = r.o.Folder
	}
	return of.Name() + " " + folder
}

// below is a folder for what can be made again.
func (r *Runtimes) below(name string) string { return filepath.Join(r.o.CacheDir, "etcdctr", name) }

func (r *Runtimes) dockerOn(on *engine.Engine, at cluster.Engine, events func(runtime.Event)) *docker.Runtime {
	return docker.New(docker.Options{
		Engine: on, Answers: on.Answers, At: at, Folder: r.o.Folder, CertsDir: certsFolder, DNSDir: dnsFolder, MonitoringDir: watchFolder,
		LockDir: r.below("stacks"), Pull: r.o.Pull, Auth: engine.Credentials, Self: r.o.Self, SelfRelease: "v" + etcdversion.Version,
		Route: r.o.Route, Outside: r.o.Outside, Beside: r.o.Beside, Wait: r.o.Wait, Now: r.o.Now, Events: events, File: r.o.File,
	})
}

// swarm is the one that the engine is a manager of, if it is. What has to be on the
// engine for it comes there as for the engine's own clusters.
func (r *Runtimes) swarm() *swarm.Runtime {
	return swarm.New(swarm.Options{
		Engine: r.Engine, At: r.Engine.DaemonHost(), Answers: r.Engine.Answers, Folder: r.o.Folder, CertsDir: certsFolder, LockDir: r.below("stacks"),
		GetImage: func(ctx context.Context, ref string) error {
			_, err := r.docker.ImageIDs(ctx, []string{ref})
			return err
		},
		AskRelease: r.docker.AskImage, OwnImage: r.docker.OwnImage, Relay: []string{docker.RelayProgram},
		Auth: engine.Credentials, Beside: r.o.Beside, Wait: r.o.Wait, Now: r.o.Now, Events: r.o.Events,
	})
}

func (r *Runtimes) processes() *local.Runtime {
	carried := &local.Program{Path: r.o.Program}
	if v, err := CarriedEtcd(); err == nil { // what is linked is one that is supported
		carried.Version = v
	}
	return local.New(local.Options{
		Folder: filepath.Join(r.o.Folder, ProcessFolder), CertsDir: filepath.Join(r.o.Folder, certsFolder), Self: r.o.Program,
		Carried: carried, Environ: os.Environ(), Now: r.o.Now, Events: r.o.Events, Foreground: r.o.Foreground, Further: r.o.Further,
		LockDir: r.below("starts"),
	})
}

// machines are the members' own, with the engines that they have.
func (r *Runtimes) machines() *fleet.Runtime {
	return fleet.New(fleet.Options{
		Spec: r.o.Spec, Name: docker.Name, Folder: r.o.Folder, Notes: filepath.Join(r.o.Folder, machineNotes), Bundles: filepath.Join(r.o.Folder, BundleFolder), Now: r.o.Now, Events: r.o.Events,
		Open: func(at cluster.Engine, tell func(runtime.Event)) (fleet.Engine, error) {
			on, err := engine.Open(at.At, at.Certs, r.o.UserAgent)
			if err != nil {
				return nil, err
			}
			return &engineThere{r.dockerOn(on, at, tell), on}, nil
		},
	})
}

// engineThere is the engine of another machine.
type engineThere struct {
	*docker.Runtime
	engine *engine.Engine
}

func (e *engineThere) Answers(ctx context.Context) error { return e.engine.Answers(ctx) }
func (e *engineThere) Close() error                      { return e.engine.Close() }

// underSystemd is what the unit in an archive needs that would start another etcd.
func underSystemd(err error) string {
	return err.Error() + "; without containers, its unit takes an ExecStart that names one of these"
}

// hosts are the members' own machines. Their archives are where bundle puts them.
func (r *Runtimes) hosts() runtime.Runtime {
	dir := cmp.Or(r.o.Spec.CertsDir, filepath.Join(r.o.Folder, certsFolder))
	return hosts.New(hosts.Options{
		Spec: r.o.Spec, Folder: r.o.Folder, Output: filepath.Join(r.o.Folder, BundleFolder), Events: r.o.Events, Patience: r.o.Patience,
		TLS: func(mode cluster.TLSMode) (*tls.Config, error) {
			config, err := etcdctr.AdminTLS(mode, dir)
			if errors.Is(err, etcdctr.ErrNoCertificate) {
				return etcdctr.Unverified(), nil // whoever answers is there, and can't be asked more
			}
			return config, err
		},
		Pack: func(ctx context.Context, c *cluster.Cluster, member string) ([]byte, error) {
			if err := CheckCarried(c); err != nil {
				r.o.Events(runtime.Event{Server: member, Action: runtime.Caveat, Detail: underSystemd(err)})
			}
			machine, err := bundle.Of(c, member, dir, r.o.Installed)
			if err != nil {
				return nil, err
			}
			return machine.Archive(ctx)
		},
		Runs: func(ctx context.Context, c *cluster.Cluster, member string) ([]byte, error) {
			machine, err := bundle.Of(c, member, dir, r.o.Installed)
			if err != nil {
				return nil, err
			}
			return machine.Runs(ctx)
		},
		Shows: func(member string) ([]byte, error) { return etcdctr.MemberCertificate(dir, member) },
	})
}
