package target

import (
	"cmp"
	"context"
	"errors"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/cmd/internal/terminal"
	"github.com/etcdctr/etcdctr/runtime"
)

// This file asks what runs on this machine for what a description leaves open.

// ResolveAsRun is Resolve for who asks where members are reached: those that are
// processes of this machine, or are to be, are elsewhere than those in containers.
func (f *Flags) ResolveAsRun() (*cluster.Cluster, error) {
	defer f.together()()
	spec, mistakes, err := f.ReadNamed()
	if err != nil {
		return nil, err
	}
	said := cluster.Runtime(spec.Runtime)
	if said != "" && !said.RunsPrograms() || errors.Join(append(mistakes, cluster.Check(spec))...) != nil {
		return f.Resolve()
	}
	spec.Runtime, spec.Name = string(cmp.Or(said, cluster.Process)), spec.ClusterName() // of processes alone another one may be the only one
	cs, e, err := f.Clusters(Working{Progress: terminal.Quiet})
	if err != nil {
		return nil, err
	}
	defer e.Close()
	c, err := cs.Find(f.cmd.Context(), spec)
	if err != nil {
		return nil, err
	}
	if _, err := c.Observe(f.cmd.Context()); err != nil && said == "" {
		return f.Resolve()
	}
	return c.Want(f.cmd.Context())
}

// ReadNamed is Read for who describes a cluster that may be there: where nothing names it
// in words, it is the one that Find finds in its folder. What is left open of one that was
// started there is as it was started.
func (f *Flags) ReadNamed() (spec cluster.Spec, mistakes []error, err error) {
	if spec, mistakes, err = f.Read(); err != nil {
		return spec, mistakes, err
	}
	if err := f.nameByFolder(&spec); err != nil || f.cmd.Flags().Lookup("name") == nil {
		return spec, mistakes, err
	}
	found, err := f.lookUp(spec)
	switch {
	case err != nil:
		return spec, mistakes, f.cmd.Context().Err()
	case found.StartedHere():
		if !f.told { // it is read anew for each part of what a command needs
			f.world.sayRecalled(found)
		}
		f.told = true
		return found.Spec(), mistakes, nil
	}
	spec.Name = found.Spec().Name
	return spec, mistakes, nil
}

// lookUp finds the cluster that the flags describe, once where several parts of that are
// asked for together: see together. Its runtime is not to be used any more.
func (f *Flags) lookUp(spec cluster.Spec) (*etcdctr.Cluster, error) {
	if f.found != nil {
		return f.found, nil
	}
	e, err := f.world.open(f.Dir(), Working{Progress: terminal.Quiet})
	if err != nil {
		return nil, err
	}
	defer e.Close()
	c, err := e.Clusters(etcdctr.Options{}).Find(f.cmd.Context(), spec)
	if err == nil && f.parts {
		f.found = c
	}
	return c, err
}

// together has what is asked for until the end that it gives go by one look at the engine.
func (f *Flags) together() (end func()) {
	before := f.parts
	f.parts = true
	return func() {
		if f.parts = before; !before {
			f.found = nil
		}
	}
}

// Running gives the cluster as it runs, or as it is described where it does not, and the
// folder of its certificates.
func (f *Flags) Running(ctx context.Context) (c *cluster.Cluster, certsDir string, err error) {
	certsDir, err = f.Certificates()
	if err != nil {
		return nil, "", err
	}
	running, err := f.Find(ctx, Working{Progress: terminal.Quiet})
	if err == nil {
		defer running.Close()
		certsDir = running.CertsDir()
		_, err = running.Observe(ctx)
	}
	switch {
	case err == nil:
		c, err = running.Want(ctx)
	case errors.Is(err, runtime.ErrNotFound) || errors.Is(err, runtime.ErrUnavailable):
		c, err = f.ResolveAsRun()
	}
	return c, certsDir, err
}

// TellOldCopies says which members have other certificates where they run than are here, and
// how these get there.
func (f *Found) TellOldCopies(ctx context.Context) error {
	old, err := f.OldCopies(ctx)
	if f.KeepsCertificates() {
		f.flags.world.sayOldFiles(old)
	} else {
		f.sayOldCopies(old)
	}
	return err
}

// sayOldCopies says which members, that don't keep what they were made with, have others.
func (f *Found) sayOldCopies(old []string) {
	if runtime.HandsFiles(f.Runtime()) {
		f.flags.world.sayOldArchives(old)
	} else {
		f.flags.world.sayOldCopies(old)
	}
}

// HandOut brings members that run the certificates in their folder, where they have copies.
// What a flag names may be the folder of another cluster: of that is only told.
func (f *Flags) HandOut(ctx context.Context) error {
	if f.certsDir != "" {
		f.TellOldCopies(ctx)
		return nil
	}
	c, err := f.Find(ctx, Working{Progress: terminal.Quiet})
	if errors.Is(err, runtime.ErrUnavailable) { // without an engine nobody has copies
		return nil
	}
	if err != nil {
		return err
	}
	defer c.Close()
	return c.HandOut(ctx)
}

// Runs tells whether members run, as far as that can be seen.
func (f *Flags) Runs(ctx context.Context) bool {
	c, err := f.Find(ctx, Working{Progress: terminal.Quiet})
	if err != nil {
		return false
	}
	defer c.Close()
	have, err := c.Observe(ctx)
	return err == nil && have.Runs()
}

// OfMachine asks this machine's engine for something of a cluster. Where no engine can
// be made sense of, the cluster is as it is.
func OfMachine[T any](f *Flags, as T, ask func(ctx context.Context, e *Engines) (T, error)) (T, error) {
	e, err := f.world.open(f.Dir(), Working{Progress: terminal.Quiet})
	if err != nil {
		return as, nil //nolint:nilerr // see above
	}
	defer e.Close()
	return ask(f.cmd.Context(), e)
}
