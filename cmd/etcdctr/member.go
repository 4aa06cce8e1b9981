package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/converge"
)

func newMemberCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "member",
		Short: "Change single members beyond what up does by itself",
	}
	cmd.AddCommand(newMemberReplaceCommand(a))
	return cmd
}

func newMemberReplaceCommand(a *app) *cobra.Command {
	return membersCommand(a, converge.Replace, &cobra.Command{
		Use:   "replace MEMBER...",
		Short: "Replace members by new ones of the same name, which get their data from the others",
		Long: `replace is for a member whose data is not to be trusted, or is gone. The member is
removed from the cluster, its data is set aside, and a new member of its name
joins and gets everything from the others, which serve all the while and have to
keep a quorum without it. A member whose data is proven to be lost is replaced by
` + "`etcdctr up`" + ` itself.`,
		Example: `  etcdctr member replace etcd2
  etcdctr member replace etcd2 --dry-run`,
		Args: func(_ *cobra.Command, names []string) error {
			if len(names) == 0 {
				return errors.New("name the members to replace")
			}
			return nil
		},
	})
}
