package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/cmd/internal/target"
	"github.com/etcdctr/etcdctr/cmd/internal/terminal"
	"github.com/etcdctr/etcdctr/cmd/internal/typed"
	"github.com/etcdctr/etcdctr/logs"
)

type logsOptions struct {
	etcdctr.LogQuery
	raw bool
}

func newLogsCommand(a *app) *cobra.Command {
	o := logsOptions{LogQuery: etcdctr.LogQuery{Level: logs.Levels[0]}}
	cmd := &cobra.Command{
		Use:   "logs [MEMBER...]",
		Short: "Print the logs of all members, or of those named",
		Long: `logs prints what the members say in the order in which they said it: when, who,
how grave, what, and what it is about. IDs of members are their names, and what
only etcd's developers need is left out. --raw prints the lines as etcd wrote
them, for jq.`,
		Example: `  etcdctr logs --level warn --since 10m
  etcdctr logs -f etcd1
  etcdctr logs --grep 'elected leader|took too long'
  etcdctr logs --raw etcd1 | jq .msg`,
	}
	flags := cmd.Flags()
	flags.BoolVarP(&o.Follow, "follow", "f", false, "go on until Ctrl-C") // as with everybody's logs
	f := a.Finding(cmd)
	f.Bears = true
	flags.StringVar(&o.Since, "since", "", "only what is not older: a duration such as 10m, or a time in RFC 3339")
	flags.StringVar(&o.Tail, "tail", "", "only so many last lines of each member, before --level and --grep choose among them")
	flags.Var(&typed.Choice{Value: &o.Level, Of: logs.Levels}, "level", "the least grave that is shown: debug, info, warn, error or fatal")
	flags.StringVar(&o.Grep, "grep", "", "only lines that this regular expression matches")
	flags.BoolVar(&o.raw, "raw", false, "print lines as they were written")
	cmd.ValidArgsFunction = f.Members
	cmd.RunE = func(cmd *cobra.Command, names []string) error {
		return runLogs(cmd.Context(), a, f, names, o)
	}
	return cmd
}

func runLogs(ctx context.Context, a *app, f *target.Flags, names []string, o logsOptions) error {
	options, filter, err := o.Read(a.Now())
	if err != nil {
		return usage(err)
	}
	c, err := f.Find(ctx, target.Working{})
	if err != nil {
		return err
	}
	defer c.Close()
	if options.Servers, err = c.Choose(ctx, names...); err != nil {
		return err
	}
	lines := terminal.NewLines(a.Out, a.Now, options.Servers...)
	lines.Filter, lines.Raw = filter, o.raw
	if !o.raw && (len(names) > 0 || o.Tail != "" || o.Since != "") {
		c.Introduced(ctx, lines.Learn)
	}
	err = c.Said(ctx, options, func(all []logs.Entry) {
		for _, e := range all {
			lines.Learn(e)
		}
		for _, e := range all {
			lines.Print(e)
		}
	}, lines.Print)
	if o.Follow && ctx.Err() != nil {
		return nil // which is how it ends
	}
	return errors.Join(err, ctx.Err())
}
