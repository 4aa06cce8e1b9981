// Package planview shows what package converge does, or would do, to a person: a plan as
// what becomes of the cluster, and a step on the way.
package planview

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/etcdctr/etcdctr/cmd/internal/terminal"
	"github.com/etcdctr/etcdctr/converge"
)

// Print shows a plan as what becomes of the cluster: what is added to it, what is taken
// away and what is changed. What only waits or looks has no mark.
func Print(out io.Writer, steps converge.Steps, tint func(text.Colors, string) string) {
	for i, s := range steps {
		m := marks[s.Kind]
		mark := cmp.Or(m.mark, " ")
		fmt.Fprintf(out, "%s\n", tint(m.colour, fmt.Sprintf("%s %2d. %s", mark, i+1, s)))
	}
}

var marks = map[converge.Kind]struct {
	mark   string
	colour text.Colors
}{
	converge.Apply: {"~", terminal.Odd}, converge.Begin: {"~", terminal.Odd}, converge.End: {"~", terminal.Odd}, converge.SetAside: {"~", terminal.Odd},
	converge.UpdatePeers: {"~", terminal.Odd}, converge.MoveLeader: {"~", terminal.Odd}, converge.AllowLower: {"~", terminal.Odd},
	converge.ForbidLower: {"~", terminal.Odd}, converge.RefreshStore: {"~", terminal.Odd}, converge.Promote: {"~", terminal.Odd},
	converge.Join: {"+", terminal.Good}, converge.AddLearner: {"+", terminal.Good},
	converge.Remove: {"-", terminal.Bad}, converge.RemoveMember: {"-", terminal.Bad}, converge.Delete: {"-", terminal.Bad},
	converge.Fill: {"~", terminal.Odd}, converge.Keep: {"+", terminal.Good},
	converge.PutRole: {"~", terminal.Odd}, converge.PutUser: {"~", terminal.Odd}, converge.DropRole: {"-", terminal.Bad}, converge.DropUser: {"-", terminal.Bad},
	converge.TurnUsersOn: {"~", terminal.Odd}, converge.TurnUsersOff: {"~", terminal.Odd},
}

// Step is what a board shows of a step, of the cluster where it is about nobody else.
func Step(e converge.Event, otherwise string) terminal.Step {
	s := terminal.Step{
		Item: cmp.Or(e.Step.About(), strings.TrimPrefix(e.Step.To, "v"), otherwise), Action: string(e.Step.Kind), Detail: e.Step.Cause,
		Done: e.Kind == converge.Ends && e.Err == nil, Whole: true,
	}
	if share, known := e.Share(); known && e.Kind == converge.Moves {
		s.Detail = fmt.Sprintf("%.0f %% in step", 100*share)
	}
	if e.CatchUp.Unheard {
		s.Detail = "it would wait 7 s for what has come already, and starts once more"
	}
	if e.Reads > 0 {
		s.Detail = "still reads its data, of " + terminal.HumanBytes(e.Reads)
	}
	if e.Where != "" {
		s.Detail = "kept at " + e.Where
	}
	return s
}
