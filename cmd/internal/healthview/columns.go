// Package healthview shows a person how members are: a report of package health as a
// table, or on a screen where one report takes the place of the other, and how each
// server stands.
package healthview

import (
	"fmt"
	"strings"

	"github.com/docker/go-units"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/etcdctr/etcdctr/cmd/internal/terminal"
	"github.com/etcdctr/etcdctr/health"
	"github.com/etcdctr/etcdctr/internal/lifespan"
)

// healthColumn is one thing that is told of a member.
type healthColumn struct {
	name   string
	silent bool // told of one that does not answer too
	cell   func(health.Report, health.MemberReport) string
	wrong  func(health.MemberReport) bool // may be nil
	// watched is its colour on the screen of --watch, 0 for none; nil: it is not there.
	watched func(health.Report, health.MemberReport) text.Color
	trail   bool // the screen shows the last reads behind it
}

// healthColumns are what is told of each member.
var healthColumns = []healthColumn{
	{name: "member", silent: true, watched: plain, cell: func(_ health.Report, m health.MemberReport) string { return m.Name }},
	{name: "role", silent: true, watched: signColour, cell: roleCell, wrong: func(m health.MemberReport) bool { return m.Error != "" }},
	{name: "version", watched: versionColour, cell: func(_ health.Report, m health.MemberReport) string { return m.Version }},
	{name: "read", watched: plain, trail: true, cell: readCell, wrong: func(m health.MemberReport) bool { return m.ReadMillis == 0 && m.Role != health.Learner }},
	{name: "db size", watched: plain, cell: sizeCell},
	{name: "raft index", cell: func(_ health.Report, m health.MemberReport) string { return fmt.Sprint(m.RaftIndex) }},
	{name: "behind", watched: plain, cell: func(r health.Report, m health.MemberReport) string { return fmt.Sprint(r.Lag(m)) }},
	{name: "clock", cell: clockCell},
	{name: "cert days", silent: true, watched: certDaysColour, cell: certDaysCell},
	{name: "alarms", watched: alarmsColour, cell: alarmsCell, wrong: func(m health.MemberReport) bool { return len(m.Alarms) > 0 }},
}

// of is the column's cell of a member, and whether anything is known.
func (c healthColumn) of(r health.Report, m health.MemberReport) (cell string, known bool) {
	if m.Error != "" && !c.silent {
		return terminal.Unknown, false
	}
	return c.cell(r, m), true
}

func (c healthColumn) colour(m health.MemberReport) text.Colors {
	switch {
	case c.wrong == nil:
		return nil
	case c.wrong(m):
		return terminal.Bad
	}
	return terminal.Good
}

// Table gives a report as rows under a header, with colours where they are wanted.
func Table(r health.Report, tint func(text.Colors, string) string) (header []string, rows [][]string) {
	for _, c := range healthColumns {
		header = append(header, c.name)
	}
	for _, m := range r.Members {
		var row []string
		for _, c := range healthColumns {
			cell, known := c.of(r, m)
			if known {
				cell = tint(c.colour(m), cell)
			}
			row = append(row, cell)
		}
		rows = append(rows, row)
	}
	return header, rows
}

func plain(health.Report, health.MemberReport) text.Color { return 0 }

func signColour(_ health.Report, m health.MemberReport) text.Color {
	_, colour := signOf(m)
	return colour
}

func versionColour(r health.Report, m health.MemberReport) text.Color {
	return coloured(older(r, m), text.FgYellow)
}

func certDaysColour(_ health.Report, m health.MemberReport) text.Color {
	left, ok := m.DaysLeft()
	return coloured(ok && left < 30, text.FgYellow)
}

func alarmsColour(_ health.Report, m health.MemberReport) text.Color {
	return coloured(len(m.Alarms) > 0, text.FgRed)
}

func coloured(is bool, colour text.Color) text.Color {
	if is {
		return colour
	}
	return 0
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
		return terminal.Unknown
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
		return terminal.Unknown
	}
	return fmt.Sprintf("%+d s", *m.ClockAheadMillis/1000)
}

func certDaysCell(r health.Report, m health.MemberReport) string {
	if end, ok := m.CertificatesEnd(); ok {
		return lifespan.Cell(end.Sub(r.Time))
	}
	return terminal.Unknown
}

func alarmsCell(_ health.Report, m health.MemberReport) string {
	if len(m.Alarms) == 0 {
		return terminal.Unknown
	}
	return strings.Join(m.Alarms, ",")
}
