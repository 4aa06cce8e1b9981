package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/bundle"
	"github.com/etcdctr/etcdctr/cluster"
)

// bundleFolder is where the archives of machines are, unless it is said otherwise.
const bundleFolder = "bundles"

type bundleOptions struct {
	cluster *clusterFlags
	output  string
}

func newBundleCommand(a *app) *cobra.Command {
	var o bundleOptions
	cmd := &cobra.Command{
		Use:   "bundle",
		Short: "Write one archive for each machine of a cluster",
		Long: `bundle writes one archive for each machine of a cluster whose members have hosts:
the machine's Compose file, its systemd unit, its member's certificates and a
README of the commands to run there. Nothing of another member and no authority's
key is in it. Its member's keys are: hand it over like one.`,
		Example: `  etcdctr bundle -f orders.yaml -o bundles
  scp bundles/orders-etcd1.tar.gz 192.168.202.128:`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runBundle(cmd.Context(), a, o)
		},
	}
	o.cluster = addClusterFlags(cmd)
	cmd.Flags().StringVarP(&o.output, "output", "o", bundleFolder, "folder to write the archives into")
	return cmd
}

func runBundle(ctx context.Context, a *app, o bundleOptions) error {
	c, err := o.cluster.resolve(a)
	if err != nil {
		return err
	}
	if !c.SpansMachines() {
		return withHint(usage(fmt.Errorf("the members of %s have no machines of their own", c.Name)), "give each its host in the cluster file")
	}
	spec, _, err := o.cluster.spec(a)
	if err != nil {
		return err
	}
	native, err := cluster.Resolve(spec, cluster.UnderSystemd)
	if err != nil {
		return usage(err)
	}
	if err := a.prepare(ctx, c, o.cluster); err != nil {
		return err
	}
	dir, err := o.cluster.certificates(a)
	if err != nil {
		return err
	}
	var errs []error
	for _, m := range bundle.Machines(c, native, dir, unitProgram("")) {
		file := filepath.Join(o.output, m.Name()+".tar.gz")
		if err := m.Write(ctx, file); err != nil {
			errs = append(errs, fmt.Errorf("cannot write what %s runs: %w", m.Member(), err))
			continue
		}
		a.say("%s: for %s, at %s", file, m.Member(), m.Host())
	}
	return errors.Join(errs...)
}
