package certs

import (
	"context"
	"slices"
)

// Forecast gives the moves by which Do would do what is asked for, and makes none of
// them: they follow from the files, and from what the members that run say. What comes
// after a Move to Confirm takes that it is done. The errors are Do's.
func (r *Rotation) Forecast(ctx context.Context, how How) ([]Move, error) {
	f, err := r.foresee(ctx)
	if err != nil {
		return nil, err
	}
	switch {
	case how.Abort:
		err = f.abort()
	case how.AtOnce:
		err = f.atOnce()
	case r.Seen() && !how.Single:
		err = f.all()
	case r.After(how) == "":
		err = f.settle()
	default:
		err = f.once(ctx)
	}
	return f.moves, err
}

// foreseen is how the files and the members would be after the moves.
type foreseen struct {
	*Rotation
	files   *state // never written
	answers []Answer
	members []string
	moves   []Move
}

func (r *Rotation) foresee(ctx context.Context) (*foreseen, error) {
	files, err := r.PKI.observe()
	if err != nil {
		return nil, err
	}
	f := &foreseen{Rotation: r, files: files}
	c := f.condition()
	if r.Seen() && c.Replacing() {
		f.answers, err = r.Ask(ctx)
	}
	for _, id := range c.Identities {
		if id.Member != "" && !slices.Contains(f.members, id.Member) {
			f.members = append(f.members, id.Member)
		}
	}
	return f, err
}

func (f *foreseen) condition() Condition {
	c := f.PKI.conditionOf(f.files)
	c.Answers = f.answers
	return c.Of(f.Profiles...)
}

// all goes through the stages as Run does.
func (f *foreseen) all() error {
	c := f.condition()
	begins := !c.Replacing() || f.Authority != nil && len(c.at(Begin))+len(c.at(Switch)) == 0
	if err := f.PKI.wantReady(f.RotateOptions, begins); err != nil {
		return err
	}
	var confirmed []string
	if f.Confirmed {
		confirmed = c.at(Switch)
	}
	if begins {
		if err := f.stage(Begin, f.Profiles...); err != nil {
			return err
		}
	}
	return f.goOn(confirmed)
}

// goOn makes the moves that are left, those behind a Move to Confirm too.
func (f *foreseen) goOn(confirmed []string) error {
	for {
		c := f.condition()
		waiting := without(without(c.at(Switch), confirmed), []string{peerCA})
		move := c.Move(len(f.clients(c)) == 0 || len(waiting) == 0)
		switch move.Kind {
		case Done:
			return nil
		case Confirm:
			confirmed = c.at(Switch)
			f.moves = append(f.moves, Move{Kind: Confirm, Authorities: waiting, Clients: f.clients(c)})
		case Restart:
			f.moves, f.answers = append(f.moves, move), nil
		default:
			if err := f.stage(c.stageAfter(move), profilesOf(move.Authorities)...); err != nil {
				return err
			}
		}
	}
}

func (f *foreseen) abort() error {
	was := f.condition()
	if !was.Replacing() {
		return ErrIdle
	}
	if err := f.stage(abort, f.Profiles...); err != nil || !f.Seen() {
		return err
	}
	return f.goOn(nil)
}

func (f *foreseen) atOnce() error {
	if err := f.PKI.wantReady(f.RotateOptions, true); err != nil {
		return err
	}
	if f.Stop != nil {
		f.moves = append(f.moves, Move{Kind: StopAll, Members: f.members})
	}
	for _, stage := range []Stage{Begin, Switch, Finish, settle} {
		if err := f.stage(stage, f.Profiles...); err != nil {
			return err
		}
	}
	if f.Start != nil {
		f.moves = append(f.moves, Move{Kind: StartAll, Members: f.members})
	}
	return nil
}

func (f *foreseen) settle() error {
	if !f.Restarted {
		return &UnseenError{Settles: true}
	}
	return f.stage(settle, f.Profiles...)
}

func (f *foreseen) once(ctx context.Context) error {
	if !f.Seen() && f.Stage == Switch && !f.Restarted {
		return &UnseenError{}
	}
	if f.Seen() {
		if err := f.Ready(ctx); err != nil {
			return err
		}
	}
	return f.stage(f.Stage, f.Profiles...)
}

// stage does one in memory, of those authorities that it is about.
func (f *foreseen) stage(stage Stage, profiles ...Profile) error {
	o := RotateOptions{Stage: stage, Profiles: profiles}
	if stage == Begin {
		o = f.RotateOptions
		o.Stage = Begin
	}
	before := f.condition()
	if _, err := f.PKI.rotateIn(f.files, o); err != nil {
		return err
	}
	move := Move{Kind: DoStage, Stage: stage}
	switch stage {
	case abort:
		move = Move{Kind: GoBack}
	case settle:
		move = Move{Kind: Settle}
	}
	for _, a := range f.condition().Of(profiles...).Authorities {
		was := before.stageOf(a.Name)
		if a.Stage == was {
			continue
		}
		move.Authorities = append(move.Authorities, a.Name)
		f.answer(a.Name, stage, was)
	}
	f.moves = append(f.moves, move)
	return nil
}

// answer is what members would say of an authority after a stage: of what they have
// read when they started.
func (f *foreseen) answer(authority string, stage, was Stage) {
	about := func(a Answer) bool { return a.Authority == authority }
	knew := slices.Clone(f.answers)
	f.answers = slices.DeleteFunc(f.answers, about)
	for _, m := range f.members {
		told := Answer{Member: m, Authority: authority, Role: Next}
		if stage == Finish || stage == abort {
			told.Role, told.Trusts = Gone, true
		}
		if stage == abort && was == Begin { // who was not restarted yet has nothing to forget
			told.Trusts = slices.Contains(knew, Answer{Member: m, Authority: authority, Role: Next, Trusts: true})
		}
		if stage != Switch && stage != settle {
			f.answers = append(f.answers, told)
		}
	}
}

// stageOf is how far the replacement of an authority has come.
func (c Condition) stageOf(authority string) Stage {
	i := slices.IndexFunc(c.Authorities, func(a Standing) bool { return a.Name == authority })
	if i < 0 {
		return ""
	}
	return c.Authorities[i].Stage
}

// stageAfter is the stage that comes after that of a move's authorities.
func (c Condition) stageAfter(move Move) Stage {
	return map[Stage]Stage{Begin: Switch, Switch: Finish, Finish: settle}[c.stageOf(move.Authorities[0])]
}
