package terminal

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/etcdctr/etcdctr/logs"
)

// Lines prints what several members say: when, who, how grave, what, and
// what it is about.
type Lines struct {
	out io.Writer
	now func() time.Time
	// Filter chooses, and Raw has entries shown as they were written.
	Filter  logs.Filter
	Raw     bool
	colours bool
	names   logs.Names
	members []string // in the order of their colours
	width   int      // of the longest name
}

// memberColours tell neighbours apart on dark and on light terminals.
var memberColours = []text.Color{text.FgCyan, text.FgYellow, text.FgGreen, text.FgMagenta, text.FgBlue}

var levelColours = map[logs.Level]text.Color{
	logs.Debug: text.Faint, logs.Warn: text.FgYellow, logs.Error: text.FgRed, logs.Fatal: text.FgHiRed,
}

// NewLines gives the lines of members that are known, and of others that come.
func NewLines(out io.Writer, now func() time.Time, members ...string) *Lines {
	l := &Lines{out: out, now: now, colours: Colourful(out)}
	for _, m := range members {
		l.knows(m)
	}
	return l
}

// knows gives the place of a member among all.
func (l *Lines) knows(member string) int {
	if i := slices.Index(l.members, member); i >= 0 {
		return i
	}
	l.members = append(l.members, member)
	l.width = max(l.width, len(member))
	return len(l.members) - 1
}

// Learn takes from an entry by which names members know each other.
func (l *Lines) Learn(e logs.Entry) { l.names.Learn(e) }

// Print shows an entry if it is wanted.
func (l *Lines) Print(e logs.Entry) {
	l.names.Learn(e)
	message := l.names.Put(e.Message)
	fields, rest := l.names.Telling(e, mostFields)
	shown := message
	for _, f := range fields {
		shown += " " + f.Name + "=" + f.Quoted()
	}
	switch {
	case !l.Filter.Wants(e, shown):
	case l.Raw:
		fmt.Fprintln(l.out, e.Text)
	default:
		fmt.Fprintln(l.out, l.head(e), l.paint(levelColours[e.Level], message)+l.tail(fields, rest))
	}
}

const (
	// mostFields are shown of one line, and longestValue characters of each:
	// etcd tells all its settings in one.
	mostFields   = 8
	longestValue = 100
)

// head is when, who and how grave.
func (l *Lines) head(e logs.Entry) string {
	i := l.knows(e.Server)
	at := l.moment(e.Time)
	who := fmt.Sprintf("%-*s", l.width, e.Server)
	grave := fmt.Sprintf("%-5s", e.Level)
	return l.paint(text.Faint, at) + " " + l.paint(memberColours[i%len(memberColours)], who) + " " + l.paint(levelColours[e.Level], grave)
}

// moment is a time as the clock on the wall shows it, with its day unless that is
// today.
func (l *Lines) moment(t time.Time) string {
	const clock = "15:04:05.000"
	if t.IsZero() {
		return strings.Repeat(" ", len(clock))
	}
	now := l.now()
	t = t.In(now.Location())
	if t.YearDay() != now.YearDay() || t.Year() != now.Year() {
		return t.Format(time.DateOnly + " " + clock)
	}
	return t.Format(clock)
}

// tail is what a line is about.
func (l *Lines) tail(fields []logs.Field, rest int) string {
	var b strings.Builder
	for _, f := range fields {
		if value := []rune(f.Value); len(value) > longestValue {
			f.Value = string(value[:longestValue]) + "…"
		}
		b.WriteString(" " + l.paint(text.Faint, f.Name+"=") + f.Quoted())
	}
	if rest > 0 {
		b.WriteString(" " + l.paint(text.Faint, fmt.Sprintf("and %d more", rest)))
	}
	return b.String()
}

func (l *Lines) paint(c text.Color, s string) string {
	if !l.colours || c == 0 {
		return s
	}
	return c.Sprint(s)
}
