package certs

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/etcdctr/etcdctr/internal/lifespan"
	"github.com/etcdctr/etcdctr/internal/option"
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
	// Members are those that there are, for who foresees it: certificates of others, such as
	// of members that have left, are replaced too. Nil stands for all that have certificates.
	Members []string
	// Share brings members the files as they are by now, where they have copies, and Remake
	// makes members anew with them, one by one, where they keep those that they were made
	// with: after each stage, as members that start anew would read what was before. nil
	// where members see these files. Whoever has a Remake needs no Share.
	Share, Remake func(context.Context) error
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
}

// UnconfirmedError is the error of a replacement that waits until clients have
// their new certificates.
type UnconfirmedError struct{ Clients []string }

func (e *UnconfirmedError) Error() string {
	return fmt.Sprintf("the old authority is trusted still, because there are clients that may show its certificates: %s", shortList(e.Clients))
}

// Run goes through all stages that are left, or through all. An authority to change
// to is changed to even if the last replacement has one of its own to put away.
func (r *Rotation) Run(ctx context.Context) error { return r.doing().run(ctx) }

// Abort goes back, and lets the members forget the authority that was to be.
func (r *Rotation) Abort(ctx context.Context) error { return r.doing().abort(ctx) }

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
func (r *Rotation) Once(ctx context.Context) error { return r.doing().once(ctx) }

// Settle puts away what was taken out of the trust of members that are not seen. Its
// error may be an *UnseenError.
func (r *Rotation) Settle(ctx context.Context) error { return r.doing().settle(ctx) }

// Now replaces authorities at once, for one whose key others may have. From then
// on no running member accepts anybody: stop has to end all members before, and
// start starts them with the new files; nil where none is seen.
func (r *Rotation) Now(ctx context.Context, stop, start func(context.Context) error) error {
	at := *r
	at.Stop, at.Start = stop, start
	return at.doing().now(ctx)
}

// Ready asks the members whether its Stage may be done by itself: none of them may be
// shown a certificate of an authority that it does not trust. Its error may be a
// *LaggingError.
func (r *Rotation) Ready(ctx context.Context) error { return r.doing().ready(ctx) }

// How says what of a replacement is done.
type How struct {
	Abort  bool // goes back
	AtOnce bool // see Now
	Single bool // only the Stage, by itself
}

// ErrIdle is the error of going back where nothing is being replaced.
var ErrIdle = errors.New("no authority is being replaced")

// IdleError is the ErrIdle of those authorities that are meant.
type IdleError struct{ Profiles []Profile }

func (e *IdleError) Error() string {
	if len(e.Profiles) != 1 {
		return ErrIdle.Error()
	}
	return fmt.Sprintf("no authority for %ss is being replaced", e.Profiles[0])
}

// Is tells that it is an ErrIdle.
func (e *IdleError) Is(target error) bool { return target == ErrIdle }

// begins tells that a replacement may be begun that nobody has asked for in so many words:
// whoever goes on with one that is over says the same.
func (h How) begins() bool { return !h.Abort && !h.AtOnce && !h.Single }

// justNow is how long authorities count as replaced by the same command before.
const justNow = 24 * time.Hour

// RecentError is the error of replacing authorities that have taken the place of others just
// now: that was over, and its Stage Begin by itself begins another one.
type RecentError struct{ Age time.Duration }

func (e *RecentError) Error() string {
	return fmt.Sprintf("nothing is left to do: the last replacement is over, and the authorities that it has made are %s old", lifespan.Words(e.Age))
}

// Validate refuses what does not go together.
func (h How) Validate() error {
	if h.Abort && h.AtOnce || h.Single && (h.Abort || h.AtOnce) {
		return option.Errorf("%s, %s and %s do not go together: keep one", option.Name("stage"), option.Name("abort"), option.Name("now"))
	}
	return nil
}

// Do does what is asked for, and gives the stage after which a person has to go on;
// empty where nobody has to. Its error may be an *IdleError, a *RecentError, and else those of
// Run, Abort, Now, Once and Settle, of which it is one.
func (r *Rotation) Do(ctx context.Context, how How) (after Stage, err error) {
	after = r.After(how)
	return after, r.doing().do(ctx, how, after)
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
	return c.idle(), err
}

// Settles reports whether all that is left of a replacement is to put away what was
// taken out.
func (r *Rotation) Settles() bool {
	c, err := r.condition()
	return err == nil && c.Replacing() && len(c.at(Begin))+len(c.at(Switch)) == 0
}

// Underway lists the authorities that are being replaced still, whichever are meant.
func (r *Rotation) Underway() ([]string, error) {
	c, err := r.PKI.Condition()
	return c.Underway(), err
}

// condition is that of the authorities that are meant, as far as the files tell.
func (r *Rotation) condition() (Condition, error) {
	c, err := r.PKI.Condition()
	return c.Of(r.Profiles...), err
}

// LaggingError is the error of members that run with trust of an earlier stage.
type LaggingError struct{ Members []string }

func (e *LaggingError) Error() string {
	return fmt.Sprintf("%s: would refuse everybody, because it was not restarted since the stage %s and does not trust the next authority", strings.Join(e.Members, ", "), Begin)
}
