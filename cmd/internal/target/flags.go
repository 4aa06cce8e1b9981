package target

import (
	"fmt"
	"io"
	"maps"
	"os"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/cmd/internal/hints"
	"github.com/etcdctr/etcdctr/cmd/internal/typed"
)

// DefaultFile is read when it is there and no -f says otherwise.
const DefaultFile = "etcdctr.yaml"

// Flags are the flags that describe a cluster, or only find one. They are the same on
// every command that takes them, and override the file.
type Flags struct {
	File    string
	Runtime string   // in the place of what the file says; empty: that
	Bears   bool     // it only looks, reaches or ends: what is wrong with what that takes nothing of is a warning
	Minds   []string // keys that it takes something of all the same

	world    *World
	cmd      *cobra.Command
	certsDir string
	input    []byte // standard input, once it was read
	told     bool   // what the cluster was started with
	parts    bool   // several are asked for together
	found    *etcdctr.Cluster
}

// Changed tells whether a flag of the command was given.
func (f *Flags) Changed(flag string) bool { return f.cmd.Flags().Changed(flag) }

// Value is that of a flag of the command.
func (f *Flags) Value(flag string) string { return f.cmd.Flag(flag).Value.String() }

// Said are the keys that flags have given: all but the one that names the file.
func (f *Flags) Said() map[string]string {
	said := map[string]string{}
	f.cmd.Flags().Visit(func(flag *pflag.Flag) {
		if flag.Name != "file" {
			said[flag.Name] = flag.Value.String()
		}
	})
	return said
}

// Quietly are the flags of a command that says nothing to anybody.
func (f *Flags) Quietly() *Flags {
	quiet, world, console := *f, *f.world, *f.world.Console
	console.Voice.Out = io.Discard
	world.Console, quiet.world = &console, &world
	return &quiet
}

// AddKey gives cmd the flag that stands for a key of the cluster file.
func AddKey(cmd *cobra.Command, k cluster.Key) {
	cmd.Flags().String(k.Name, "", k.What)
	if k.Name == "monitoring" {
		cmd.Flags().Lookup(k.Name).NoOptDefVal = "true"
	}
}

// Describing gives cmd the flags that describe a cluster.
func (w *World) Describing(cmd *cobra.Command) *Flags {
	f := w.ByCertsDir(cmd)
	for _, k := range cluster.Keys() {
		AddKey(cmd, k)
		markOfCluster(cmd, k.Name)
	}
	return f
}

// Finding gives cmd the flags that find a cluster, for commands about one
// that is there: what it is was said where it was described, and is kept with it.
// Some need to be told more of it, by the flags of those keys.
func (w *World) Finding(cmd *cobra.Command, keys ...string) *Flags {
	f := w.ByCertsDir(cmd)
	for _, k := range cluster.Keys() {
		if k.Name == "name" || slices.Contains(keys, k.Name) {
			AddKey(cmd, k)
			markOfCluster(cmd, k.Name)
		}
	}
	_ = cmd.RegisterFlagCompletionFunc("name", f.Names) // which fails for a flag that there is not
	AddRuntime(cmd)
	return f
}

// AddRuntime says what runs a cluster, which tells those of one name apart.
func AddRuntime(cmd *cobra.Command) {
	cmd.Flags().Var(&typed.Choice{Value: new(string), Of: cluster.ClosedChoiceOf("runtime").Takes()}, "runtime", "what runs it, where several have its name")
	markOfCluster(cmd, "runtime")
}

// AddRunBy says what is to run a cluster.
func AddRunBy(cmd *cobra.Command) {
	runtimes := cluster.ClosedChoiceOf("runtime")
	cmd.Flags().Var(&typed.Choice{Value: new(string), Of: runtimes.Takes()}, "runtime", runtimes.String())
	if cmd.Flags().Lookup("certs-dir") != nil { // else it goes into a file, for other commands to read
		markOfCluster(cmd, "runtime")
	}
}

// AddEtcdBinary says which etcd processes are to run.
func AddEtcdBinary(cmd *cobra.Command) {
	cmd.Flags().String("etcd-binary", "", "etcd to run in processes instead of the one inside this program; {minor} stands for "+fmt.Sprintf("3.%d, {release} for %s", cluster.NewestMinor, cluster.DefaultVersion))
	markOfCluster(cmd, "etcd-binary")
}

// ByCertsDir gives cmd those of the flags that tell where a cluster's
// certificates are, for commands that need to know no more of it.
func (w *World) ByCertsDir(cmd *cobra.Command) *Flags {
	f := w.ByFile(cmd)
	cmd.Flags().StringVar(&f.certsDir, "certs-dir", "", "certificates of the cluster (default certs beside the cluster file)")
	markOfCluster(cmd, "certs-dir")
	return f
}

// findingVariables stand for the flags that find a cluster, where these are not
// given.
var findingVariables = map[string]string{
	"file": "ETCDCTR_FILE", "name": "ETCDCTR_NAME", "certs-dir": "ETCDCTR_CERTS_DIR",
}

// ReadVariables has the variables stand in for flags that are not given.
func (f *Flags) ReadVariables() error {
	for _, name := range slices.Sorted(maps.Keys(findingVariables)) {
		flag, value := f.cmd.Flags().Lookup(name), os.Getenv(findingVariables[name])
		if flag == nil || flag.Changed || value == "" {
			continue
		}
		if err := f.cmd.Flags().Set(name, value); err != nil {
			return hints.Usage(fmt.Errorf("%s: %w", findingVariables[name], err))
		}
	}
	return nil
}

// ByFile gives cmd the flag that names a cluster file. It leaves -f to a command that has
// taken it for something else.
func (w *World) ByFile(cmd *cobra.Command) *Flags {
	f := &Flags{world: w, cmd: cmd}
	shorthand := "f"
	if cmd.Flags().ShorthandLookup(shorthand) != nil {
		shorthand = ""
	}
	cmd.Flags().StringVarP(&f.File, "file", shorthand, "", "cluster file, - for standard input (default "+DefaultFile+" if it is there)")
	markOfCluster(cmd, "file")
	return f
}
