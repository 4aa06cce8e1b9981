package main

import (
	"context"
	"errors"
	"slices"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/cmd/internal/target"
	"github.com/etcdctr/etcdctr/discovery"
)

func newDiscoveryCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "discovery",
		Short: "Keep tokens at an existing discovery service",
		Long: `discovery keeps tokens at an existing etcd discovery service: each is the name of
a cluster that is yet to form, and of how many members it takes. A stack that
brings its own service (--bootstrap discovery and nothing else) needs none of it.

A token is named by itself, at the service of --discovery-endpoints, or for the
v2 protocol by the URL that members are given.`,
	}
	cmd.AddCommand(newDiscoveryNewCommand(a), newDiscoveryStatusCommand(a), newDiscoveryRmCommand(a))
	return cmd
}

// discoveryFlags say which service a command is about: the keys of the cluster
// file that do.
type discoveryFlags struct{ *target.Flags }

// discoveryKeys are the flags that say how a service is reached.
var discoveryKeys = []string{
	"discovery-endpoints", "discovery-cacert", "discovery-cert", "discovery-key", "discovery-user", "discovery-password-file",
}

func addDiscoveryFlags(a *app, cmd *cobra.Command) discoveryFlags {
	f := a.ByFile(cmd)
	for _, k := range cluster.Keys() {
		if slices.Contains(discoveryKeys, k.Name) {
			target.AddKey(cmd, k)
		}
	}
	return discoveryFlags{f}
}

// service gives what the file and the flags say of the service.
func (f discoveryFlags) service(a *app) (*cluster.Discovery, error) {
	spec, mistakes, err := f.Spec()
	if err := errors.Join(append(mistakes, err)...); err != nil {
		return nil, usage(err)
	}
	return etcdctr.ServiceOf(spec), nil
}

// token connects to the service that a token is at, and gives the token's name
// there.
func (f discoveryFlags) token(ctx context.Context, a *app, token string) (*discovery.Service, string, error) {
	d, err := f.service(a)
	if err != nil {
		return nil, "", err
	}
	return etcdctr.FindToken(ctx, d, token)
}
