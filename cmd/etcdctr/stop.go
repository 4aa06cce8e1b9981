package main

import (
	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/converge"
)

func newStopCommand(a *app) *cobra.Command {
	return membersCommand(a, converge.Stop, &cobra.Command{
		Use:   "stop [MEMBER...]",
		Short: "Stop members and keep them and their data",
		Long: `stop stops all members, or those named. Of members that stay, one leads before
any of the others stops; of all members, the leader stops last.`,
		Example: `  etcdctr stop
  etcdctr stop etcd3`,
	})
}
