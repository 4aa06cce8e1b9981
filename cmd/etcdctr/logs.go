package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/runtime"
)

type logsOptions struct {
	follow      bool
	since, tail string
}

func newLogsCommand(a *app) *cobra.Command {
	var o logsOptions
	cmd := &cobra.Command{
		Use:   "logs [MEMBER...]",
		Short: "Print the logs of all members, or of those named",
		Example: `  etcdctr logs --since 10m
  etcdctr logs -f etcd1`,
	}
	cmd.Flags().BoolVarP(&o.follow, "follow", "f", false, "go on until Ctrl-C") // as with everybody's logs
	f := addClusterFlags(cmd)
	cmd.Flags().StringVar(&o.since, "since", "", "only what is not older: a duration such as 10m, or a time in RFC 3339")
	cmd.Flags().StringVar(&o.tail, "tail", "", "only so many last lines of each member")
	cmd.ValidArgsFunction = completeMembers(a, f)
	cmd.RunE = func(cmd *cobra.Command, names []string) error {
		return runLogs(cmd.Context(), a, f, names, o)
	}
	return cmd
}

func runLogs(ctx context.Context, a *app, f *clusterFlags, names []string, o logsOptions) error {
	options, err := o.read(a.now())
	if err != nil {
		return err
	}
	c, err := f.find(ctx, a, working{})
	if err != nil {
		return err
	}
	defer c.close()
	chosen, err := c.choose(ctx, names)
	if err != nil {
		return err
	}
	options.Servers = chosen
	lines := newMemberLines(a.out, chosen)
	err = c.Runtime().Logs(ctx, c.name(), options, func(l runtime.Line) { lines.print(l.Server, l.Text) })
	return errors.Join(err, ctx.Err())
}

// read reads the options as the docker command does, and names all that is
// wrong with them.
func (o logsOptions) read(now time.Time) (runtime.LogOptions, error) {
	options := runtime.LogOptions{Follow: o.follow, Tail: -1}
	var errs []error
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
	return options, usage(errors.Join(errs...))
}
