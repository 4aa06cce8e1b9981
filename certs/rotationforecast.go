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
	err = rotating{Rotation: r, hands: f}.do(ctx, how, r.After(how))
	return f.moves, err
}

// foreseen are hands that do nothing: how the files and the members would be after the
// moves, which they write down.
type foreseen struct {
	of      *Rotation
	files   *state // never written
	answers []Answer
	members []string
	moves   []Move
	stopped bool // all members are
}

func (r *Rotation) foresee(ctx context.Context) (*foreseen, error) {
	files, err := r.PKI.observe()
	if err != nil {
		return nil, err
	}
	f := &foreseen{of: r, files: files}
	c := f.now()
	if r.Seen() && c.Replacing() {
		f.answers, err = r.Ask(ctx)
	}
	for _, id := range c.Identities {
		there := r.Members == nil || slices.Contains(r.Members, id.Member)
		if id.Member != "" && there && !slices.Contains(f.members, id.Member) {
			f.members = append(f.members, id.Member)
		}
	}
	return f, err
}

func (f *foreseen) now() Condition {
	c := f.of.PKI.conditionOf(f.files)
	c.Answers = f.answers
	return c.Of(f.of.Profiles...)
}

func (f *foreseen) condition() (Condition, error) { return f.now(), nil }

func (f *foreseen) look(context.Context) (Condition, error) { return f.now(), nil }

// rotate does a stage in memory, and tells of those authorities that it is about.
func (f *foreseen) rotate(ctx context.Context, o RotateOptions) error {
	before := f.now()
	if _, err := f.of.PKI.rotateIn(f.files, o); err != nil {
		return err
	}
	move := Move{Kind: DoStage, Stage: o.Stage}
	switch o.Stage {
	case abort:
		move = Move{Kind: GoBack}
	case settle:
		move = Move{Kind: Settle}
	}
	for _, a := range f.now().Of(o.Profiles...).Authorities {
		was := before.stageOf(a.Name)
		if a.Stage == was {
			continue
		}
		move.Authorities = append(move.Authorities, a.Name)
		f.answer(a.Name, o.Stage, was)
	}
	f.moves = append(f.moves, move)
	if f.of.Remake != nil && !f.stopped && o.Stage != settle {
		return f.restart(ctx, f.members)
	}
	return nil
}

func (f *foreseen) restart(_ context.Context, members []string) error {
	f.answers, f.moves = nil, append(f.moves, Move{Kind: Restart, Members: members})
	return nil
}

func (*foreseen) gather(context.Context) error { return nil }

func (f *foreseen) stop(context.Context) error {
	f.stopped = true
	f.all(StopAll)
	return nil
}

func (f *foreseen) start(context.Context) error {
	f.all(StartAll)
	return nil
}

// all is about all members, where they are seen.
func (f *foreseen) all(kind MoveKind) {
	if f.of.Stop != nil {
		f.moves = append(f.moves, Move{Kind: kind, Members: f.members})
	}
}

func (f *foreseen) confirm(m Move) error {
	f.moves = append(f.moves, m)
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
