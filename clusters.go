package etcdctr

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"time"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/runtime"
)

// Options are what Clusters work with.
type Options struct {
	// Folder is where clusters are described: what belongs to them and is not on
	// a runtime is kept below it.
	Folder string
	// CertsDir is the folder of the certificates of clusters whose Spec names
	// none; empty stands for certs in Folder.
	CertsDir string
	// Runtimes are those that there are. Where a Spec leaves it open, the first
	// that can be used here runs the members. A cluster is looked for from the
	// last to the first: the ones that take the least asking belong there.
	Runtimes []runtime.Runtime
	// Adopt gives a runtime that has, besides the members of its own clusters,
	// those that a Spec's key adopts names; nil for a runtime that can have none of
	// them. Where Adopt is nil, such a Spec is refused.
	Adopt func(r runtime.Runtime, adopts string) (runtime.Runtime, error)
	// Revived tells which of the members that a Spec's key adopts has named run, once
	// they were adopted; nil where nobody knows.
	Revived func(ctx context.Context, adopts string) ([]Revived, error)
	// Provided says that what members need besides what runs them is there:
	// nothing of that is made.
	Provided bool
	// StepsDir is a folder where the steps of changes are written down as they are
	// taken; empty for nowhere. StepsOf tells clusters of one name apart that a runtime
	// may have several of.
	StepsDir string
	StepsOf  func(runtime.Runtime) string
	// PlacesDir is a folder of Folder's own where it is kept which runtimes have its
	// clusters; empty for nowhere.
	PlacesDir string
	// Events are told what is done, one at a time; may be nil.
	Events func(Event)
	// Now is the clock, and Random where keys come from; nil stands for the
	// system's.
	Now    func() time.Time
	Random io.Reader
}

// Clusters are the clusters of a folder.
type Clusters struct{ o Options }

// New gives the clusters of a folder.
func New(o Options) *Clusters {
	if o.Folder == "" {
		o.Folder = "."
	}
	if o.CertsDir == "" {
		o.CertsDir = filepath.Join(o.Folder, "certs")
	}
	if o.Events == nil {
		o.Events = func(Event) {}
	}
	if o.StepsOf == nil {
		o.StepsOf = runtime.Runtime.Name
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Random == nil {
		o.Random = rand.Reader
	}
	return &Clusters{o: o}
}

// Cluster is one cluster: what is wanted of it, and what runs it.
type Cluster struct {
	o       Options
	runtime runtime.Runtime
	asked   cluster.Spec // what was asked for, without what is recalled
	spec    cluster.Spec
	have    *runtime.State  // as it was found; nil for nothing
	served  bool            // before what is made of it
	another bool            // what answers is not what was noted where it has served
	emptied error           // see Emptied
	renamed *OtherNameError // see OtherName
	// restored is the ID of the restoration that judgeSeen has come upon; empty for none.
	restored string

	// Recalled are the keys that the Spec does not have and that the cluster was
	// started with: see cluster.Spec.Recall.
	Recalled []string
}

// Describe gives a cluster as its Spec describes it, whatever runs of it: what it
// needs can be provided, for files that others start it by.
func (cs *Clusters) Describe(spec cluster.Spec) *Cluster {
	return &Cluster{o: cs.o, asked: spec, spec: spec}
}

// OtherRuntimeError is the error of a cluster that is to be run by another
// runtime than the one that it is on.
type OtherRuntimeError struct{ Name, Has, Want string }

func (e *OtherRuntimeError) Error() string {
	return fmt.Sprintf("%s is on the runtime %s, and %s is asked for", e.Name, e.Has, e.Want)
}

// Find finds the runtime that has a cluster, or the one that is to have it. What
// the spec leaves open is as the cluster was started, the name too where just one was
// started in this folder.
func (cs *Clusters) Find(ctx context.Context, spec cluster.Spec) (*Cluster, error) {
	c := &Cluster{o: cs.o, asked: spec, spec: spec}
	want := cluster.Runtime(spec.Runtime)
	var err error
	if c.o.Runtimes, err = cs.adopting(spec); err != nil {
		return nil, err
	}
	away := map[string]error{}
	var asked []runtime.Runtime // that could be
	var all []placedState
	var other error
	for _, r := range slices.Backward(c.o.Runtimes) {
		have, err := r.Observe(ctx, spec.ClusterName())
		switch {
		case err == nil && len(have.Servers) > 0 && !accepts(want, r.Name()):
			other = &OtherRuntimeError{Name: have.Name, Has: r.Name(), Want: spec.Runtime}
		case err == nil && len(have.Servers) > 0:
			all = append(all, placedState{r, have})
		case errors.Is(err, runtime.ErrUnavailable) || err != nil && (len(all) > 0 || !accepts(want, r.Name())):
			away[r.Name()] = err
		case err != nil && !errors.Is(err, runtime.ErrNotFound):
			if name := cs.of(asked).soleHere(ctx, spec); name != "" && ctx.Err() == nil {
				spec.Name = name // it needs nothing of the one that can't be asked
				return cs.Find(ctx, spec)
			}
			return nil, err
		default:
			asked = append(asked, r)
		}
		if string(want) == r.Name() || len(all) > 0 && !cs.elsewhereToo(spec.ClusterName(), r.Name()) {
			break // whatever another one has of this name is not meant
		}
	}
	if len(all) > 0 {
		one, err := cs.theOne(spec.ClusterName(), want, all, away)
		if err != nil {
			return nil, err
		}
		c.runtime, c.have = one.runtime, one.have
		c.spec, c.Recalled = cs.recall(spec, c.have)
		return c, nil
	}
	if other != nil {
		return nil, other
	}
	if name := cs.soleHere(ctx, spec); name != "" {
		spec.Name = name
		return cs.Find(ctx, spec)
	}
	if away := cs.silent(spec.ClusterName(), want, away); len(away) > 0 {
		return nil, away[0]
	}
	c.renamed = cs.otherName(ctx, spec)
	return c, c.chooseAnew(ctx, want, away)
}

// certsKey is the key of the folder of a cluster's certificates.
const certsKey = "certs-dir"

// recall completes a spec with what flags gave when its cluster was started. A folder of
// certificates that is not there was given elsewhere, maybe on another machine, where the
// cluster was not started here, or where there is the one of here: then it is that.
func (cs *Clusters) recall(spec cluster.Spec, have *runtime.State) (cluster.Spec, []string) {
	full, keys := spec.Recall(have.Wish)
	elsewhere := !have.StartedIn(cs.o.Folder) || exists(cs.o.CertsDir)
	if slices.Contains(keys, certsKey) && elsewhere && !exists(full.CertsDir) {
		return spec.RecallBut(have.Wish, certsKey)
	}
	return full, keys
}

// of are the clusters of some of the runtimes.
func (cs *Clusters) of(runtimes []runtime.Runtime) *Clusters {
	some := *cs
	some.o.Runtimes = runtimes
	return &some
}

// soleHere is the name of the one cluster that was started in this folder, where none
// is named; empty otherwise.
func (cs *Clusters) soleHere(ctx context.Context, spec cluster.Spec) string {
	if spec.Name != "" || cs.o.Provided {
		return ""
	}
	names := cs.namesHere(ctx, spec.ClusterName(), cluster.Runtime(spec.Runtime))
	if len(names) != 1 {
		return ""
	}
	return names[0]
}

// namesHere are the names of the clusters that were started in this folder and are, or may be,
// there. Of but is known what its runtimes have.
func (cs *Clusters) namesHere(ctx context.Context, but string, want cluster.Runtime) []string {
	var names []string
	all, _ := cs.List(ctx) // what can't be asked has none
	for _, s := range all {
		if s.StartedIn(cs.o.Folder) && len(s.Servers) > 0 && accepts(want, s.Runtime) {
			names = append(names, s.Name)
		}
	}
	for _, name := range cs.o.placedHere() {
		if name != but && cs.mayBeThere(ctx, name, want) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// mayBeThere tells whether a runtime that has had a cluster still has something of it,
// or can't be asked.
func (cs *Clusters) mayBeThere(ctx context.Context, name string, want cluster.Runtime) bool {
	placed := cs.o.placed(name)
	return slices.ContainsFunc(cs.o.Runtimes, func(r runtime.Runtime) bool {
		if !slices.Contains(placed, r.Name()) || !accepts(want, r.Name()) {
			return false
		}
		have, err := r.Observe(ctx, name)
		return err == nil && len(have.Servers) > 0 || errors.Is(err, runtime.ErrUnavailable)
	})
}

// ErrAdopts is the error of a Spec that adopts members, where nothing can.
var ErrAdopts = errors.New("adopts: members that something else has started can't be adopted here")

// adopting are the runtimes for a Spec, each with the members that it adopts.
func (cs *Clusters) adopting(spec cluster.Spec) ([]runtime.Runtime, error) {
	if spec.Adopts == "" {
		return cs.o.Runtimes, nil
	}
	if cs.o.Adopt == nil {
		return nil, ErrAdopts
	}
	var all []runtime.Runtime
	for _, r := range cs.o.Runtimes {
		if !accepts(cluster.Runtime(spec.Runtime), r.Name()) {
			continue
		}
		both, err := cs.o.Adopt(r, spec.Adopts)
		if err != nil {
			return nil, err
		}
		if both != nil {
			all = append(all, both)
		}
	}
	return all, nil
}

// choose takes the first runtime that may have a cluster which none has yet.
// What others wanted and cannot be used are away for is told as a Warning.
func (c *Cluster) choose(want cluster.Runtime, away map[string]error) error {
	var first error
	for _, r := range c.o.Runtimes {
		if !accepts(want, r.Name()) {
			continue
		}
		if err := away[r.Name()]; err != nil {
			if first == nil {
				first = err
			}
			continue
		}
		if first != nil {
			c.o.Events(Event{Instead: r.Name(), Warning: first})
		}
		c.runtime = r
		return nil
	}
	return nobody(c.o.Runtimes, want, first)
}

// accepts tells whether the runtime of a name will do.
func accepts(want cluster.Runtime, name string) bool {
	return want == "" || want == cluster.AnyRuntime || string(want) == name
}

// nobody is the error of having no runtime, for what the best of them has said.
func nobody(runtimes []runtime.Runtime, want cluster.Runtime, err error) error {
	if err != nil {
		return err
	}
	names := make([]string, len(runtimes))
	for i, r := range runtimes {
		names[i] = r.Name()
	}
	return fmt.Errorf("runtime: %q is none of %v: %w", want, names, runtime.ErrUnavailable)
}

// List observes the clusters of all runtimes that can be used here, in their
// order. What keeps a runtime from being asked is joined to the error, once where
// several can't be asked for the same reason, and the others are given all the same.
func (cs *Clusters) List(ctx context.Context) ([]runtime.State, error) {
	var all []runtime.State
	var errs []error
	for _, r := range cs.o.Runtimes {
		some, err := r.List(ctx)
		all = append(all, some...)
		if err != nil && !errors.Is(errors.Join(errs...), err) {
			errs = append(errs, err)
		}
	}
	return all, errors.Join(errs...)
}

// ListHere is List, with those clusters of the folder that nothing on a runtime tells of
// unless it is asked for them by name: of what Docker Compose has taken down there is data,
// and no word of whose. They are those that are noted in the folder, and those of names.
func (cs *Clusters) ListHere(ctx context.Context, names ...string) ([]runtime.State, error) {
	all, err := cs.List(ctx)
	errs := []error{err}
	names = slices.Concat(names, cs.o.placedHere())
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		for _, r := range cs.o.Runtimes {
			if slices.ContainsFunc(all, func(s runtime.State) bool { return s.Name == name && s.Runtime == r.Name() }) {
				continue
			}
			have, err := r.Observe(ctx, name)
			switch {
			case errors.Is(err, runtime.ErrNotFound), errors.Is(err, runtime.ErrUnavailable): // of which List tells
			case err != nil && !errors.Is(errors.Join(errs...), err):
				errs = append(errs, err)
			case err == nil && len(have.Members()) > 0:
				here := *have
				here.Folder = cmp.Or(here.Folder, cs.o.Folder)
				all = append(all, here)
			}
		}
	}
	return all, errors.Join(errs...)
}

// Spec is what is wanted, with what was recalled.
func (c *Cluster) Spec() cluster.Spec { return c.spec }

// Runtime is what runs the cluster.
func (c *Cluster) Runtime() runtime.Runtime { return c.runtime }

// StartedHere tells whether it is known that what was found was started in the folder.
func (c *Cluster) StartedHere() bool { return c.have.StartedIn(c.o.Folder) }

// AsFound is what there was when it was found; nil for nothing.
func (c *Cluster) AsFound() *runtime.State { return c.have }

// Observe tells what there is now; runtime.ErrNotFound for nothing.
func (c *Cluster) Observe(ctx context.Context) (*runtime.State, error) {
	have, err := c.runtime.Observe(ctx, c.spec.ClusterName())
	if err == nil && len(have.Servers) == 0 {
		err = &runtime.NotFoundError{Name: have.Name}
	}
	if c.renamed != nil && errors.Is(err, runtime.ErrNotFound) {
		err = c.renamed
	}
	return have, err
}

// Want is the cluster that the spec asks for, placed on its runtime. Members
// that were started before are as they were started: see
// cluster.Cluster.AsStarted.
func (c *Cluster) Want(ctx context.Context) (*cluster.Cluster, error) {
	spec, err := c.Complete()
	if err != nil {
		return nil, err
	}
	want, err := c.runtime.Place(ctx, spec)
	if err != nil {
		return nil, err
	}
	return want.AsStarted(c.have.Started()), nil
}

// CertsDir is the folder of the cluster's certificates: the one that its Spec
// names, else the one that its members were given here. A cluster that was started
// in another folder and has the same name is not known by its certificates.
func (c *Cluster) CertsDir() string {
	switch {
	case c.spec.CertsDir != "":
		return c.spec.CertsDir
	case c.have != nil && c.have.CertsDir != "" && c.have.StartedIn(c.o.Folder):
		return c.have.CertsDir
	}
	return c.o.CertsDir
}

// Complete gives the spec with the folder of its certificates and, for a
// cluster with a discovery service of its own, the token that is kept for it.
func (c *Cluster) Complete() (cluster.Spec, error) {
	spec := c.spec
	if dir := c.CertsDir(); dir != c.o.CertsDir {
		spec.CertsDir = dir
	}
	if !spec.WantsFreshToken() {
		return spec, nil
	}
	var err error
	spec.DiscoveryToken, err = c.token()
	return spec, err
}

// running are the members that could be asked.
func running(have *runtime.State) []runtime.Server {
	return slices.DeleteFunc(have.Members(), func(s runtime.Server) bool { return !s.Runs() })
}
