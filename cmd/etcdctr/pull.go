package main

import (
	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/cmd/internal/typed"
)

const (
	pullMissing = "missing"
	pullAlways  = "always"
	pullNever   = "never"
)

func addPullFlag(cmd *cobra.Command, policy *string) {
	*policy = pullMissing
	cmd.Flags().Var(&typed.Choice{Value: policy, Of: []string{pullMissing, pullAlways, pullNever}}, "pull",
		"when to pull the image: missing, always or never")
}
