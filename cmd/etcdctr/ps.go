package main

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/cmd/internal/healthview"
	"github.com/etcdctr/etcdctr/cmd/internal/target"
	"github.com/etcdctr/etcdctr/cmd/internal/terminal"
	"github.com/etcdctr/etcdctr/cmd/internal/typed"
)

func newPsCommand(a *app) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "ps",
		Short: "List the members of the cluster and what they need, with how they are",
		Args:  typed.NoArgs,
	}
	f := a.Finding(cmd)
	f.Bears = true
	typed.AddFormat(cmd, &format)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return runPs(cmd.Context(), a, f, format)
	}
	return cmd
}

func runPs(ctx context.Context, a *app, f *target.Flags, format string) error {
	c, err := f.Find(ctx, target.Working{})
	if err != nil {
		return err
	}
	defer c.Close()
	all, err := c.Standings(ctx)
	if err != nil {
		return err
	}
	infos := []etcdctr.ServerReport{}
	var rows [][]string
	header, several := []string{"name", "etcd", "program", "status", "ports"}, onSeveral(all)
	if several {
		header = append(header, "machine")
	}
	for _, s := range all {
		infos = append(infos, s.Report())
		row := []string{s.Name, terminal.OrDash(strings.TrimPrefix(s.Release, "v")), s.Program, a.Tint(healthview.Colour(s), healthview.Status(s, a.Now())), strings.Join(s.Published, ", ")}
		if several {
			row = append(row, s.Host)
		}
		rows = append(rows, row)
	}
	return a.Result(format, infos, a.Table(header, rows))
}

// onSeveral tells whether servers are on machines of their own.
func onSeveral(all []etcdctr.Standing) bool {
	return slices.ContainsFunc(all, func(s etcdctr.Standing) bool { return s.Host != all[0].Host })
}
