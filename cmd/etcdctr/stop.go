package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/stack"
)

func newStopCommand(a *app) *cobra.Command {
	return membersCommand(a, runner.stop, &cobra.Command{
		Use:   "stop [MEMBER...]",
		Short: "Stop members and keep them and their data",
		Long: `stop stops all members, or those named. The leader is stopped last: it has nobody
left to hand over to then, and does not wait for that.`,
		Example: `  etcdctr stop
  etcdctr stop etcd3`,
	})
}

func (d *driven) stop(ctx context.Context, a *app, names []string) error {
	return d.onMembers(ctx, a, names, "stopped", planStop)
}

func planStop(ctx context.Context, d *stack.Driver, s *stack.State, chosen []stack.Container) *stack.Plan {
	return d.PlanStop(ctx, s, chosen)
}

// explainForeign says what to do about a project of the name that is somebody
// else's.
func explainForeign(err error) error {
	if foreign := (*stack.ForeignError)(nil); errors.As(err, &foreign) {
		return withHint(err, "`etcdctr ls` shows the stacks that there are; --name chooses one")
	}
	return err
}

// planOf plans something for chosen containers of a stack.
type planOf func(context.Context, *stack.Driver, *stack.State, []stack.Container) *stack.Plan

// onMembers does something to the named members of a stack, or to all.
func (d *driven) onMembers(ctx context.Context, a *app, names []string, done string, plan planOf) error {
	release, err := d.lock(ctx, a)
	if err != nil {
		return err
	}
	defer release()
	s, err := d.observe(ctx)
	if err != nil {
		return err
	}
	b := stack.DivideContainers(s)
	if err := b.Foreign(); err != nil {
		return explainForeign(err)
	}
	chosen, err := choose(b.Own, names)
	if err != nil {
		return err
	}
	p := plan(ctx, d.driver, b.Own, chosen)
	if p.Empty() {
		a.say("nothing to do")
	}
	a.sayAll(b.Notes())
	a.warnAll(p.Notes)
	if err := d.run(ctx, p); err != nil {
		return err
	}
	if !p.Empty() {
		a.say("%s is %s", d.project, done)
	}
	return nil
}
