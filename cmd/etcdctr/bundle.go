package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/bundle"
	"github.com/etcdctr/etcdctr/cmd/internal/target"
	"github.com/etcdctr/etcdctr/runtimes"
)

type bundleOptions struct {
	cluster *target.Flags
	output  string
}

func newBundleCommand(a *app) *cobra.Command {
	var o bundleOptions
	cmd := &cobra.Command{
		Use:   "bundle [MEMBER...]",
		Short: "Write one archive for each machine of a cluster",
		Long: `bundle writes one archive for each machine of a cluster whose members have hosts:
the machine's Compose file, its systemd unit, its member's certificates and a
README of the commands to run there. Nothing of another member and no authority's
key is in it. Its member's keys are: hand it over like one.

That founds a cluster. Of one that etcdctr up has changed since, each member is as it
was founded or has joined, so that an archive brings its machine renewed certificates,
or all again after it was set up anew. Who is to join or to take another's place is for
etcdctr up, which writes the archive when its turn comes.`,
		Example: `  etcdctr bundle -f orders.yaml -o bundles
  etcdctr certs renew && etcdctr bundle etcd2
  scp bundles/orders-etcd1.tar.gz 192.168.202.128:`,
		RunE: with(a, &o, runBundle),
	}
	o.cluster = a.Describing(cmd)
	cmd.Flags().StringVarP(&o.output, "output", "o", runtimes.BundleFolder, "folder to write the archives into")
	return cmd
}

func runBundle(ctx context.Context, a *app, o bundleOptions, members []string) error {
	c, err := o.cluster.Resolve()
	if err != nil {
		return err
	}
	if err := runtimes.CheckCarried(c); err != nil {
		a.Warn("%v; without containers, the unit in an archive takes an ExecStart that names one of these", err)
	}
	w, err := o.cluster.Files(c)
	if err != nil {
		return err
	}
	return w.Bundles(ctx, c, o.output, members, func(file string, m bundle.Machine) { a.Say("%s: for %s, at %s", file, m.Member(), m.Host()) })
}
