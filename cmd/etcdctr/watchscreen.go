package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-semver/semver"
	"github.com/jedib0t/go-pretty/v6/text"
	"golang.org/x/term"

	"github.com/etcdctr/etcdctr/health"
)

// watchScreen is a terminal on which one report takes the place of the other, in as
// many lines as it needs: what was there before stays above, and the last report
// stays when the command ends.
type watchScreen struct {
	out     io.Writer
	size    func() (width, height int)
	colours bool
	name    string

	drawn   int // lines of the last report
	last    health.Report
	reads   map[string][]float64 // milliseconds, by member
	changes []string
}

const (
	sparkWidth  = 16
	mostChanges = 5
)

// newWatchScreen gives nil where there is no terminal to draw on.
func (a *app) newWatchScreen(name string) *watchScreen {
	f, ok := a.out.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return nil
	}
	return &watchScreen{
		out: f, name: name, colours: colourful(f), reads: map[string][]float64{},
		size: func() (int, int) {
			width, height, err := term.GetSize(int(f.Fd()))
			if err != nil {
				return 80, 24
			}
			return width, height
		},
	}
}

// show draws a report over the one before. It takes no more lines than there are, or
// the first of them could not be reached again.
func (s *watchScreen) show(r health.Report) error {
	width, height := s.size()
	lines := s.lines(r)
	if most := max(1, height-2); len(lines) > most {
		lines = append(lines[:most:most], s.paint(text.Faint, fmt.Sprintf("… %d more lines", len(lines)-most)))
	}
	var b strings.Builder
	if s.drawn > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", s.drawn)
	}
	for _, l := range lines {
		b.WriteString("\r\x1b[2K" + text.Trim(l, width) + "\n")
	}
	b.WriteString("\x1b[J")
	s.drawn = len(lines)
	_, err := io.WriteString(s.out, b.String())
	return err
}

// lines are those of a report, and what changed since the one before.
func (s *watchScreen) lines(r health.Report) []string {
	s.remember(r)
	head := s.paint(text.FgGreen, "● healthy")
	if !r.Healthy {
		head = s.paint(text.FgRed, "✕ not healthy")
	}
	if r.Leader != "" {
		head += ", led by " + r.Leader
	}
	lines := []string{s.paint(text.Bold, s.name) + "  " + head + "  " + s.paint(text.Faint, r.Time.Format(time.TimeOnly))}
	if len(r.Members) > 0 {
		rows := [][]string{s.headings()}
		for _, m := range r.Members {
			rows = append(rows, s.row(r, m))
		}
		lines = append(append(lines, ""), columns(rows)...)
	}
	if len(r.Failures)+len(r.Warnings) > 0 {
		lines = append(lines, "")
	}
	for _, f := range r.Failures {
		lines = append(lines, s.paint(text.FgRed, "✕ "+f))
	}
	for _, w := range r.Warnings {
		lines = append(lines, s.paint(text.FgYellow, "! "+w))
	}
	if len(s.changes) > 0 {
		lines = append(append(lines, ""), s.changes...)
	}
	return lines
}

func (s *watchScreen) headings() []string {
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

func (s *watchScreen) row(r health.Report, m health.MemberReport) []string {
	var row []string
	for _, c := range watchedColumns() {
		cell, known := c.of(r, m)
		if known {
			cell = s.paint(c.watched(r, m), cell)
		}
		row = append(row, cell)
		if c.trail {
			row = append(row, spark(s.reads[m.Name]))
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
func (s *watchScreen) remember(r health.Report) {
	for _, m := range r.Members {
		s.reads[m.Name] = lately(s.reads[m.Name], m.ReadMillis)
	}
	if !s.last.Time.IsZero() {
		for _, c := range changesBetween(s.last, r) {
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

// changesBetween tells in words what is not as it was.
func changesBetween(before, now health.Report) []string {
	var all []string
	if before.Leader != now.Leader && now.Leader != "" {
		all = append(all, now.Leader+" leads")
	}
	for _, m := range now.Members {
		i := slices.IndexFunc(before.Members, func(x health.MemberReport) bool { return x.Name == m.Name })
		if i < 0 {
			all = append(all, m.Name+" is new")
			continue
		}
		was := before.Members[i]
		switch {
		case was.Error == "" && m.Error != "":
			all = append(all, m.Name+" is silent")
		case was.Error != "" && m.Error == "":
			all = append(all, m.Name+" answers again")
		case was.Version != m.Version && m.Error == "" && was.Error == "":
			all = append(all, fmt.Sprintf("%s runs %s, and ran %s", m.Name, m.Version, was.Version))
		case was.Role == health.Learner && m.Role == health.Follower:
			all = append(all, m.Name+" has a vote")
		}
		if len(was.Alarms) != len(m.Alarms) {
			all = append(all, m.Name+" has the alarms "+alarmsCell(now, m))
		}
	}
	for _, m := range before.Members {
		if !slices.ContainsFunc(now.Members, func(x health.MemberReport) bool { return x.Name == m.Name }) {
			all = append(all, m.Name+" is gone")
		}
	}
	return all
}

var sparks = []rune("▁▂▃▄▅▆▇█")

// spark draws values from zero to their greatest; where a member was silent there is
// a gap.
func spark(values []float64) string {
	if len(values) == 0 {
		return ""
	}
	most := slices.Max(values)
	var b strings.Builder
	for _, v := range values {
		if v == 0 {
			b.WriteByte(' ')
			continue
		}
		b.WriteRune(sparks[min(len(sparks)-1, int(v/most*float64(len(sparks)-1)+0.5))])
	}
	return b.String()
}

// columns aligns cells, whatever colours they have.
func columns(rows [][]string) []string {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], text.StringWidthWithoutEscSequences(cell))
		}
	}
	var lines []string
	for _, row := range rows {
		var b strings.Builder
		for i, cell := range row {
			b.WriteString(cell)
			if i < len(row)-1 && widths[i] > 0 {
				b.WriteString(strings.Repeat(" ", widths[i]-text.StringWidthWithoutEscSequences(cell)+2))
			}
		}
		lines = append(lines, strings.TrimRight(b.String(), " "))
	}
	return lines
}

func (s *watchScreen) paint(c text.Color, t string) string {
	if !s.colours || c == 0 {
		return t
	}
	return c.Sprint(t)
}
