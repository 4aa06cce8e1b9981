package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/stack"
)

func newStartCommand(a *app) *cobra.Command {
	return membersCommand(a, runner.start, &cobra.Command{
		Use:   "start [MEMBER...]",
		Short: "Start members that were stopped",
		Long: `start starts all members that do not run, or those named, and returns once they
answer. It changes nothing about them; that is what up is for.`,
		Example: `  etcdctr start`,
	})
}

func (d *driven) start(ctx context.Context, a *app, names []string) error {
	return d.onMembers(ctx, a, names, "started", planStart)
}

func planStart(_ context.Context, d *stack.Driver, s *stack.State, chosen []stack.Container) *stack.Plan {
	return d.PlanStart(s, chosen)
}
