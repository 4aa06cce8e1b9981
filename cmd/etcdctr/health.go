package main

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/cmd/internal/healthview"
	"github.com/etcdctr/etcdctr/cmd/internal/target"
	"github.com/etcdctr/etcdctr/cmd/internal/terminal"
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
		return err
	}
	if o.watch {
		return a.watchHealth(ctx, w.Round, o, c.Name())
	}
	return errors.Join(a.printHealth(report, o.format), a.verdict(report))
}

// watchHealth shows one report after the other until it is interrupted, which is how
// it ends: in place on a terminal, and elsewhere as tables or as lines of JSON.
func (a *app) watchHealth(ctx context.Context, check func(context.Context) health.Report, o healthOptions, name string) error {
	show := a.printRound
	if o.format == typed.JSONFormat {
		show = func(r health.Report) error { return a.PrintJSONLine(r) }
	} else if s := healthview.NewScreen(a.Out, name, o.interval); s != nil {
		show = s.Show
	}
	again := time.NewTicker(o.interval)
	defer again.Stop()
	for {
		report := check(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err := show(report); err != nil {
			return err
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// printRound prints a report among others.
func (a *app) printRound(r health.Report) error {
	a.Say("%s", r.Time.Format(time.TimeOnly))
	if err := a.printHealth(r, typed.TableFormat); err != nil {
		return err
	}
	if err := a.verdict(r); err != nil {
		a.Fail(err)
	}
	return nil
}

// verdict says that the cluster is healthy, or gives what is wrong as an error.
func (a *app) verdict(r health.Report) error {
	for _, w := range r.Warnings {
		a.Warn("%s", w)
	}
	if n := r.Serving(); !r.Healthy && n > 0 && r.Leader != "" {
		a.Say("%d of %s serve, led by %s: there is a quorum", n, terminal.Plural(r.Size(), "member"), r.Leader)
	}
	if !r.Healthy {
		return errors.New(strings.Join(r.Failures, "\n"))
	}
	a.Say("healthy: cluster %s, %s, led by %s", r.ClusterID, terminal.Plural(len(r.Members), "member"), r.Leader)
	return nil
}

func (a *app) printHealth(r health.Report, format string) error {
	return a.Result(format, r, a.Table(healthview.Table(r, a.Tint)))
}
