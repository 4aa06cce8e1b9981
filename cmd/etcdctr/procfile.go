package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/cmd/internal/target"
	"github.com/etcdctr/etcdctr/cmd/internal/typed"
	"github.com/etcdctr/etcdctr/compose"
	"github.com/etcdctr/etcdctr/files"
	"github.com/etcdctr/etcdctr/runtimes"
)

type procfileOptions struct {
	cluster    *target.Flags
	dataDir    string
	etcdBinary string
	output     string
}

func newProcfileCommand(a *app) *cobra.Command {
	var o procfileOptions
	cmd := &cobra.Command{
		Use:   "procfile",
		Short: "Print a Procfile, and make the certificates that its members need",
		Long: `procfile prints the members as a Procfile for foreman, goreman, overmind and the
like, to be started in the folder that it is in. All members run on loopback, and
differ in their ports. ` + "`etcdctr up --runtime process`" + ` does the same without a
process manager.`,
		Example: `  etcdctr procfile > Procfile && foreman start
  etcdctr procfile --tls none --etcd-binary /usr/bin/etcd -o Procfile`,
		Args: typed.NoArgs,
		RunE: with(a, &o, runProcfile),
	}
	o.cluster = a.Describing(cmd)
	flags := cmd.Flags()
	flags.StringVar(&o.dataDir, "data-dir", "data", "folder for the members' data")
	flags.StringVar(&o.etcdBinary, "etcd-binary", "", "etcd to run instead of the one inside this program")
	flags.StringVarP(&o.output, "output", "o", "", "file to write instead of standard output")
	return cmd
}

func runProcfile(ctx context.Context, a *app, o procfileOptions, _ []string) error {
	dir, err := o.cluster.Certificates()
	if err != nil {
		return err
	}
	place, err := files.Writer{CertsDir: dir}.InProcesses(o.output, o.dataDir)
	if err != nil {
		return err
	}
	c, err := o.cluster.ResolveIn(place)
	if err != nil {
		return err
	}
	if err := runtimes.CheckCarried(c); err != nil && o.etcdBinary == "" {
		a.Warn("%v: --etcd-binary names another one", err)
	}
	command, err := etcdCommand(o.etcdBinary)
	if err != nil {
		return err
	}
	w, err := o.cluster.Files(c)
	if err != nil {
		return err
	}
	own, err := target.OfMachine(o.cluster, nil, func(_ context.Context, e *target.Engines) ([]string, error) { return e.OwnAddresses(c), nil })
	if err != nil {
		return err
	}
	file, err := w.Procfile(ctx, c, files.ProcfileOptions{Output: o.output, Etcd: command, Own: own, Warn: func(err error) { a.Warn("%v", err) }})
	if err != nil {
		return err
	}
	return a.Write(o.output, file)
}

// etcdCommand starts an etcd in a shell: the given one, or that inside this
// program.
func etcdCommand(binary string) (string, error) {
	if binary != "" {
		return compose.QuoteShell(binary), nil
	}
	self, err := target.ThisProgram()
	if err != nil {
		return "", err
	}
	return compose.QuoteShell(self) + " etcd", nil
}
