package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/docker/go-units"
	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/health"
	"github.com/etcdctr/etcdctr/stack"
)

type healthOptions struct {
	cluster  *clusterFlags
	format   string
	watch    bool
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
that holds.`,
		Example: `  etcdctr health
  etcdctr health --watch --interval 5s
  etcdctr health --format json | jq .failures`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runHealth(cmd.Context(), a, o)
		},
	}
	o.cluster = addClusterFlags(cmd)
	addFormatFlag(cmd, &o.format)
	flags := cmd.Flags()
	flags.BoolVarP(&o.watch, "watch", "w", false, "ask again and again until Ctrl-C")
	flags.DurationVar(&o.interval, "interval", 2*time.Second, "with --watch, the time between two rounds")
	flags.DurationVar(&o.timeout, "timeout", health.DefaultTimeout, "how long each member may take to answer")
	return cmd
}

func runHealth(ctx context.Context, a *app, o healthOptions) error {
	if o.timeout <= 0 || o.interval <= 0 {
		return usage(errors.New("--timeout and --interval must be longer than nothing, such as 5s"))
	}
	r, err := a.reach(ctx, o.cluster, stack.AutoRoute)
	if err != nil {
		return err
	}
	defer r.close(a)
	expected := r.expected()
	expected.Timeout, expected.Now = o.timeout, a.now
	if o.watch {
		return a.watchHealth(ctx, expected, o)
	}
	report := expected.Check(ctx)
	if err := ctx.Err(); err != nil {
		return err
	}
	return errors.Join(a.printHealth(report, o.format), a.verdict(report))
}

// watchHealth prints one report after the other until it is interrupted.
func (a *app) watchHealth(ctx context.Context, expected health.Cluster, o healthOptions) error {
	again := time.NewTicker(o.interval)
	defer again.Stop()
	for {
		report := expected.Check(ctx)
		if err := ctx.Err(); err != nil {
			return err
		}
		a.say("%s", report.Time.Format(time.TimeOnly))
		if err := a.printHealth(report, o.format); err != nil {
			return err
		}
		if err := a.verdict(report); err != nil {
			a.fail(err)
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// verdict says that the cluster is healthy, or gives what is wrong as an error.
func (a *app) verdict(r health.Report) error {
	for _, w := range r.Warnings {
		a.warn("%s", w)
	}
	if !r.Healthy {
		return errors.New(strings.Join(r.Failures, "\n"))
	}
	a.say("healthy: cluster %s, %s, led by %s", r.ClusterID, plural(len(r.Members), "member"), r.Leader)
	return nil
}

func (a *app) printHealth(r health.Report, format string) error {
	if format == formatJSON {
		return a.printJSON(r)
	}
	var rows [][]string
	for _, m := range r.Members {
		rows = append(rows, healthRow(r, m))
	}
	a.printTable([]string{"member", "role", "version", "read", "db size", "raft index", "behind", "clock", "cert days", "alarms"}, rows)
	return nil
}

const unknown = "-"

func healthRow(r health.Report, m health.MemberReport) []string {
	certDays, clock, read := unknown, unknown, "failed"
	if left, ok := m.DaysLeft(); ok {
		certDays = fmt.Sprint(left)
	}
	if m.Error != "" {
		return []string{m.Name, "silent", unknown, unknown, unknown, unknown, unknown, unknown, certDays, unknown}
	}
	if m.ReadMillis > 0 {
		read = fmt.Sprintf("%.1f ms", m.ReadMillis)
	}
	if m.ClockAheadMillis != nil {
		clock = fmt.Sprintf("%+d s", *m.ClockAheadMillis/1000)
	}
	size := units.BytesSize(float64(m.DBSize))
	if m.DBQuota > 0 {
		size += " of " + units.BytesSize(float64(m.DBQuota))
	}
	alarms := unknown
	if len(m.Alarms) > 0 {
		alarms = strings.Join(m.Alarms, ",")
	}
	return []string{
		m.Name, m.Role, m.Version, read, size,
		fmt.Sprint(m.RaftIndex), fmt.Sprint(r.Lag(m)), clock, certDays, alarms,
	}
}
