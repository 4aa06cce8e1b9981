package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/cmd/internal/planview"
	"github.com/etcdctr/etcdctr/cmd/internal/terminal"
	"github.com/etcdctr/etcdctr/converge"
	"github.com/etcdctr/etcdctr/runtime"
)

// This file is what the verbs that change a cluster have in common.

// with has a command do what its options say, once they are read.
func with[O any](a *app, o *O, do func(ctx context.Context, a *app, o O, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error { return do(cmd.Context(), a, *o, args) }
}

// done says in a word what a verb has made of a cluster.
var done = map[converge.Verb]string{
	converge.Start: "started", converge.Stop: "stopped", converge.Restart: "restarted", converge.Replace: "replaced",
}

// verbOptions are the flags of a verb that is about members.
type verbOptions struct {
	cluster *clusterFlags
	working working
	dryRun  bool
	format  string
}

// membersCommand makes cmd do something to the members that are named, or to
// all.
func membersCommand(a *app, verb converge.Verb, cmd *cobra.Command) *cobra.Command {
	var o verbOptions
	if verb == converge.Replace { // which makes a member as it is described
		o.cluster = addClusterFlags(cmd)
		addRuntimeFlag(cmd)
	} else {
		o.cluster = addFindingFlags(cmd)
	}
	addProgressFlag(cmd, &o.working.progress)
	addFormatFlag(cmd, &o.format)
	addDryRunFlag(cmd, &o.dryRun)
	cmd.ValidArgsFunction = completeMembers(a, o.cluster)
	cmd.RunE = func(cmd *cobra.Command, names []string) error {
		return o.run(cmd.Context(), a, verb, names)
	}
	return cmd
}

func (o verbOptions) run(ctx context.Context, a *app, verb converge.Verb, names []string) error {
	c, err := o.cluster.find(ctx, a, o.working)
	if err != nil {
		return err
	}
	defer c.close()
	if _, err := c.ChooseFor(ctx, verb, names...); err != nil {
		return err
	}
	change := etcdctr.Change{Verb: verb, Servers: names, Wait: defaultWaitTimeout}
	if o.dryRun {
		return a.printPlan(ctx, c, change, o.format)
	}
	return c.carryOut(ctx, a, o.cluster, change)
}

// carryOut makes a change, shows its steps, and says how the cluster is after
// it.
func (f *found) carryOut(ctx context.Context, a *app, flags *clusterFlags, change etcdctr.Change) error {
	began := a.now()
	for _, o := range f.others(ctx) {
		a.say("%s is not of the cluster: it is left alone", o)
	}
	change.Tell = f.showStep(a)
	outcome, err := f.Make(ctx, change)
	f.board.Close()
	if left := f.Left(); len(left) > 0 && (err != nil || change.Verb != converge.Down) {
		a.say("data is left that could not be deleted from here: %s", leftBehind(left))
	}
	if err != nil && ctx.Err() != nil {
		a.sayInterrupted(f, flags, change, outcome)
	}
	if err != nil {
		return f.explain(ctx, flags, err)
	}
	if change.Verb == converge.Up && len(outcome.Done) > 0 {
		want, err := f.Want(ctx)
		if err != nil {
			return err
		}
		warnAll(a, want.Warnings)
		kept, err := f.Kept(ctx, outcome.Done)
		if err != nil {
			return err
		}
		f.sayKept(a, kept)
	}
	switch word, named := done[change.Verb], strings.Join(change.Servers, ", "); {
	case change.Verb == converge.Down: // which has words of its own
	case len(outcome.Done) == 0 && change.Verb != converge.Up:
		a.say("nothing to do")
	case change.Verb == converge.Up:
		a.say("%s is up: %s after %.1f s", f.name(), allAnswer(len(outcome.Have.Present())), a.now().Sub(began).Seconds())
	case len(change.Servers) == 0:
		a.say("%s is %s", f.name(), word)
	case len(change.Servers) == 1:
		a.say("%s is %s", named, word)
	default:
		a.say("%s are %s", named, word)
	}
	f.warnOfNoQuorum(a, change, outcome.Have)
	return nil
}

// sayInterrupted says where a change was left, and what goes on with it.
func (a *app) sayInterrupted(f *found, flags *clusterFlags, change etcdctr.Change, outcome converge.Outcome) {
	words := append([]string{cmp.Or(verbWords[change.Verb], string(change.Verb))}, change.Servers...)
	switch {
	case outcome.Have == nil && change.Keep: // what was made is looked at, and not counted
		return
	case outcome.Have == nil:
		a.say("%s: nothing of it is there; `%s` begins anew", f.name(), flags.again(words...))
		return
	case len(outcome.Done) == 0:
		a.say("%s: no step is done yet; `%s` begins again", f.name(), flags.again(words...))
		return
	}
	a.say("%s: the last step that is done is %s; `%s` goes on from here", f.name(), outcome.Done[len(outcome.Done)-1].Short(), flags.again(words...))
	if releases := outcome.Have.Releases(); len(releases) > 1 {
		a.say("its members run etcd %s: they serve together for as long as it takes", strings.Join(releases, " and "))
	}
}

// verbWords are the command lines of verbs that are not their names.
var verbWords = map[converge.Verb]string{converge.Replace: "member replace"}

// warnOfNoQuorum says what stopping some members has come to.
func (f *found) warnOfNoQuorum(a *app, change etcdctr.Change, have *runtime.State) {
	if change.Verb != converge.Stop || len(change.Servers) == 0 {
		return
	}
	if s := have.Summary(); s.Running > 0 && s.Running <= s.Members/2 {
		a.warn("%d of %d members run, which is no quorum: nothing is served until others are started", s.Running, s.Members)
	}
}

// allAnswer tells of so many members that they answer.
func allAnswer(n int) string {
	if n == 1 {
		return "its member answers"
	}
	return fmt.Sprintf("all %d members answer", n)
}

// showStep puts the steps of a change on the board.
func (f *found) showStep(a *app) func(converge.Event) {
	return func(e converge.Event) {
		switch e.Kind {
		case converge.Waiting:
			a.say("another etcdctr is changing %s: waiting until it is done", f.name())
			return
		case converge.Undoes:
			f.board.Show(terminal.Step{Item: f.name(), Action: "take back what was made"})
			return
		case converge.Blind:
			a.warn("%v: the members are stopped without being asked", e.Err)
			return
		}
		f.board.Show(planview.Step(e, f.name()))
	}
}
