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
	"github.com/etcdctr/etcdctr/compose"
	"github.com/etcdctr/etcdctr/runtime/docker"
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
}

// releaseExample shows the two ways to name a release.
var releaseExample = fmt.Sprintf("%s or 3.%d", cluster.DefaultVersion, cluster.NewestMinor-1)

type specFlag struct{ key, usage string }

func (s specFlag) add(cmd *cobra.Command) {
	cmd.Flags().String(s.key, "", s.usage)
	if s.key == "monitoring" {
		cmd.Flags().Lookup(s.key).NoOptDefVal = "true"
	}
}

// specFlags are the flags that stand for a key of the cluster file, under the
// same name.
var specFlags = []specFlag{
	{"name", "name of the cluster and of its Compose project (default etcd)"},
	{"members", "how many members, 1 to 9 (default 3)"},
	{"etcd", "etcd release, such as " + releaseExample + " (default " + cluster.DefaultVersion.String() + ")"},
	{"image", "image to run (default " + cluster.OfficialImage + ":RELEASE)"},
	{"bootstrap", cluster.ClosedChoiceOf("bootstrap").String()},
	{"tls", cluster.ClosedChoiceOf("tls").String()},
	{"profile", cluster.ClosedChoiceOf("profile").String()},
	{"publish", cluster.ClosedChoiceOf("publish").String()},
	{"client-port", "auto: client ports by the cluster's name, where nobody is in the way (default 2379, 2479, 2579, …)"},
	{"subnet", "fixed addresses from this subnet for the members, such as 10.89.1.0/24 (default one that is free, with dns)"},
	{"discovery-endpoints", "URLs of an existing v3 discovery service (default one in the stack)"},
	{"discovery-url", "existing v2 discovery service, for etcd 3.5 and 3.6: URL that ends in the token"},
	{"discovery-token", "token at the discovery service (default a fresh one, in the stack)"},
	{"discovery-cacert", "authority of an existing discovery service"},
	{"discovery-cert", "certificate for an existing discovery service"},
	{"discovery-key", "private key of that certificate"},
	{"discovery-user", "user at an existing discovery service"},
	{"discovery-password-file", "file with that user's password"},
	{"discovery-network", "Docker network that an existing discovery service is on (default one that leads out)"},
	{"discovery-domain", "domain of the DNS records (default NAME.internal)"},
	{"discovery-srv-name", "suffix of the service in the DNS records"},
	{"dns-image", "image of the stack's DNS server (default " + cluster.DefaultDNSImage + "; " + compose.OwnImage + ": etcdctr's own)"},
	{"monitoring", "put a Prometheus beside the members, on their network"},
	{"prometheus-image", "image of the stack's Prometheus (default " + cluster.DefaultPrometheusImage + ")"},
	{"prometheus-port", "port of the stack's Prometheus on 127.0.0.1 (default none)"},
}

// addClusterFlags gives cmd the flags that describe a cluster.
func addClusterFlags(cmd *cobra.Command) *clusterFlags {
	f := addCertsDirFlags(cmd)
	for _, s := range specFlags {
		s.add(cmd)
	}
	return f
}

// addFindingFlags gives cmd the flags that find a cluster, for commands about one
// that is there: what it is was said where it was described, and is kept with it.
// Some need to be told more of it, by the flags of those keys.
func addFindingFlags(cmd *cobra.Command, keys ...string) *clusterFlags {
	f := addCertsDirFlags(cmd)
	for _, s := range specFlags {
		if s.key == "name" || slices.Contains(keys, s.key) {
			s.add(cmd)
		}
	}
	return f
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
		c, err = f.placeOnEngine(a, spec, c)
	}
	if err != nil {
		return nil, err
	}
	for _, w := range c.Warnings {
		a.warn("%s", w)
	}
	return c, nil
}

// spec is read, with the token that is kept for a stack's own discovery service.
func (f *clusterFlags) spec(a *app) (spec cluster.Spec, mistakes []error, err error) {
	spec, mistakes, err = f.read(a)
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
	for _, s := range specFlags {
		keys = append(keys, s.key)
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
	return f.askImage(a, spec), mistakes, nil
}

// askImage asks the image for its release, where nothing else tells it and an
// engine is at hand. Where that fails, it is a mistake not to say it.
func (f *clusterFlags) askImage(a *app, spec cluster.Spec) cluster.Spec {
	if spec.ImageToAsk() == "" || cluster.Runtime(spec.Runtime).RunsPrograms() {
		return spec
	}
	known := spec
	err := f.onEngine(a, func(ctx context.Context, r *docker.Runtime) (err error) {
		known, err = r.AskImage(ctx, spec)
		return err
	})
	if err != nil {
		return spec
	}
	return known
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

// configDir is the folder of the files that a service of the stack reads, below one
// for all clusters: see docker.Config.
func (f *clusterFlags) configDir(folder string, c *cluster.Cluster) string {
	return filepath.Join(f.dir(), folder, c.Name)
}
