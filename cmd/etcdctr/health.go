package main

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/cmd/internal/healthview"
	"github.com/etcdctr/etcdctr/cmd/internal/target"
	"github.com/etcdctr/etcdctr/cmd/internal/typed"
	"github.com/etcdctr/etcdctr/health"
)

type healthOptions struct {
	cluster  *target.Flags
	format   string
	watch    bool
	deep     bool
	interval time.Duration
	timeout  time.Duration
}

func newHealthCommand(a *app) *cobra.Command {
	var o healthOptions
	cmd := &cobra.Command{
		Use:   "health",
		Short: "Tell whether the members are one healthy cluster",
		Long: `health asks every member for itself and compares the answers: each answers a
linearizable read, all are members of one and the same cluster and follow one
leader, nobody is missing and nobody is there who is not expected, there are no
alarms, and raft indexes and clocks are close. It exits with 0 only if all of
that holds. With --deep it also compares the hashes of all that they hold, which
reads it all: members of one cluster can hold different data and not notice. What could
not be compared is a failure then.`,
		Example: `  etcdctr health
  etcdctr health --watch --interval 5s
  etcdctr health --format json | jq .failures`,
		Args: typed.NoArgs,
		RunE: with(a, &o, runHealth),
	}
	o.cluster = a.Finding(cmd)
	o.cluster.Bears = true
	typed.AddFormat(cmd, &o.format)
	flags := cmd.Flags()
	flags.BoolVarP(&o.watch, "watch", "w", false, "ask again and again until Ctrl-C")
	flags.BoolVar(&o.deep, "deep", false, "have the members hash all their data as well, and compare")
	flags.DurationVar(&o.interval, "interval", 2*time.Second, "with --watch, the time between two rounds")
	flags.DurationVar(&o.timeout, "timeout", health.DefaultTimeout, "how long each member may take to answer")
	return cmd
}

func runHealth(ctx context.Context, a *app, o healthOptions, _ []string) error {
	if o.timeout <= 0 || o.interval <= 0 {
		return usage(errors.New("--timeout and --interval must be longer than nothing, such as 5s"))
	}
	c, err := o.cluster.Find(ctx, target.Working{})
	if err != nil {
		return err
	}
	defer c.Close()
	want, err := c.Want(ctx)
	if err != nil {
		return err
	}
	w := c.Watch(etcdctr.WatchOptions{Want: want, Timeout: o.timeout, Deep: o.deep})
	defer w.Leave()
	report, err := w.Check(ctx)
	if err != nil {
		return c.Unanswered(ctx, err)
	}
	if o.watch {
		return healthview.Watch(ctx, a.Console, w.Round, c.Name(), o.interval, o.format)
	}
	return errors.Join(healthview.Print(a.Console, report, o.format), c.Meanwhile(ctx, healthview.Verdict(a.Console, report)))
}
