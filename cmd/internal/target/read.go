package target

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/cmd/internal/hints"
	"github.com/etcdctr/etcdctr/cmd/internal/terminal"
	"github.com/etcdctr/etcdctr/files"
)

// This file is what flags and the cluster file say of a cluster, and where its files are.

// Resolve reads the file, lays the flags over it and decides the rest. What
// may surprise is said on the way.
func (f *Flags) Resolve() (*cluster.Cluster, error) {
	return f.ResolveIn(nil)
}

// ResolveIn is Resolve for members that live elsewhere than in containers; nil for
// those in containers.
func (f *Flags) ResolveIn(elsewhere cluster.Placement) (*cluster.Cluster, error) {
	spec, mistakes, err := f.Spec()
	if err != nil {
		return nil, err
	}
	place := elsewhere
	if place == nil {
		place = cluster.InContainers
	}
	c, err := cluster.Resolve(spec, place)
	if err := errors.Join(append(mistakes, err)...); err != nil {
		return nil, hints.Usage(err)
	}
	if elsewhere == nil {
		c, err = OfMachine(f, c, func(ctx context.Context, e *Engines) (*cluster.Cluster, error) { return e.Place(ctx, spec, c) })
	}
	if err != nil {
		return nil, hints.Usage(err)
	}
	terminal.WarnAll(f.world.Console, c.Warnings)
	return c, nil
}

// Spec is what Read gives, with the name that the cluster has in its folder, and with the
// token that is kept for a stack's own discovery service.
func (f *Flags) Spec() (spec cluster.Spec, mistakes []error, err error) {
	spec, mistakes, err = f.ReadNamed()
	if err == nil && spec.WantsFreshToken() {
		spec, err = f.Described(spec, spec.CertsDir).Complete()
	}
	return spec, mistakes, err
}

// Read reads the file and lays the flags over it. What is wrong with the flags
// is to be reported together with what Resolve finds.
func (f *Flags) Read() (spec cluster.Spec, mistakes []error, err error) {
	if err := f.ReadVariables(); err != nil {
		return spec, nil, err
	}
	spec, err = f.load()
	var unread cluster.Problems
	if err != nil && !errors.As(err, &unread) {
		return spec, nil, err
	}
	spec.Locate(f.Dir())
	keys := []string{"runtime", "etcd-binary"} // where a command has them
	for _, k := range cluster.Keys() {
		keys = append(keys, k.Name)
	}
	for _, key := range keys {
		if flag := f.cmd.Flags().Lookup(key); flag != nil && flag.Changed {
			mistakes = append(mistakes, spec.Set(key, flag.Value.String()))
		}
	}
	if f.Runtime != "" {
		spec.Runtime = f.Runtime
	}
	if unread != nil {
		return spec, nil, hints.Usage(errors.Join(append(mistakes, cluster.Mistakes(spec))...))
	}
	if f.certsDir != "" {
		dir, err := filepath.Abs(f.certsDir)
		if err != nil {
			return spec, nil, fmt.Errorf("cannot find the current folder: %w", err)
		}
		mistakes = append(mistakes, spec.Set("certs-dir", dir))
	}
	if spec.ImageToAsk() == "" {
		return spec, mistakes, nil
	}
	spec, err = OfMachine(f, spec, func(ctx context.Context, e *Engines) (cluster.Spec, error) { return e.AskImage(ctx, spec), nil })
	return spec, mistakes, err
}

// FileText is the cluster file as it is now, and how it is called. Without -f a missing file
// is an empty one.
func (f *Flags) FileText() (data []byte, name string, err error) {
	name = f.File
	switch name {
	case "-":
		name = "standard input"
		data, err = f.readInput(f.world.In)
	case "":
		name = DefaultFile
		if data, err = os.ReadFile(name); errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
	default:
		data, err = os.ReadFile(name)
	}
	if err != nil {
		err = hints.Usage(fmt.Errorf("cannot read the cluster file: %w", err))
	}
	return data, name, err
}

// load reads the cluster file.
func (f *Flags) load() (cluster.Spec, error) {
	data, name, err := f.FileText()
	if err != nil || data == nil {
		return cluster.Spec{}, err
	}
	spec, err := cluster.Load(name, data)
	if err == nil && f.File != "" && spec.SaysNothing() {
		return spec, hints.Usage(fmt.Errorf("%s describes no cluster: not one key in it has a value. Leave -f out to have every default, or write the cluster's name", name))
	}
	return spec, hints.Usage(err)
}

// readInput reads standard input once, however often it is asked for.
func (f *Flags) readInput(in io.Reader) (data []byte, err error) {
	if f.input == nil {
		f.input, err = io.ReadAll(in)
	}
	return f.input, err
}

// Dir is the folder that relative paths of the cluster are meant from.
func (f *Flags) Dir() string {
	if f.File == "" || f.File == "-" {
		return "."
	}
	return filepath.Dir(f.File)
}

// Certificates is the folder of the cluster's certificates, as it was written.
func (f *Flags) Certificates() (string, error) {
	spec, _, err := f.Read()
	if err != nil {
		return "", err
	}
	return cmp.Or(f.certsDir, spec.CertsDir, filepath.Join(f.Dir(), "certs")), nil
}

// CertificatesAsRun is Certificates for who works on those of a cluster that may run:
// where no folder was named it is the one that the members were given.
func (f *Flags) CertificatesAsRun() (string, error) {
	spec, _, err := f.Read()
	if err != nil {
		return "", err
	}
	here := cmp.Or(f.certsDir, spec.CertsDir, filepath.Join(f.Dir(), "certs"))
	if f.certsDir != "" || spec.CertsDir != "" {
		return here, nil
	}
	if err := f.nameByFolder(&spec); err != nil {
		return "", err
	}
	c, err := f.lookUp(spec)
	if err != nil { // what can't be asked says nothing of certificates
		return here, f.cmd.Context().Err()
	}
	return ShortPath(c.CertsDir()), nil
}

// AsStarted is a Spec with what its cluster was started with and it does not say itself.
func (f *Flags) AsStarted(spec cluster.Spec) (cluster.Spec, error) {
	cs, e, err := f.Clusters(Working{Progress: terminal.Quiet})
	if err != nil {
		return spec, err
	}
	defer e.Close()
	c, err := cs.Find(f.cmd.Context(), spec)
	if err != nil {
		return spec, err
	}
	return c.Spec(), nil
}

// WithCerts gives a cluster that may run, and the folder of its certificates.
func (f *Flags) WithCerts() (*cluster.Cluster, string, error) {
	defer f.together()()
	c, err := f.ResolveAsRun()
	if err != nil {
		return nil, "", err
	}
	dir, err := f.CertificatesAsRun()
	return c, dir, err
}

// Described is the cluster, to make what others need who start it.
func (f *Flags) Described(spec cluster.Spec, certsDir string) *etcdctr.Cluster {
	spec.CertsDir = certsDir
	return etcdctr.New(etcdctr.Options{Folder: f.Dir(), Events: f.world.tell, Now: f.world.Now, Random: f.world.Random}).Describe(spec)
}

// Files writes the files of a cluster that the flags describe.
func (f *Flags) Files(c *cluster.Cluster) (files.Writer, error) {
	dir, err := f.Certificates()
	return files.Writer{Described: f.Described(c.Spec, c.Spec.CertsDir), Folder: f.Dir(), CertsDir: dir}, err
}
