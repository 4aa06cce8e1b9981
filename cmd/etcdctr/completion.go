package main

import (
	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/cmd/internal/typed"
)

// This file is what shells complete besides commands and flags.

// addCompletion adds the commands for shells, a group as any other: a shell that there is
// none for is refused.
func addCompletion(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	typed.CompleteGroups(root)
}
