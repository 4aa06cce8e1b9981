package main

import (
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/jedib0t/go-pretty/v6/text"
	"golang.org/x/term"
)

// memberLines prints what several members say, each line behind its member's
// name, the way process managers do. A single member's lines stand alone.
type memberLines struct {
	out     io.Writer
	members []string
	width   int
	colours bool
}

// memberColours tell neighbours apart on dark and on light terminals.
var memberColours = []text.Color{text.FgCyan, text.FgYellow, text.FgGreen, text.FgMagenta, text.FgBlue}

func newMemberLines(out io.Writer, members []string) *memberLines {
	l := &memberLines{out: out, members: members}
	for _, m := range members {
		l.width = max(l.width, len(m))
	}
	if f, ok := out.(*os.File); ok {
		l.colours = term.IsTerminal(int(f.Fd())) && os.Getenv("NO_COLOR") == ""
	}
	return l
}

func (l *memberLines) print(member, line string) {
	if len(l.members) == 1 {
		fmt.Fprintln(l.out, line)
		return
	}
	name := fmt.Sprintf("%-*s |", l.width, member)
	if i := slices.Index(l.members, member); l.colours && i >= 0 {
		name = memberColours[i%len(memberColours)].Sprint(name)
	}
	fmt.Fprintln(l.out, name, line)
}
