package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/cmd/internal/typed"
	"github.com/etcdctr/etcdctr/discovery"
)

type discoveryNewOptions struct {
	flags discoveryFlags
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
	o.flags = addDiscoveryFlags(cmd)
	cmd.Flags().IntVar(&o.size, "size", 3, "how many members the cluster will have")
	cmd.Flags().BoolVar(&o.v2, "v2", false, "for etcd 3.5 and 3.6: at an etcd 3.5 with --enable-v2, and print the token's URL")
	return cmd
}

func runDiscoveryNew(ctx context.Context, a *app, o discoveryNewOptions, _ []string) error {
	if o.size < 1 || o.size > cluster.MaxMembers {
		return usage(fmt.Errorf("--size: must be from 1 to %d, not %d", cluster.MaxMembers, o.size))
	}
	d, err := o.flags.service(a)
	if err != nil {
		return err
	}
	if err := wantEndpoints(d); err != nil {
		return err
	}
	if d.Token, err = cluster.NewDiscoveryToken(a.random); err != nil {
		return err
	}
	result := d.Token
	if o.v2 {
		d.URL = discovery.V2URL(d.Endpoints[0], d.Token)
		result = d.URL
	}
	s, err := etcdctr.Discovery(ctx, d)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := s.Register(ctx, d.Token, o.size); err != nil {
		return err
	}
	return a.writeResult("", []byte(result+"\n"))
}
