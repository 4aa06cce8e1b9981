package main

import (
	"github.com/spf13/cobra"
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
