package planview

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/certs"
	"github.com/etcdctr/etcdctr/cmd/internal/terminal"
	"github.com/etcdctr/etcdctr/converge"
)

// PrintRotation shows the moves of a replacement of authorities as Print shows a plan.
func PrintRotation(out io.Writer, moves []certs.Move, with etcdctr.RotationSteps, tint func(text.Colors, string) string) {
	Print(out, with.Gather, tint)
	for i, m := range moves {
		mark, colour, what := rotationMove(m, with.Restart)
		fmt.Fprintln(out, tint(colour, fmt.Sprintf("%s %2d. %s", mark, len(with.Gather)+i+1, what)))
	}
}

func rotationMove(m certs.Move, restart converge.Steps) (mark string, colour text.Colors, what string) {
	which, who := strings.Join(m.Authorities, ", "), strings.Join(m.Members, ", ")
	switch {
	case m.Stage == certs.Begin:
		return "+", terminal.Good, "begin " + which + ": the next authority comes; every ca.crt holds both"
	case m.Stage == certs.Switch:
		return "~", terminal.Odd, "switch " + which + ": the new one issues all certificates anew; they are shown from the next handshake on"
	case m.Stage == certs.Finish:
		return "-", terminal.Bad, "finish " + which + ": the old one is out of every ca.crt (who still shows a certificate of it is refused)"
	case m.Kind == certs.Restart:
		return "~", terminal.Odd, "restart " + who + ", one by one: they read what they trust when they start" + noticed(restart)
	case m.Kind == certs.Confirm:
		return " ", nil, "wait until clients have their new files, with `etcdctr certs rotate-ca --clients-ready`: " + strings.Join(m.Clients, ", ")
	case m.Kind == certs.GoBack:
		return "-", terminal.Bad, "go back " + which + ": the one of before issues, and the other one is out of every ca.crt"
	case m.Kind == certs.StopAll:
		return "~", terminal.Odd, "stop " + who + " (no request is answered, until they are started)"
	case m.Kind == certs.StartAll:
		return "~", terminal.Odd, "start " + who
	}
	return "~", terminal.Odd, "put away " + which + ": what was taken out is kept in ca/retired"
}

// noticed is what clients notice of steps, each thing once.
func noticed(steps converge.Steps) string {
	var list []string
	for _, s := range steps {
		if n := s.Notice.String(); s.Notice.Kind != "" && !slices.Contains(list, n) {
			list = append(list, n)
		}
	}
	if len(list) == 0 {
		return ""
	}
	return " (" + strings.Join(list, "; ") + ")"
}
