package main

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/cmd/internal/target"
	"github.com/etcdctr/etcdctr/cmd/internal/typed"
)

type imageBundleOptions struct {
	cluster  *target.Flags
	output   string
	pull     string
	progress string
}

func newImageBundleCommand(a *app) *cobra.Command {
	var o imageBundleOptions
	cmd := &cobra.Command{
		Use:   "bundle --output FILE",
		Short: "Write every image of a stack, its Compose file and its certificates into one archive",
		Long: `bundle writes what a stack needs where no registry can be reached: its images,
its Compose file, what the services beside its members read, and the certificates
and revocation lists of its certificates folder. Keys are no part of it: take them there some safer way, or make the
certificates there. image load takes the archive, and docker load takes the
images out of it.

An image that the Docker Engine does not have is pulled; if that cannot be, and it
is the official one of the etcd that this program carries, this program is packed
as it. For a DNS server that cannot be had, the stack gets the one that this program
has itself, unless --dns-image names one. --pull says otherwise, as for up.`,
		Example: `  etcdctr image bundle --members 5 --output orders.tar
  etcdctr image load --output orders orders.tar`,
		Args: typed.NoArgs,
		RunE: with(a, &o, runImageBundle),
	}
	o.cluster = a.Describing(cmd)
	cmd.Flags().StringVarP(&o.output, "output", "o", "", "archive to write")
	typed.AddPull(cmd, &o.pull)
	typed.AddProgress(cmd, &o.progress)
	return cmd
}

func runImageBundle(ctx context.Context, a *app, o imageBundleOptions, _ []string) error {
	if o.output == "" {
		return usage(errors.New("give the archive to write with --output FILE"))
	}
	c, err := o.cluster.Resolve()
	if err != nil {
		return err
	}
	dir, err := o.cluster.Certificates()
	if err != nil {
		return err
	}
	_, e, err := o.cluster.Clusters(target.Working{Progress: o.progress, Pull: o.pull})
	if err != nil {
		return err
	}
	defer e.Close()
	bundle, err := e.Docker().Bundle(ctx, c, dir)
	if err == nil {
		err = bundle.Write(ctx, o.output, showImageEvents(e.Board))
	}
	if err != nil {
		return err
	}
	e.Board.Close()
	a.Say("wrote %s: %s and %d files", o.output, strings.Join(bundle.Images, ", "), len(bundle.Files))
	return nil
}
