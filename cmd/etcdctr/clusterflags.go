package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/cmd/internal/terminal"
	"github.com/etcdctr/etcdctr/cmd/internal/typed"
)

// defaultClusterFile is read when it is there and no -f says otherwise.
const defaultClusterFile = "etcdctr.yaml"

// clusterFlags are the flags that describe a cluster, or only find one. They are
// the same on every command that takes them, and override the file.
type clusterFlags struct {
	cmd      *cobra.Command
	file     string
	certsDir string
	runtime  string // in the place of what the file says; empty: that
	input    []byte // standard input, once it was read
	bears    bool   // nothing is wanted of backups: what is wrong with them is a warning
	byFolder bool   // the Compose file in the folder names what nothing else does
}

// addKeyFlag gives cmd the flag that stands for a key of the cluster file.
func addKeyFlag(cmd *cobra.Command, k cluster.Key) {
	cmd.Flags().String(k.Name, "", k.What)
	if k.Name == "monitoring" {
		cmd.Flags().Lookup(k.Name).NoOptDefVal = "true"
	}
}

// addClusterFlags gives cmd the flags that describe a cluster.
func addClusterFlags(cmd *cobra.Command) *clusterFlags {
	f := addCertsDirFlags(cmd)
	for _, k := range cluster.Keys() {
		addKeyFlag(cmd, k)
	}
	return f
}

// addFindingFlags gives cmd the flags that find a cluster, for commands about one
// that is there: what it is was said where it was described, and is kept with it.
// Some need to be told more of it, by the flags of those keys.
func addFindingFlags(cmd *cobra.Command, keys ...string) *clusterFlags {
	f := addCertsDirFlags(cmd)
	for _, k := range cluster.Keys() {
		if k.Name == "name" || slices.Contains(keys, k.Name) {
			addKeyFlag(cmd, k)
		}
	}
	addRuntimeFlag(cmd)
	return f
}

// addRuntimeFlag says what runs a cluster, which tells those of one name apart.
func addRuntimeFlag(cmd *cobra.Command) {
	cmd.Flags().Var(&typed.Choice{Value: new(string), Of: cluster.ClosedChoiceOf("runtime").Takes()}, "runtime", "what runs it, where several have its name")
}

// addRunByFlag says what is to run a cluster.
func addRunByFlag(cmd *cobra.Command) {
	runtimes := cluster.ClosedChoiceOf("runtime")
	cmd.Flags().Var(&typed.Choice{Value: new(string), Of: runtimes.Takes()}, "runtime", runtimes.String())
}

// addCertsDirFlags gives cmd those of the flags that tell where a cluster's
// certificates are, for commands that need to know no more of it.
func addCertsDirFlags(cmd *cobra.Command) *clusterFlags {
	f := &clusterFlags{cmd: cmd}
	addFileFlag(cmd, f)
	cmd.Flags().StringVar(&f.certsDir, "certs-dir", "", "certificates of the cluster (default certs beside the cluster file)")
	return f
}

// findingVariables stand for the flags that find a cluster, where these are not
// given.
var findingVariables = map[string]string{
	"file": "ETCDCTR_FILE", "name": "ETCDCTR_NAME", "certs-dir": "ETCDCTR_CERTS_DIR",
}

func (f *clusterFlags) readVariables() error {
	for _, name := range slices.Sorted(maps.Keys(findingVariables)) {
		flag, value := f.cmd.Flags().Lookup(name), os.Getenv(findingVariables[name])
		if flag == nil || flag.Changed || value == "" {
			continue
		}
		if err := f.cmd.Flags().Set(name, value); err != nil {
			return usage(fmt.Errorf("%s: %w", findingVariables[name], err))
		}
	}
	return nil
}

// addFileFlag leaves -f to a command that has taken it for something else.
func addFileFlag(cmd *cobra.Command, f *clusterFlags) {
	shorthand := "f"
	if cmd.Flags().ShorthandLookup(shorthand) != nil {
		shorthand = ""
	}
	cmd.Flags().StringVarP(&f.file, "file", shorthand, "", "cluster file, - for standard input (default "+defaultClusterFile+" if it is there)")
}

// resolve reads the file, lays the flags over it and decides the rest. What
// may surprise is said on the way.
func (f *clusterFlags) resolve(a *app) (*cluster.Cluster, error) {
	return f.resolveIn(a, nil)
}

// resolveIn is resolve for members that live elsewhere than in containers; nil for
// those in containers.
func (f *clusterFlags) resolveIn(a *app, elsewhere cluster.Placement) (*cluster.Cluster, error) {
	spec, mistakes, err := f.spec(a)
	if err != nil {
		return nil, err
	}
	place := elsewhere
	if place == nil {
		place = cluster.InContainers
	}
	c, err := cluster.Resolve(spec, place)
	if err := errors.Join(append(mistakes, err)...); err != nil {
		return nil, usage(err)
	}
	if elsewhere == nil {
		c, err = ofMachine(f, a, c, func(ctx context.Context, e *engines) (*cluster.Cluster, error) { return e.Place(ctx, spec, c) })
	}
	if err != nil {
		return nil, usage(err)
	}
	warnAll(a, c.Warnings)
	return c, nil
}

// spec is read, with the token that is kept for a stack's own discovery service.
func (f *clusterFlags) spec(a *app) (spec cluster.Spec, mistakes []error, err error) {
	spec, mistakes, err = f.read(a)
	if err == nil && f.byFolder && spec.Name == "" {
		err = f.nameByFolder(&spec)
	}
	if err == nil && spec.WantsFreshToken() {
		spec, err = a.described(f, spec, spec.CertsDir).Complete()
	}
	return spec, mistakes, err
}

// read reads the file and lays the flags over it. What is wrong with the flags
// is to be reported together with what Resolve finds.
func (f *clusterFlags) read(a *app) (spec cluster.Spec, mistakes []error, err error) {
	if err := f.readVariables(); err != nil {
		return spec, nil, err
	}
	spec, err = f.load(a)
	var unread cluster.Problems
	if err != nil && !errors.As(err, &unread) {
		return spec, nil, err
	}
	spec.Locate(f.dir())
	keys := []string{"runtime", "etcd-binary"} // where a command has them
	for _, k := range cluster.Keys() {
		keys = append(keys, k.Name)
	}
	for _, key := range keys {
		if flag := f.cmd.Flags().Lookup(key); flag != nil && flag.Changed {
			mistakes = append(mistakes, spec.Set(key, flag.Value.String()))
		}
	}
	if f.runtime != "" {
		spec.Runtime = f.runtime
	}
	if unread != nil {
		return spec, nil, usage(errors.Join(append(mistakes, cluster.Mistakes(spec))...))
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
	spec, err = ofMachine(f, a, spec, func(ctx context.Context, e *engines) (cluster.Spec, error) { return e.AskImage(ctx, spec), nil })
	return spec, mistakes, err
}

// load reads the cluster file. Without -f a missing file is an empty one.
func (f *clusterFlags) load(a *app) (cluster.Spec, error) {
	name, read := f.file, os.ReadFile
	switch name {
	case "-":
		name, read = "standard input", func(string) ([]byte, error) { return f.readInput(a.in) }
	case "":
		name = defaultClusterFile
	}
	data, err := read(name)
	if errors.Is(err, fs.ErrNotExist) && f.file == "" {
		return cluster.Spec{}, nil
	}
	if err != nil {
		return cluster.Spec{}, usage(fmt.Errorf("cannot read the cluster file: %w", err))
	}
	spec, err := cluster.Load(name, data)
	if err == nil && f.file != "" && spec.SaysNothing() {
		return spec, usage(fmt.Errorf("%s describes no cluster: not one key in it has a value. Leave -f out to have every default, or write the cluster's name", name))
	}
	return spec, usage(err)
}

// readInput reads standard input once, however often it is asked for.
func (f *clusterFlags) readInput(in io.Reader) (data []byte, err error) {
	if f.input == nil {
		f.input, err = io.ReadAll(in)
	}
	return f.input, err
}

// dir is the folder that relative paths of the cluster are meant from.
func (f *clusterFlags) dir() string {
	if f.file == "" || f.file == "-" {
		return "."
	}
	return filepath.Dir(f.file)
}

// certificates is the folder of the cluster's certificates, as it was written.
func (f *clusterFlags) certificates(a *app) (string, error) {
	spec, _, err := f.read(a)
	if err != nil {
		return "", err
	}
	return cmp.Or(f.certsDir, spec.CertsDir, filepath.Join(f.dir(), "certs")), nil
}

// certificatesAsRun is certificates for who works on those of a cluster that may run:
// where no folder was named it is the one that the members were given. A command that
// describes a cluster means the one of the name that it describes, and one that finds it
// also the only one of the folder.
func (f *clusterFlags) certificatesAsRun(a *app) (string, error) {
	spec, _, err := f.read(a)
	if err != nil {
		return "", err
	}
	here := cmp.Or(f.certsDir, spec.CertsDir, filepath.Join(f.dir(), "certs"))
	if f.certsDir != "" || spec.CertsDir != "" {
		return here, nil
	}
	if f.cmd.Flags().Lookup("members") != nil {
		spec.Name = spec.ClusterName()
	}
	cs, e, err := a.clusters(f, working{progress: terminal.Quiet})
	if err != nil {
		return here, nil //nolint:nilerr // what can't be asked says nothing of certificates
	}
	defer e.close()
	c, err := cs.Find(f.cmd.Context(), spec)
	if err != nil {
		return here, f.cmd.Context().Err()
	}
	return shortPath(c.CertsDir()), nil
}
