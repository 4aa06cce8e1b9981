package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/stack"
)

func newRestartCommand(a *app) *cobra.Command {
	return membersCommand(a, runner.restart, &cobra.Command{
		Use:   "restart [MEMBER...]",
		Short: "Restart members, one at a time while the others serve",
		Long: `restart restarts all members, or those named: one at a time, each after the one
before it answers again, the leader last. Clients of the cluster notice little.`,
		Example: `  etcdctr restart
  etcdctr restart etcd1`,
	})
}

func (d *driven) restart(ctx context.Context, a *app, names []string) error {
	return d.onMembers(ctx, a, names, "restarted", planRestart)
}

func planRestart(ctx context.Context, d *stack.Driver, s *stack.State, chosen []stack.Container) *stack.Plan {
	return d.PlanRestart(ctx, s, chosen)
}
