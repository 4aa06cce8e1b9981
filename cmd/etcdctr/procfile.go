package main

import (
	"context"
	"fmt"
	"path"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/compose"
)

type procfileOptions struct {
	cluster    *clusterFlags
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
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runProcfile(cmd.Context(), a, o)
		},
	}
	o.cluster = addClusterFlags(cmd)
	flags := cmd.Flags()
	flags.StringVar(&o.dataDir, "data-dir", "data", "folder for the members' data")
	flags.StringVar(&o.etcdBinary, "etcd-binary", "", "etcd to run instead of the one inside this program")
	flags.StringVarP(&o.output, "output", "o", "", "file to write instead of standard output")
	return cmd
}

func runProcfile(ctx context.Context, a *app, o procfileOptions) error {
	place, err := o.placement(a)
	if err != nil {
		return err
	}
	c, err := o.cluster.resolveIn(a, place)
	if err != nil {
		return err
	}
	if c.SpansMachines() {
		return usage(fmt.Errorf("the members of %s have machines of their own, and a Procfile is for one machine: see `etcdctr systemd`", c.Name))
	}
	command, err := etcdCommand(o.etcdBinary)
	if err != nil {
		return err
	}
	if err := a.prepare(ctx, c, o.cluster); err != nil {
		return err
	}
	return a.writeResult(o.output, compose.Procfile(c, command))
}

// placement has paths as they are from the Procfile's folder.
func (o procfileOptions) placement(a *app) (cluster.Placement, error) {
	base := "."
	if o.output != "" {
		base = filepath.Dir(o.output)
	}
	data, err := composePath(base, o.dataDir)
	if err != nil {
		return nil, err
	}
	dir, err := o.cluster.certificates(a)
	if err != nil {
		return nil, err
	}
	certs, err := composePath(base, dir)
	return cluster.InProcesses(path.Clean(data), path.Clean(certs)), err
}

// etcdCommand starts an etcd in a shell: the given one, or that inside this
// program.
func etcdCommand(binary string) (string, error) {
	if binary != "" {
		return compose.QuoteShell(binary), nil
	}
	self, err := thisProgram()
	if err != nil {
		return "", err
	}
	return compose.QuoteShell(self) + " etcd", nil
}
