package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/cmd/internal/target"
	"github.com/etcdctr/etcdctr/cmd/internal/typed"
)

type discoveryNewOptions struct {
	flags *target.Discovery
	size  int
	v2    bool
}

func newDiscoveryNewCommand(a *app) *cobra.Command {
	var o discoveryNewOptions
	cmd := &cobra.Command{
		Use:   "new",
		Short: "Register a fresh token and print it",
		Example: `  etcdctr discovery new --size 3 --discovery-endpoints https://discovery.example.com:2379
  etcdctr discovery new --size 3 --v2 --discovery-endpoints http://discovery.example.com:2379`,
		Args: typed.NoArgs,
		RunE: with(a, &o, runDiscoveryNew),
	}
	o.flags = a.Discovering(cmd)
	cmd.Flags().IntVar(&o.size, "size", 3, "how many members the cluster will have")
	cmd.Flags().BoolVar(&o.v2, "v2", false, "for etcd 3.5 and 3.6: at an etcd 3.5 with --enable-v2, and print the token's URL")
	return cmd
}

func runDiscoveryNew(ctx context.Context, a *app, o discoveryNewOptions, _ []string) error {
	d, err := o.flags.Service()
	if err != nil {
		return err
	}
	token, err := etcdctr.RegisterToken(ctx, d, o.size, o.v2, a.Random)
	if err != nil {
		return err
	}
	return a.Write("", []byte(token+"\n"))
}
