package healthview

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-semver/semver"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/etcdctr/etcdctr/cmd/internal/terminal"
	"github.com/etcdctr/etcdctr/health"
)

// Screen is a terminal on which one report takes the place of the other, with
// what changed on the way.
type Screen struct {
	screen  *terminal.Screen
	name    string
	every   time.Duration
	last    health.Report
	reads   map[string][]float64 // milliseconds, by member
	changes []string
}

const (
	sparkWidth  = 16
	mostChanges = 5
)

// NewScreen gives one for the cluster of a name, which is drawn anew every so often; nil
// where there is no terminal to draw on.
func NewScreen(out io.Writer, name string, every time.Duration) *Screen {
	screen := terminal.NewScreen(out)
	if screen == nil {
		return nil
	}
	return &Screen{screen: screen, name: name, every: every, reads: map[string][]float64{}}
}

// Show draws a report over the one before.
func (s *Screen) Show(r health.Report) error { return s.screen.Draw(s.lines(r)) }

// lines are those of a report, and what changed since the one before.
func (s *Screen) lines(r health.Report) []string {
	s.remember(r)
	head := s.paint(text.FgGreen, "● healthy")
	if !r.Healthy {
		head = s.paint(text.FgRed, "✕ not healthy")
	}
	if r.Leader != "" {
		head += ", led by " + r.Leader
	}
	lines := []string{s.paint(text.Bold, s.name) + "  " + head + "  " + s.paint(text.Faint, fmt.Sprintf("%s, every %s until Ctrl-C", r.Time.Format(time.TimeOnly), s.every))}
	if len(r.Members) > 0 {
		rows := [][]string{s.headings()}
		for _, m := range r.Members {
			rows = append(rows, s.row(r, m))
		}
		lines = append(append(lines, ""), terminal.Columns(rows)...)
	}
	if len(r.Failures)+len(r.Warnings)+len(r.Remarks) > 0 {
		lines = append(lines, "")
	}
	for _, f := range r.Failures {
		lines = append(lines, s.paint(text.FgRed, "✕ "+f))
	}
	for _, w := range r.Warnings {
		lines = append(lines, s.paint(text.FgYellow, "! "+w))
	}
	for _, remark := range r.Remarks {
		lines = append(lines, s.paint(text.Faint, "  "+remark))
	}
	if len(s.changes) > 0 {
		lines = append(append(lines, ""), s.changes...)
	}
	return lines
}

func (s *Screen) headings() []string {
	var row []string
	for _, c := range watchedColumns() {
		row = append(row, s.paint(text.Faint, strings.ToUpper(c.name)))
		if c.trail {
			row = append(row, s.paint(text.Faint, ""))
		}
	}
	row[0] = "  " + row[0] // where the signs are
	return row
}

func (s *Screen) row(r health.Report, m health.MemberReport) []string {
	var row []string
	for _, c := range watchedColumns() {
		cell, known := c.of(r, m)
		if known {
			cell = s.paint(c.watched(r, m), cell)
		}
		row = append(row, cell)
		if c.trail {
			row = append(row, terminal.Spark(s.reads[m.Name]))
		}
	}
	sign, colour := signOf(m)
	row[0] = s.paint(colour, sign) + " " + row[0]
	return row
}

// watchedColumns are those that the screen has room for.
func watchedColumns() []healthColumn {
	return slices.DeleteFunc(slices.Clone(healthColumns), func(c healthColumn) bool { return c.watched == nil })
}

// signOf tells at a glance, without colours too, how a member is.
func signOf(m health.MemberReport) (string, text.Color) {
	switch {
	case m.Error != "":
		return "✕", text.FgRed
	case m.Role == health.Leader:
		return "★", text.FgGreen
	case m.Role == health.Learner:
		return "◌", text.FgYellow
	}
	return "●", text.FgGreen
}

// older reports whether another member runs a later release.
func older(r health.Report, m health.MemberReport) bool {
	mine, err := semver.NewVersion(m.Version)
	return err == nil && slices.ContainsFunc(r.Members, func(x health.MemberReport) bool {
		theirs, err := semver.NewVersion(x.Version)
		return err == nil && mine.LessThan(*theirs)
	})
}

// remember keeps what is drawn over time, and what changed.
func (s *Screen) remember(r health.Report) {
	for _, m := range r.Members {
		s.reads[m.Name] = lately(s.reads[m.Name], m.ReadMillis)
	}
	if !s.last.Time.IsZero() {
		for _, c := range health.Changes(s.last, r) {
			s.changes = append(s.changes, s.paint(text.Faint, r.Time.Format(time.TimeOnly))+" "+c)
		}
		s.changes = s.changes[max(0, len(s.changes)-mostChanges):]
	}
	s.last = r
}

func lately(values []float64, v float64) []float64 {
	values = append(values, v)
	return values[max(0, len(values)-sparkWidth):]
}

func (s *Screen) paint(c text.Color, t string) string { return s.screen.Paint(c, t) }
