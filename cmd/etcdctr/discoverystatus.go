package main

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/cmd/internal/target"
	"github.com/etcdctr/etcdctr/cmd/internal/terminal"
	"github.com/etcdctr/etcdctr/cmd/internal/typed"
	"github.com/etcdctr/etcdctr/discovery"
)

func newDiscoveryStatusCommand(a *app) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "status TOKEN",
		Short: "Show a token's size, who has registered and how many are missing",
		Args:  typed.Exact("TOKEN"),
	}
	flags := a.Discovering(cmd)
	typed.AddFormat(cmd, &format)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return runDiscoveryStatus(cmd.Context(), a, flags, args[0], format)
	}
	return cmd
}

func runDiscoveryStatus(ctx context.Context, a *app, flags *target.Discovery, token, format string) error {
	s, token, err := flags.Token(ctx, token)
	if err != nil {
		return err
	}
	defer s.Close()
	status, err := s.Status(ctx, token)
	if err != nil {
		return err
	}
	return a.Result(format, status, func() { a.printStatus(status) })
}

func (a *app) printStatus(s discovery.Status) {
	var rows [][]string
	for _, m := range s.Members {
		rows = append(rows, []string{m.Name, m.ID, m.PeerURLs})
	}
	a.Table([]string{"member", "id", "peer urls"}, rows)()
	switch {
	case s.Size == 0:
		a.Say("token %s is closed: %s registered, and nobody else may", s.Token, terminal.Plural(len(s.Members), "member"))
	case s.Missing() > 0:
		a.Say("token %s is for %s: %s missing", s.Token, terminal.Plural(s.Size, "member"), strconv.Itoa(s.Missing()))
	default:
		a.Say("token %s is for %s: all have registered", s.Token, terminal.Plural(s.Size, "member"))
	}
}
