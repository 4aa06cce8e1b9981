package main

import (
	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/converge"
)

func newRestartCommand(a *app) *cobra.Command {
	return membersCommand(a, converge.Restart, &cobra.Command{
		Use:   "restart [MEMBER...]",
		Short: "Restart members, one at a time while the others serve",
		Long: `restart restarts all members, or those named: one at a time, each after the one
before it answers again, the leader last and after another one leads. Clients of
the cluster notice little.`,
		Example: `  etcdctr restart
  etcdctr restart etcd1`,
	})
}
