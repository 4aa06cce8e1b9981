package certs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Rotation replaces authorities in a cluster that runs, from the first stage to
// the last. What it knows of the past is in the files, and what is true of the
// members they say themselves: one that was interrupted goes on where it was. An
// authority that its Profiles do not mean stays at the stage that it is at.
type Rotation struct {
	PKI *PKI
	RotateOptions

	// Gather has members run that were stopped, as an interrupted restart leaves one,
	// and waits until all of them serve: no other could be restarted before.
	Gather func(context.Context) error
	// Ask asks the running members about the authorities that are being
	// replaced, see PKI.Ask; nil for members that are not seen, of which only the
	// files are worked on. Restart restarts members one by one, each after
	// the one before it serves again.
	Ask     func(context.Context) ([]Answer, error)
	Restart func(ctx context.Context, members []string) error
	// Stop and Start are for Now: they end all members and start them again. Nil ones
	// have nothing to end.
	Stop, Start func(context.Context) error

	// Restarted says of members that are not seen that all were restarted after the
	// last stage.
	Restarted bool

	// Confirmed says that clients from elsewhere have their new certificates. That
	// counts for authorities which had come to the stage Switch before, since there
	// were none to hand out until then. Otherwise a PKI that has clients besides Own
	// is left at that stage.
	Confirmed bool
	Own       []string // clients that the cluster's own tools use

	Tell func(Report) // may be nil

	confirmed []string // the authorities that Confirmed counts for
}

// UnconfirmedError is the error of a replacement that waits until clients have
// their new certificates.
type UnconfirmedError struct{ Clients []string }

func (e *UnconfirmedError) Error() string {
	return fmt.Sprintf("the old authority is trusted still, because there are clients that may show its certificates: %s", shortList(e.Clients))
}

// Run goes through all stages that are left, or through all. An authority to change
// to is changed to even if the last replacement has one of its own to put away.
func (r *Rotation) Run(ctx context.Context) error {
	c, err := r.condition()
	if err != nil {
		return err
	}
	begins := !c.Replacing() || r.Authority != nil && len(c.at(Begin))+len(c.at(Switch)) == 0
	if err := r.PKI.wantReady(r.RotateOptions, begins); err != nil {
		return err
	}
	if r.Confirmed {
		r.confirmed = c.at(Switch)
	}
	if err := r.Gather(ctx); err != nil {
		return err
	}
	if begins {
		if err := r.stage(ctx, Begin); err != nil {
			return err
		}
	}
	return r.goOn(ctx)
}

func (r *Rotation) tell(report Report) {
	if r.Tell != nil {
		r.Tell(report)
	}
}

// Abort goes back, and lets the members forget the authority that was to be.
func (r *Rotation) Abort(ctx context.Context) error {
	if r.Seen() {
		if err := r.Gather(ctx); err != nil {
			return err
		}
	}
	report, err := r.PKI.AbortRotation(ctx, r.Profiles...)
	if err != nil {
		return err
	}
	r.tell(report)
	if !r.Seen() {
		return nil
	}
	return r.goOn(ctx)
}

// Seen reports whether there are members that can be asked.
func (r *Rotation) Seen() bool { return r.Ask != nil }

// UnseenError is the error of what takes members that trust the new authorities, where
// none is seen and nobody has said that all were restarted.
type UnseenError struct {
	// Settles says that it is about what was taken out, and not about who comes next.
	Settles bool
}

func (e *UnseenError) Error() string {
	if e.Settles {
		return "the last replacement is not over: no member runs here that could be asked whether it trusts still what was taken out"
	}
	return "no member runs here that could be asked whether it trusts the next authority, and one that does not would refuse everybody"
}

// Once does its Stage by itself, once the members are Ready. Its error may be a
// *LaggingError, or an *UnseenError.
func (r *Rotation) Once(ctx context.Context) error {
	if !r.Seen() && r.Stage == Switch && !r.Restarted {
		return &UnseenError{}
	}
	if r.Seen() {
		if err := r.Ready(ctx); err != nil {
			return err
		}
	}
	report, err := r.PKI.RotateCA(ctx, r.RotateOptions)
	if err == nil {
		r.tell(report)
	}
	return err
}

// Settle puts away what was taken out of the trust of members that are not seen. Its
// error may be an *UnseenError.
func (r *Rotation) Settle(ctx context.Context) error {
	if !r.Restarted {
		return &UnseenError{Settles: true}
	}
	report, err := r.PKI.SettleRotation(ctx, r.Profiles...)
	if err == nil {
		r.tell(report)
	}
	return err
}

// How says what of a replacement is done.
type How struct {
	Abort  bool // goes back
	AtOnce bool // see Now
	Single bool // only the Stage, by itself
}

// ErrIdle is the error of going back where nothing is being replaced.
var ErrIdle = errors.New("no authority is being replaced")

// Do does what is asked for, and gives the stage after which a person has to go on;
// empty where nobody has to.
func (r *Rotation) Do(ctx context.Context, how How) (after Stage, err error) {
	after = r.After(how)
	switch {
	case how.Abort:
		idle, err := r.Idle()
		if err == nil && idle {
			err = ErrIdle
		}
		if err == nil {
			err = r.Abort(ctx)
		}
		return after, err
	case how.AtOnce:
		return after, r.Now(ctx, r.Stop, r.Start)
	case r.Seen() && !how.Single:
		return after, r.Run(ctx)
	case after == "":
		return after, r.Settle(ctx)
	}
	return after, r.Once(ctx)
}

// After is the stage after which a person has to go on once Do has done what is asked
// for; empty where nobody has to.
func (r *Rotation) After(how How) Stage {
	switch {
	case how.AtOnce, r.Seen() && !how.Single:
		return ""
	case how.Abort:
		return Finish
	case !how.Single && r.Authority == nil && r.Settles():
		return ""
	}
	return r.Stage
}

// Idle reports whether none of the authorities that are meant is being replaced: there
// is nothing to go back from.
func (r *Rotation) Idle() (bool, error) {
	c, err := r.condition()
	return len(c.Authorities) > 0 && !c.Replacing(), err
}

// Settles reports whether all that is left of a replacement is to put away what was
// taken out.
func (r *Rotation) Settles() bool {
	c, err := r.condition()
	return err == nil && c.Replacing() && len(c.at(Begin))+len(c.at(Switch)) == 0
}

// LaggingError is the error of members that run with trust of an earlier stage.
type LaggingError struct{ Members []string }

func (e *LaggingError) Error() string {
	return fmt.Sprintf("%s: would refuse everybody, because it was not restarted since the stage %s and does not trust the next authority", strings.Join(e.Members, ", "), Begin)
}

// Ready asks the members whether its Stage may be done by itself: none of them may be
// shown a certificate of an authority that it does not trust. Its error may be a
// *LaggingError.
func (r *Rotation) Ready(ctx context.Context) error {
	if r.Stage != Switch {
		return nil
	}
	c, err := r.look(ctx)
	if lagging := c.Lagging(); err == nil && len(lagging) > 0 {
		err = &LaggingError{lagging}
	}
	return err
}

// goOn makes moves until there is none.
func (r *Rotation) goOn(ctx context.Context) error {
	var restarted []string
	for {
		c, err := r.look(ctx)
		if err != nil {
			return err
		}
		waiting := without(without(c.at(Switch), r.confirmed), []string{peerCA}) // whom no client trusts
		move := c.Move(len(r.clients(c)) == 0 || len(waiting) == 0)
		switch move.Kind {
		case Done:
			return nil
		case Confirm:
			return &UnconfirmedError{r.clients(c)}
		case Restart:
			if again := both(restarted, move.Members); len(again) > 0 {
				return fmt.Errorf("%s: restarted, and does not trust what its %s says: does it run with the certificates in %s?", strings.Join(again, ", "), CAFile, r.PKI.Dir)
			}
			restarted = move.Members
			err = r.Restart(ctx, move.Members)
		default:
			restarted = nil
			err = r.follow(ctx, c, move)
		}
		if err != nil {
			return err
		}
	}
}

// condition is that of the authorities that are meant.
func (r *Rotation) condition() (Condition, error) {
	c, err := r.PKI.Condition()
	return c.Of(r.Profiles...), err
}

func (r *Rotation) look(ctx context.Context) (Condition, error) {
	c, err := r.condition()
	if err != nil || !c.Replacing() {
		return c, err
	}
	c.Answers, err = r.Ask(ctx)
	return c.Of(r.Profiles...), err
}

// follow does the stage that comes after that of the move's authorities.
func (r *Rotation) follow(ctx context.Context, c Condition, move Move) error {
	return r.stage(ctx, c.stageAfter(move), move.Authorities...)
}

// stage does one stage, of all authorities that the options mean or of some.
func (r *Rotation) stage(ctx context.Context, stage Stage, authorities ...string) error {
	o := r.RotateOptions
	o.Stage = stage
	if stage != Begin {
		o = RotateOptions{Stage: stage, Profiles: profilesOf(authorities)}
	}
	report, err := r.PKI.rotateTo(ctx, o)
	if err == nil {
		r.tell(report)
	}
	return err
}

// profilesOf are the profiles that lead to authorities.
func profilesOf(authorities []string) []Profile {
	var list []Profile
	for _, name := range authorities {
		if name == peerCA {
			list = append(list, Peer)
		} else {
			list = append(list, Client)
		}
	}
	return list
}

// clients lists those that have to learn of the new authority from somebody.
func (r *Rotation) clients(c Condition) []string {
	var list []string
	for _, id := range c.Identities {
		name, isClient := strings.CutPrefix(id.Name, "clients/")
		if isClient && !slices.Contains(r.Own, name) {
			list = append(list, id.Name)
		}
	}
	return list
}

func both(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(s string) bool { return !slices.Contains(b, s) })
}

// Now replaces authorities at once, for one whose key others may have. From then
// on no running member accepts anybody: stop has to end all members before, and
// start starts them with the new files; nil where none is seen.
func (r *Rotation) Now(ctx context.Context, stop, start func(context.Context) error) error {
	if err := r.PKI.wantReady(r.RotateOptions, true); err != nil {
		return err
	}
	nothing := func(context.Context) error { return nil }
	if stop == nil {
		stop, start = nothing, nothing
	}
	if err := stop(ctx); err != nil {
		return err
	}
	for _, stage := range []Stage{Begin, Switch, Finish, settle} {
		o := RotateOptions{Stage: stage, Profiles: r.Profiles}
		if stage == Begin {
			o = r.RotateOptions
			o.Stage = Begin
		}
		report, err := r.PKI.rotateTo(ctx, o)
		if err != nil {
			return errors.Join(err, start(ctx))
		}
		r.tell(report)
	}
	return start(ctx)
}
