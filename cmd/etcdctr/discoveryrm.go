package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/cmd/internal/target"
	"github.com/etcdctr/etcdctr/cmd/internal/typed"
)

func newDiscoveryRmCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rm TOKEN",
		Short: "Remove a token",
		Long: `rm removes a token and who has registered. Members of a cluster that has formed
do not mind: they go by their data. One that has lost its data can't come back
under the token any more, which would break it.`,
		Args: typed.Exact("TOKEN"),
	}
	flags := a.Discovering(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return runDiscoveryRm(cmd.Context(), a, flags, args[0])
	}
	return cmd
}

func runDiscoveryRm(ctx context.Context, a *app, flags *target.Discovery, token string) error {
	s, token, err := flags.Token(ctx, token)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := s.Remove(ctx, token); err != nil {
		return err
	}
	a.Say("removed the discovery token %s", token)
	return nil
}
