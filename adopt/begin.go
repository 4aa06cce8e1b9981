package adopt

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/internal/outfile"
)

// This file is the way from what somebody calls an etcd to an Adoption of it, and what
// becomes of the file that describes the cluster.

// Beginning says what is to be adopted.
type Beginning struct {
	// Clusters are those of the folder where the cluster is described.
	Clusters *etcdctr.Clusters
	// Foreign gives the members that the key adopts of a description names: see
	// runtimes.Runtimes.
	Foreign func(adopts string) Foreign
	// Spec is what is said of the cluster, by its file and otherwise.
	Spec cluster.Spec
	// Sources are what somebody calls what is to be adopted, where the Spec does not
	// name it: see Source.
	Sources []string
	// File is the cluster file. Where there is none yet, members are described as they
	// are, and Adoption.Do writes that.
	File string
	// Carried is the release whose image is made here where it can't be had: see
	// Containers.ChooseImage. With the zero Version the official one is pulled.
	Carried cluster.Version
}

// ErrNoSource is the error of adopting what nobody names.
var ErrNoSource = errors.New("nothing says what is to be adopted")

// Named gives the Spec with what is to be adopted.
func (b Beginning) Named() (cluster.Spec, error) {
	spec := b.Spec
	var names []string
	for _, source := range b.Sources {
		some, err := Source(source)
		if err != nil {
			return spec, &etcdctr.InputError{Err: err}
		}
		names = append(names, some...)
	}
	switch named := strings.Join(names, ","); {
	case named == "" && spec.Adopts == "":
		return spec, ErrNoSource
	case named != "" && spec.Adopts != "" && named != spec.Adopts:
		return spec, &etcdctr.InputError{Err: fmt.Errorf("%s adopts %s, not %s: leave the argument out, or name another file with -f", b.File, spec.Adopts, named)}
	case named != "":
		spec.Adopts = named
	}
	return spec, nil
}

// Begin looks for the members, describes them where no file does, and finds the cluster
// that is to take over. It changes nothing: see Adoption.Plan and Adoption.Do.
func Begin(ctx context.Context, b Beginning) (*Adoption, error) {
	spec, err := b.Named()
	if err != nil {
		return nil, err
	}
	foreign := b.Foreign(spec.Adopts)
	s, err := foreign.Look(ctx)
	if err != nil {
		return nil, err
	}
	a := &Adoption{File: b.File}
	if _, err := os.Stat(b.File); errors.Is(err, fs.ErrNotExist) {
		if a.Description, err = describe(ctx, foreign, s, spec, b.Carried); err != nil {
			return nil, err
		}
		if spec, err = cluster.Load(b.File, []byte(a.Description.Text())); err != nil {
			return nil, err
		}
	}
	a.Cluster, err = b.Clusters.Find(ctx, spec)
	return a, err
}

// describe is Describe with an image that is there, unless all are to be pulled.
func describe(ctx context.Context, foreign Foreign, s *Stack, spec cluster.Spec, carried cluster.Version) (*Description, error) {
	askReleases(ctx, foreign, s)
	d, err := Describe(s, spec)
	if err != nil {
		return nil, err
	}
	if onEngine, ok := foreign.(*Containers); ok && carried != (cluster.Version{}) {
		err = onEngine.ChooseImage(ctx, s, &d, carried)
	}
	return &d, err
}

// Retired looks for members that were adopted and are kept; ErrNotAdopted if any is
// still to be.
func (b Beginning) Retired(ctx context.Context) (*Stack, error) {
	spec, err := b.Named()
	if err != nil {
		return nil, err
	}
	s, err := b.Foreign(spec.Adopts).Look(ctx)
	if err == nil && !s.Retired() {
		err = fmt.Errorf("%s: %w", s.Name, ErrNotAdopted)
	}
	return s, err
}

// Forget removes them, and tells what is left of them: see Forget.
func (b Beginning) Forget(ctx context.Context) ([]string, error) {
	spec, err := b.Named()
	if err != nil {
		return nil, err
	}
	var inUse []string
	for _, m := range spec.Members.List {
		inUse = append(inUse, m.Data)
	}
	return Forget(ctx, b.Foreign(spec.Adopts), inUse...)
}

// write writes the description, where no file has it.
func (a *Adoption) write() error {
	if a.Description == nil || a.File == "" {
		return nil
	}
	if err := outfile.Write(a.File, []byte(a.Description.Text()), 0o644); err != nil {
		return fmt.Errorf("cannot write the cluster file: %w", err)
	}
	a.doing("%s describes it", a.File)
	return nil
}

// Settle ends what has adopted members, whoever was the last to bring it on: nothing is
// left to adopt, what was stopped stays so, and the cluster file has no line about it
// any more. It tells which lines it has taken out; none where there is more to adopt.
func Settle(ctx context.Context, c *etcdctr.Cluster, file string) ([]string, error) {
	r, ok := c.Runtime().(*Runtime)
	if !ok {
		return nil, nil
	}
	name := c.Spec().ClusterName()
	now, err := r.look(ctx, name)
	if err != nil || len(now.left) > 0 {
		return nil, err
	}
	if err := r.settle(ctx, name); err != nil {
		return nil, err
	}
	if now.stack != nil {
		if err := errors.Join(c.NoteAdopted(c.Spec().Adopts), c.NoteBrought(now.stack.neighborNames()...)); err != nil {
			return nil, err
		}
	}
	want, err := c.Want(ctx)
	if err != nil {
		return nil, err
	}
	return strike(file, want)
}

// FindSettled finds a cluster, and ends what has adopted its members before: once their
// data is gone, what was kept of them would count as what is still to be adopted. It tells
// which lines of the cluster file are gone, as Settle does.
func FindSettled(ctx context.Context, cs *etcdctr.Clusters, spec cluster.Spec, file string) (*etcdctr.Cluster, []string, error) {
	c, err := cs.Find(ctx, spec)
	if err != nil {
		return nil, nil, err
	}
	struck, err := Settle(ctx, c, file)
	if err != nil || len(struck) == 0 {
		return c, nil, err
	}
	spec.Adopts = ""
	if slices.Contains(struck, "tls") {
		spec.TLS = ""
	}
	c, err = cs.Find(ctx, spec)
	return c, struck, err
}

// strike takes the lines out of a cluster file that are about what was adopted.
func strike(file string, want *cluster.Cluster) ([]string, error) {
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the cluster file: %w", err)
	}
	left, struck := settled(data, want)
	if len(struck) == 0 {
		return nil, nil
	}
	if err := outfile.Write(file, left, 0o644); err != nil {
		return nil, fmt.Errorf("cannot write the cluster file: %w", err)
	}
	return struck, nil
}

// settled is a cluster file without those lines, and which they are. Besides the key
// adopts that is tls: none in a description of ours: what was said of the old members
// would take from the new ones the TLS that they have.
func settled(file []byte, want *cluster.Cluster) (left []byte, struck []string) {
	ours := strings.HasPrefix(string(file), head)
	left, adopts := Strike(file)
	if !adopts {
		return file, nil
	}
	struck = []string{"adopts"}
	if plain := "tls: " + string(cluster.NoTLS) + "\n"; ours && want.TLS != cluster.NoTLS {
		if before, after, there := strings.Cut("\n"+string(left), "\n"+plain); there {
			left, struck = []byte(strings.TrimPrefix(before+"\n"+after, "\n")), append(struck, "tls")
		}
	}
	return left, struck
}
