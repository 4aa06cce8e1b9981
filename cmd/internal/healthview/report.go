package healthview

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/etcdctr/etcdctr/cmd/internal/hints"
	"github.com/etcdctr/etcdctr/cmd/internal/terminal"
	"github.com/etcdctr/etcdctr/health"
	"github.com/etcdctr/etcdctr/internal/listed"
)

// Watch shows one report after the other until it is interrupted, which is how
// it ends: in place on a terminal, and elsewhere as tables or as lines of JSON.
func Watch(ctx context.Context, c *terminal.Console, check func(context.Context) health.Report, name string, every time.Duration, format string) error {
	show := func(r health.Report) error { return round(c, r) }
	if format == terminal.JSON {
		show = func(r health.Report) error { return c.PrintJSONLine(r) }
	} else if s := NewScreen(c.Out, name, every); s != nil {
		show = func(r health.Report) error { return s.Show(Retyped(c, r)) }
	}
	again := time.NewTicker(every)
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

// Retyped is a report with its commands as they have to be typed here.
func Retyped(c *terminal.Console, r health.Report) health.Report {
	for _, lines := range []*[]string{&r.Failures, &r.Warnings, &r.Remarks} {
		*lines = slices.Clone(*lines)
		for i, line := range *lines {
			(*lines)[i] = c.Voice.Retyped(line)
		}
	}
	return r
}

// round prints a report among others.
func round(c *terminal.Console, r health.Report) error {
	c.Say("%s", r.Time.Format(time.TimeOnly))
	if err := Print(c, r, ""); err != nil {
		return err
	}
	if err := Verdict(c, r); err != nil {
		c.Fail(err)
	}
	return nil
}

// Verdict says that the cluster is healthy, or gives what is wrong as an error.
func Verdict(c *terminal.Console, r health.Report) error {
	for _, w := range r.Warnings {
		c.Warn("%s", w)
	}
	for _, remark := range r.Remarks {
		c.Say("%s", remark)
	}
	if n := r.Serving(); !r.Healthy && n > 0 && r.Leader != "" {
		c.Say("%d of %s %s, led by %s: there is a quorum", n, terminal.Plural(r.Size(), "member"), listed.Of(n, "serves", "serve"), r.Leader)
	}
	if !r.Healthy {
		err := errors.New(strings.Join(r.Failures, "\n"))
		if slices.ContainsFunc(r.Members, func(m health.MemberReport) bool { return m.Error != "" && !m.Left }) {
			err = hints.With(err, "`etcdctr doctor` tells why a member is away")
		}
		return err
	}
	c.Say("healthy: cluster %s, %s, led by %s", r.ClusterID, terminal.Plural(len(r.Members), "member"), r.Leader)
	return nil
}

// Print prints a report.
func Print(c *terminal.Console, r health.Report, format string) error {
	table := func() {}
	if len(r.Members) > 0 {
		table = c.Table(Table(r, c.Tint))
	}
	return c.Result(format, r, table)
}
