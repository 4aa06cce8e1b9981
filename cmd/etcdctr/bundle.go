package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/bundle"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/runtime/hosts"
	"github.com/etcdctr/etcdctr/runtimes"
)

type bundleOptions struct {
	cluster *clusterFlags
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
		RunE: func(cmd *cobra.Command, args []string) error {
			return runBundle(cmd.Context(), a, o, args)
		},
	}
	o.cluster = addClusterFlags(cmd)
	cmd.Flags().StringVarP(&o.output, "output", "o", runtimes.BundleFolder, "folder to write the archives into")
	return cmd
}

func runBundle(ctx context.Context, a *app, o bundleOptions, members []string) error {
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
	founded, err := o.founded(c, members)
	if err != nil {
		return err
	}
	c, native = c.AsStarted(founded), native.AsStarted(founded)
	if err := a.prepare(ctx, c, o.cluster); err != nil {
		return err
	}
	dir, err := o.cluster.certificates(a)
	if err != nil {
		return err
	}
	var errs []error
	for _, m := range bundle.Machines(c, native, dir, unitProgram("")) {
		if len(members) > 0 && !slices.Contains(members, m.Member()) {
			continue
		}
		file := filepath.Join(o.output, m.Name()+".tar.gz")
		if err := m.Write(ctx, file); err != nil {
			errs = append(errs, fmt.Errorf("cannot write what %s runs: %w", m.Member(), err))
			continue
		}
		a.say("%s: for %s, at %s", file, m.Member(), m.Host())
	}
	return errors.Join(errs...)
}

// founded are the settings by which members were founded or have joined, of a cluster
// that has been changed since. Whoever is not among them can't be founded any more.
func (o bundleOptions) founded(c *cluster.Cluster, members []string) (map[string]cluster.Settings, error) {
	founded, err := hosts.Handed(o.output, c.Name)
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, name := range members {
		if !slices.ContainsFunc(c.Members, func(m cluster.Member) bool { return m.Name == name }) {
			errs = append(errs, usage(fmt.Errorf("%s has no member %q", c.Name, name)))
		}
	}
	for _, m := range c.Members {
		_, known := founded[m.Name]
		if len(founded) > 0 && !known && (len(members) == 0 || slices.Contains(members, m.Name)) {
			errs = append(errs, withHint(fmt.Errorf("%s is to join %s, which is founded already", m.Name, c.Name),
				"`etcdctr up` adds it, and writes its archive when its turn comes"))
		}
	}
	return founded, errors.Join(errs...)
}
