package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/cmd/internal/target"
	"github.com/etcdctr/etcdctr/cmd/internal/terminal"
	"github.com/etcdctr/etcdctr/cmd/internal/typed"
	"github.com/etcdctr/etcdctr/logs"
	"github.com/etcdctr/etcdctr/runtime"
)

type logsOptions struct {
	follow, raw              bool
	since, tail, level, grep string
}

func newLogsCommand(a *app) *cobra.Command {
	o := logsOptions{level: logs.Levels[0]}
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
	flags.BoolVarP(&o.follow, "follow", "f", false, "go on until Ctrl-C") // as with everybody's logs
	f := a.Finding(cmd)
	f.Bears = true
	flags.StringVar(&o.since, "since", "", "only what is not older: a duration such as 10m, or a time in RFC 3339")
	flags.StringVar(&o.tail, "tail", "", "only so many last lines of each member, before --level and --grep choose among them")
	flags.Var(&typed.Choice{Value: &o.level, Of: logs.Levels}, "level", "the least grave that is shown: debug, info, warn, error or fatal")
	flags.StringVar(&o.grep, "grep", "", "only lines that this regular expression matches")
	flags.BoolVar(&o.raw, "raw", false, "print lines as they were written")
	cmd.ValidArgsFunction = f.Members
	cmd.RunE = func(cmd *cobra.Command, names []string) error {
		return runLogs(cmd.Context(), a, f, names, o)
	}
	return cmd
}

func runLogs(ctx context.Context, a *app, f *target.Flags, names []string, o logsOptions) error {
	options, filter, err := o.read(a.Now())
	if err != nil {
		return err
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
	err = c.Said(ctx, options, func(all []logs.Entry) {
		for _, e := range all {
			lines.Learn(e)
		}
		for _, e := range all {
			lines.Print(e)
		}
	}, lines.Print)
	if o.follow && ctx.Err() != nil {
		return nil // which is how it ends
	}
	return errors.Join(err, ctx.Err())
}

// read reads the options as the docker command does, and names all that is
// wrong with them.
func (o logsOptions) read(now time.Time) (runtime.LogOptions, logs.Filter, error) {
	options := runtime.LogOptions{Follow: o.follow, Tail: -1}
	filter := logs.Filter{Level: logs.ParseLevel(o.level)}
	var errs []error
	if o.grep != "" {
		var err error
		if filter.Grep, err = regexp.Compile(o.grep); err != nil {
			errs = append(errs, fmt.Errorf("--grep %q is no regular expression: %w", o.grep, err))
		}
	}
	if o.tail != "" && o.tail != "all" {
		n, err := strconv.Atoi(o.tail)
		if err != nil || n < 0 {
			errs = append(errs, fmt.Errorf("--tail must be a number of lines, not %q", o.tail))
		}
		options.Tail = n
	}
	if o.since != "" {
		age, err := time.ParseDuration(o.since)
		options.Since = now.Add(-age)
		if err != nil {
			if options.Since, err = time.Parse(time.RFC3339, o.since); err != nil {
				errs = append(errs, fmt.Errorf("--since must be a duration such as 10m or a time in RFC 3339, not %q", o.since))
			}
		}
	}
	return options, filter, usage(errors.Join(errs...))
}
