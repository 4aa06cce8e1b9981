package main

import (
	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/converge"
)

func newStartCommand(a *app) *cobra.Command {
	return membersCommand(a, converge.Start, &cobra.Command{
		Use:   "start [MEMBER...]",
		Short: "Start members that were stopped",
		Long: `start starts all members that do not run, or those named, and returns once they
answer. It changes nothing about them; that is what up is for.`,
		Example: `  etcdctr start`,
	})
}
