package backupview

import "github.com/etcdctr/etcdctr/cmd/internal/terminal"

// Phases shows what a restoration does, each phase as a step of a board; what that comes
// down to is shown where it takes its time, and to programs.
type Phases struct {
	Console *terminal.Console
	Board   terminal.Board

	under string // empty while there may be a question yet: nothing is drawn over it
}

// Tell shows a phase that begins.
func (p *Phases) Tell(phase string) {
	if p.Console.Voice.Machine {
		p.Console.Say("%s", phase)
		return
	}
	if p.under != "" {
		p.Board.Show(terminal.Step{Item: p.under, Whole: true, Done: true})
	}
	p.under = phase
	p.Board.Show(terminal.Step{Item: phase, Whole: true})
}

// Detail shows what a phase comes down to.
func (p *Phases) Detail(what string) {
	switch {
	case p.Console.Voice.Machine:
		p.Console.Say("%s", what)
	case p.under != "":
		p.Board.Show(terminal.Step{Item: what, Part: true})
	}
}
