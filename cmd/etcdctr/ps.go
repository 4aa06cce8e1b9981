package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/docker/go-units"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/cmd/internal/terminal"
	"github.com/etcdctr/etcdctr/cmd/internal/typed"
	"github.com/etcdctr/etcdctr/runtime"
)

func newPsCommand(a *app) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "ps",
		Short: "List the members of the cluster and what they need, with how they are",
		Args:  typed.NoArgs,
	}
	f := addFindingFlags(cmd)
	addFormatFlag(cmd, &format)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return runPs(cmd.Context(), a, f, format)
	}
	return cmd
}

func runPs(ctx context.Context, a *app, f *clusterFlags, format string) error {
	c, err := f.find(ctx, a, working{})
	if err != nil {
		return err
	}
	defer c.close()
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
		row := []string{s.Name, terminal.OrDash(strings.TrimPrefix(s.Release, "v")), s.Program, a.tint(colourOf(s), statusText(s, a.now())), strings.Join(s.Published, ", ")}
		if several {
			row = append(row, s.Host)
		}
		rows = append(rows, row)
	}
	return a.result(format, infos, a.table(header, rows))
}

// onSeveral tells whether servers are on machines of their own.
func onSeveral(all []etcdctr.Standing) bool {
	return slices.ContainsFunc(all, func(s etcdctr.Standing) bool { return s.Host != all[0].Host })
}

// colourOf tells at a glance how a server is.
func colourOf(s etcdctr.Standing) text.Colors {
	switch {
	case s.Health == etcdctr.Healthy:
		return terminal.Good
	case s.Health == etcdctr.Unhealthy, s.Status == runtime.Failed, s.Status == runtime.Restarting:
		return terminal.Bad
	case s.Runs() && s.Health == "": // nothing that has a health
		return nil
	}
	return terminal.Odd
}

// statusText is "running for 3 minutes, healthy".
func statusText(s etcdctr.Standing, now time.Time) string {
	text := string(s.Status)
	if !s.Since.IsZero() {
		text += " for " + strings.ToLower(units.HumanDuration(now.Sub(s.Since)))
	}
	if s.Health != "" {
		text += ", " + string(s.Health)
	}
	if s.Restarts > 0 {
		text += ", " + terminal.Plural(s.Restarts, "restart")
	}
	if s.Detail != "" && !s.Runs() && s.Status != runtime.Created {
		text += fmt.Sprintf(" (%s)", s.Detail)
	}
	return text
}
