package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/stack"
)

func newLogsCommand(a *app) *cobra.Command {
	var o stack.LogOptions
	cmd := &cobra.Command{
		Use:   "logs [MEMBER...]",
		Short: "Print the logs of all members, or of those named",
		Example: `  etcdctr logs --since 10m
  etcdctr logs -f etcd1`,
	}
	cmd.Flags().BoolVarP(&o.Follow, "follow", "f", false, "go on until Ctrl-C") // as with everybody's logs
	f := &stackFlags{cluster: addClusterFlags(cmd)}
	cmd.Flags().StringVar(&o.Since, "since", "", "only what is not older: a duration such as 10m, or a time in RFC 3339")
	cmd.Flags().StringVar(&o.Tail, "tail", "", "only so many last lines of each member")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return runLogs(cmd.Context(), a, f, args, o)
	}
	return cmd
}

func runLogs(ctx context.Context, a *app, f *stackFlags, names []string, o stack.LogOptions) error {
	r, err := f.runner(ctx, a)
	if err != nil {
		return err
	}
	defer r.close()
	return r.logs(ctx, a, names, o)
}

func (d *driven) logs(ctx context.Context, a *app, names []string, o stack.LogOptions) error {
	s, err := d.observe(ctx)
	if err != nil {
		return err
	}
	chosen, err := choose(s, names)
	if err != nil {
		return err
	}
	names = nil
	for _, c := range chosen {
		names = append(names, c.Service)
	}
	lines := newMemberLines(a.out, names)
	return stack.Logs(ctx, d.engine, chosen, o, func(c stack.Container, line string) { lines.print(c.Service, line) })
}
