package target

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/cmd/internal/planview"
	"github.com/etcdctr/etcdctr/cmd/internal/terminal"
	"github.com/etcdctr/etcdctr/converge"
	"github.com/etcdctr/etcdctr/internal/listed"
	"github.com/etcdctr/etcdctr/runtime"
)

// This file makes changes, and says what has become of a cluster.

// done says in a word what a verb has made of a cluster.
var done = map[converge.Verb]string{
	converge.Start: "started", converge.Stop: "stopped", converge.Restart: "restarted", converge.Replace: "replaced",
}

// CarryOut makes a change, shows its steps, and says how the cluster is after
// it. Where the change is a part of what a command does, its words say what goes on after
// an interruption.
func (f *Found) CarryOut(ctx context.Context, change etcdctr.Change, of ...string) error {
	began := f.flags.world.Now()
	for _, o := range f.others(ctx) {
		f.say("%s is not of the cluster: it is left alone", o)
	}
	if without := (*etcdctr.WithoutDataError)(nil); change.Verb == converge.Up && errors.As(f.WithoutData(ctx), &without) {
		f.flags.world.Warn("%v", without)
	}
	if change.Verb == converge.Up {
		f.flags.world.warnOtherName(f.OtherName())
	}
	change.Tell = f.ShowStep
	outcome, err := f.Make(ctx, change)
	f.Board.Close()
	if left := f.Left(); len(left) > 0 && (err != nil || change.Verb != converge.Down) {
		f.say("data is left that could not be deleted from here: %s", LeftBehind(left))
	}
	if err != nil && (ctx.Err() != nil || late(err)) {
		f.sayInterrupted(change, outcome, goingOn(change, of))
	}
	if err != nil {
		return f.Explained(ctx, err)
	}
	if change.Verb == converge.Up && len(outcome.Done) > 0 {
		want, err := f.Want(ctx)
		if err != nil {
			return err
		}
		terminal.WarnAll(f.flags.world.Console, want.Warnings)
		kept, err := f.Kept(ctx, outcome.Done)
		if err != nil {
			return err
		}
		f.sayKept(kept)
		f.sayOverridden()
		left, err := f.LeftCertificates(ctx, outcome.Done, outcome.Have)
		if err != nil {
			return err
		}
		f.flags.world.SayLeft(left)
	}
	switch word, named := done[change.Verb], strings.Join(change.Servers, ", "); {
	case change.Verb == converge.Down: // which has words of its own
	case len(outcome.Done) == 0 && change.Verb != converge.Up:
		f.say("nothing to do")
	case change.Verb == converge.Up:
		f.say("%s is up: %s after %.1f s", f.Name(), allAnswer(len(outcome.Have.Present())), f.flags.world.Now().Sub(began).Seconds())
	case len(change.Servers) == 0:
		f.say("%s is %s", f.Name(), word)
	default:
		f.say("%s %s %s", named, listed.Of(len(change.Servers), "is", "are"), word)
	}
	f.warnOfStopped(change, outcome.Have)
	return nil
}

// sayOverridden names the lines of the cluster file that what runs is no more described by.
func (f *Found) sayOverridden() {
	for _, line := range f.Spec().Overridden() {
		f.say("%s", line)
	}
}

// late tells of an error that is nothing but an answer which has not come in time, as while a
// member is busy: the same command goes on as after an interruption. Of a member that does not
// serve there is more to say.
func late(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) && !errors.As(err, new(*converge.UnwellError))
}

// sayInterrupted says where a change was left, and what goes on with it.
func (f *Found) sayInterrupted(change etcdctr.Change, outcome converge.Outcome, words []string) {
	switch {
	case outcome.Have == nil && change.Keep: // what was made is looked at, and not counted
		return
	case outcome.Have == nil && (len(outcome.Done) > 0 || len(f.AsFound().Members()) == 0):
		f.say("%s: nothing of it is there; `%s` begins anew", f.Name(), f.flags.Again(words...))
		return
	case len(outcome.Done) == 0:
		f.say("%s: no step is done yet; `%s` begins again", f.Name(), f.flags.Again(words...))
		return
	}
	f.say("%s: the last step that is done is %s; `%s` goes on from here", f.Name(), outcome.Done[len(outcome.Done)-1].Short(), f.flags.Again(words...))
	if releases := outcome.Have.Releases(); len(releases) > 1 {
		f.say("its members run etcd %s: they serve together for as long as it takes", listed.And(releases))
	}
}

// goingOn are the words of the command that goes on with a change, or with what it is a
// part of.
func goingOn(change etcdctr.Change, of []string) []string {
	if len(of) > 0 {
		return of
	}
	return append([]string{cmp.Or(verbWords[change.Verb], string(change.Verb))}, change.Servers...)
}

// verbWords are the command lines of verbs that are not their names.
var verbWords = map[converge.Verb]string{converge.Replace: "member replace"}

// warnOfStopped says what stopping some members has come to.
func (f *Found) warnOfStopped(change etcdctr.Change, have *runtime.State) {
	if change.Verb != converge.Stop || len(change.Servers) == 0 {
		return
	}
	forgetful := slices.ContainsFunc(have.Members(), func(m runtime.Server) bool {
		return !m.Runs() && m.Data == runtime.Volatile && slices.Contains(change.Servers, m.Name)
	})
	switch s := have.Summary(); {
	case s.Running == 0:
	case s.Running > s.Members/2 && forgetful:
		f.flags.world.Warn("what %s kept in memory is gone: `%s` has it join anew", strings.Join(change.Servers, ", "), f.AgainUp())
	case s.Running <= s.Members/2 && forgetful:
		f.flags.world.Warn("%d of %d members run, which is no quorum, and what the others kept in memory is gone: `%s` rebuilds the cluster from what is left",
			s.Running, s.Members, f.Again("recover"))
	case s.Running <= s.Members/2:
		f.flags.world.Warn("%d of %d members run, which is no quorum: nothing is served until others are started", s.Running, s.Members)
	}
}

// allAnswer tells of so many members that they answer.
func allAnswer(n int) string {
	return listed.Of(n, "its member answers", fmt.Sprintf("all %d members answer", n))
}

// ShowStep puts the steps of a change on the board.
func (f *Found) ShowStep(e converge.Event) {
	switch e.Kind {
	case converge.Waiting:
		f.say("another etcdctr is changing %s: waiting until it is done", f.Name())
	case converge.Undoes:
		f.Board.Show(terminal.Step{Item: f.Name(), Action: "take back what was made"})
	case converge.Blind:
		f.flags.world.Warn("%v: the members are stopped without being asked", e.Err)
	default:
		f.Board.Show(planview.Step(e, f.Name()))
	}
}

func (f *Found) say(format string, args ...any) { f.flags.world.Say(format, args...) }

// LeftBehind tells what a runtime could not delete, by what deletes it.
func LeftBehind(data []runtime.Left) string {
	var all []string
	for _, left := range data {
		all = append(all, fmt.Sprintf("on %s: `%s`", left.Where, left.Command))
	}
	return strings.Join(all, "; ")
}
