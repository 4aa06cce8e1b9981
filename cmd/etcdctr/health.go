package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/docker/go-units"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/health"
)

type healthOptions struct {
	cluster  *clusterFlags
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
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runHealth(cmd.Context(), a, o)
		},
	}
	o.cluster = addFindingFlags(cmd)
	addFormatFlag(cmd, &o.format)
	flags := cmd.Flags()
	flags.BoolVarP(&o.watch, "watch", "w", false, "ask again and again until Ctrl-C")
	flags.BoolVar(&o.deep, "deep", false, "have the members hash all their data as well, and compare")
	flags.DurationVar(&o.interval, "interval", 2*time.Second, "with --watch, the time between two rounds")
	flags.DurationVar(&o.timeout, "timeout", health.DefaultTimeout, "how long each member may take to answer")
	return cmd
}

func runHealth(ctx context.Context, a *app, o healthOptions) error {
	if o.timeout <= 0 || o.interval <= 0 {
		return usage(errors.New("--timeout and --interval must be longer than nothing, such as 5s"))
	}
	c, err := o.cluster.find(ctx, a, working{})
	if err != nil {
		return err
	}
	defer c.close()
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
		return a.watchHealth(ctx, w.Round, o, c.name())
	}
	return errors.Join(a.printHealth(report, o.format), a.verdict(report))
}

// watchHealth shows one report after the other until it is interrupted, which is how
// it ends: in place on a terminal, and elsewhere as tables or as lines of JSON.
func (a *app) watchHealth(ctx context.Context, check func(context.Context) health.Report, o healthOptions, name string) error {
	show := a.printRound
	if o.format == formatJSON {
		show = func(r health.Report) error { return a.printJSONLine(r) }
	} else if s := a.newWatchScreen(name); s != nil {
		show = s.show
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
	a.say("%s", r.Time.Format(time.TimeOnly))
	if err := a.printHealth(r, formatTable); err != nil {
		return err
	}
	if err := a.verdict(r); err != nil {
		a.fail(err)
	}
	return nil
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
	var head []string
	for _, c := range healthColumns {
		head = append(head, c.name)
	}
	var rows [][]string
	for _, m := range r.Members {
		var row []string
		for _, c := range healthColumns {
			if m.Error != "" && !c.silent {
				row = append(row, unknown)
			} else {
				row = append(row, a.tint(c.colour(m), c.cell(r, m)))
			}
		}
		rows = append(rows, row)
	}
	a.printTable(head, rows)
	return nil
}

// healthColumn is one thing that the table tells of a member.
type healthColumn struct {
	name   string
	silent bool // told of one that does not answer too
	cell   func(health.Report, health.MemberReport) string
	wrong  func(health.MemberReport) bool // may be nil
}

func (c healthColumn) colour(m health.MemberReport) text.Colors {
	switch {
	case c.wrong == nil:
		return nil
	case c.wrong(m):
		return bad
	}
	return good
}

// healthColumns are what the table tells of each member. The screen of --watch has fewer,
// with a trail of the reads, and a row of its own: watchScreen.row.
var healthColumns = []healthColumn{
	{"member", true, func(_ health.Report, m health.MemberReport) string { return m.Name }, nil},
	{"role", true, roleCell, func(m health.MemberReport) bool { return m.Error != "" }},
	{"version", false, func(_ health.Report, m health.MemberReport) string { return m.Version }, nil},
	{"read", false, readCell, func(m health.MemberReport) bool { return m.ReadMillis == 0 && m.Role != health.Learner }},
	{"db size", false, sizeCell, nil},
	{"raft index", false, func(_ health.Report, m health.MemberReport) string { return fmt.Sprint(m.RaftIndex) }, nil},
	{"behind", false, func(r health.Report, m health.MemberReport) string { return fmt.Sprint(r.Lag(m)) }, nil},
	{"clock", false, clockCell, nil},
	{"cert days", true, certDaysCell, nil},
	{"alarms", false, alarmsCell, func(m health.MemberReport) bool { return len(m.Alarms) > 0 }},
}

// roleCell tells apart who is silent from who is only about to join.
func roleCell(r health.Report, m health.MemberReport) string {
	if m.Error == "" {
		return m.Role
	}
	for _, k := range r.Membership {
		if k.Name == m.Name && k.Learner {
			return "silent learner"
		}
	}
	return "silent"
}

func readCell(_ health.Report, m health.MemberReport) string {
	switch {
	case m.ReadMillis > 0:
		return fmt.Sprintf("%.1f ms", m.ReadMillis)
	case m.Role == health.Learner: // which is not to answer any
		return unknown
	}
	return "failed"
}

func sizeCell(_ health.Report, m health.MemberReport) string {
	size := units.BytesSize(float64(m.DBSize))
	if m.DBQuota > 0 {
		size += " of " + units.BytesSize(float64(m.DBQuota))
	}
	return size
}

func clockCell(_ health.Report, m health.MemberReport) string {
	if m.ClockAheadMillis == nil {
		return unknown
	}
	return fmt.Sprintf("%+d s", *m.ClockAheadMillis/1000)
}

func certDaysCell(_ health.Report, m health.MemberReport) string {
	if left, ok := m.DaysLeft(); ok {
		return fmt.Sprint(left)
	}
	return unknown
}

func alarmsCell(_ health.Report, m health.MemberReport) string {
	if len(m.Alarms) == 0 {
		return unknown
	}
	return strings.Join(m.Alarms, ",")
}
