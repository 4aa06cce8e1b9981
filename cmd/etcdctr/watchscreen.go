package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"
	"golang.org/x/term"

	"github.com/etcdctr/etcdctr/health"
)

// watchScreen is a terminal on which one report takes the place of the other, in as
// many lines as it needs: what was there before stays above, and the last report
// stays when the command ends.
type watchScreen struct {
	out     io.Writer
	width   func() int
	colours bool
	name    string

	drawn   int // lines of the last report
	last    health.Report
	reads   map[string][]float64 // milliseconds, by member
	sizes   map[string][]float64 // bytes
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
		out: f, name: name, colours: colourful(f), reads: map[string][]float64{}, sizes: map[string][]float64{},
		width: func() int {
			width, _, err := term.GetSize(int(f.Fd()))
			if err != nil {
				return 80
			}
			return width
		},
	}
}

// show draws a report over the one before.
func (s *watchScreen) show(r health.Report) error {
	lines := s.lines(r)
	var b strings.Builder
	if s.drawn > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", s.drawn)
	}
	for _, l := range lines {
		b.WriteString("\r\x1b[2K" + text.Trim(l, s.width()) + "\n")
	}
	b.WriteString("\x1b[J")
	s.drawn = len(lines)
	_, err := io.WriteString(s.out, b.String())
	return err
}

// lines are those of a report, and what changed since the one before.
func (s *watchScreen) lines(r health.Report) []string {
	s.remember(r)
	head := s.paint(text.FgGreen, "healthy")
	if !r.Healthy {
		head = s.paint(text.FgRed, "not healthy")
	}
	if r.Leader != "" {
		head += ", led by " + r.Leader
	}
	lines := []string{s.paint(text.Bold, s.name) + "  " + head + "  " + s.paint(text.Faint, r.Time.Format(time.TimeOnly)), ""}
	rows := [][]string{{"MEMBER", "ROLE", "VERSION", "READ", "", "DATABASE", "", "BEHIND", "CERT DAYS", "ALARMS"}}
	for _, m := range r.Members {
		rows = append(rows, s.row(r, m))
	}
	lines = append(lines, columns(rows)...)
	for _, f := range r.Failures {
		lines = append(lines, s.paint(text.FgRed, f))
	}
	for _, w := range r.Warnings {
		lines = append(lines, s.paint(text.FgYellow, "warning: "+w))
	}
	if len(s.changes) > 0 {
		lines = append(append(lines, ""), s.changes...)
	}
	return lines
}

func (s *watchScreen) row(r health.Report, m health.MemberReport) []string {
	role := s.paint(roleColours[m.Role], roleCell(r, m))
	if m.Error != "" {
		return []string{m.Name, s.paint(text.FgRed, roleCell(r, m)), unknown, unknown, spark(s.reads[m.Name]), unknown, spark(s.sizes[m.Name]), unknown, certDaysCell(r, m), unknown}
	}
	alarms := alarmsCell(r, m)
	if len(m.Alarms) > 0 {
		alarms = s.paint(text.FgRed, alarms)
	}
	days := certDaysCell(r, m)
	if left, ok := m.DaysLeft(); ok && left < 30 {
		days = s.paint(text.FgYellow, days)
	}
	return []string{m.Name, role, m.Version, readCell(r, m), spark(s.reads[m.Name]), sizeCell(r, m), spark(s.sizes[m.Name]), fmt.Sprint(r.Lag(m)), days, alarms}
}

var roleColours = map[string]text.Color{health.Leader: text.Bold, health.Learner: text.FgYellow}

// remember keeps what is drawn over time, and what changed.
func (s *watchScreen) remember(r health.Report) {
	for _, m := range r.Members {
		s.reads[m.Name] = lately(s.reads[m.Name], m.ReadMillis)
		s.sizes[m.Name] = lately(s.sizes[m.Name], float64(m.DBSize))
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
