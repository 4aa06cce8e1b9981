package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/cmd/internal/target"
	"github.com/etcdctr/etcdctr/cmd/internal/terminal"
	"github.com/etcdctr/etcdctr/cmd/internal/typed"
)

// This file is what shells complete besides commands and flags.

// addCompletion adds the commands for shells, a group as any other: a shell that there is
// none for is refused.
func addCompletion(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	typed.CompleteGroups(root)
}

// completeMembers completes the members of the cluster that the flags find, but
// for those that are named already.
func completeMembers(a *app, f *target.Flags) cobra.CompletionFunc {
	return func(cmd *cobra.Command, named []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
		c, err := f.Quietly().Find(cmd.Context(), target.Working{Progress: terminal.Quiet})
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		defer c.Close()
		all, err := c.Choose(cmd.Context())
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var names []cobra.Completion
		for _, name := range all {
			if strings.HasPrefix(name, begun) && !slices.Contains(named, name) {
				names = append(names, name)
			}
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}
