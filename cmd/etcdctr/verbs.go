package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/cmd/internal/target"
	"github.com/etcdctr/etcdctr/cmd/internal/typed"
	"github.com/etcdctr/etcdctr/converge"
)

// This file is what the verbs that change a cluster have in common.

// with has a command do what its options say, once they are read.
func with[O any](a *app, o *O, do func(ctx context.Context, a *app, o O, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error { return do(cmd.Context(), a, *o, args) }
}

// verbOptions are the flags of a verb that is about members.
type verbOptions struct {
	cluster *target.Flags
	working target.Working
	dryRun  bool
	format  string
}

// membersCommand makes cmd do something to the members that are named, or to
// all.
func membersCommand(a *app, verb converge.Verb, cmd *cobra.Command) *cobra.Command {
	var o verbOptions
	if verb == converge.Replace { // which makes a member as it is described
		o.cluster = a.Describing(cmd)
		target.AddRuntime(cmd)
	} else {
		o.cluster = a.Finding(cmd)
		o.cluster.Bears = verb == converge.Stop
	}
	typed.AddProgress(cmd, &o.working.Progress)
	typed.AddFormat(cmd, &o.format)
	typed.AddDryRun(cmd, &o.dryRun)
	cmd.ValidArgsFunction = o.cluster.Members
	cmd.RunE = func(cmd *cobra.Command, names []string) error {
		return o.run(cmd.Context(), verb, names)
	}
	return cmd
}

func (o verbOptions) run(ctx context.Context, verb converge.Verb, names []string) error {
	c, err := o.cluster.Find(ctx, o.working)
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := c.ChooseFor(ctx, verb, names...); err != nil {
		return err
	}
	change := etcdctr.Change{Verb: verb, Servers: names, Wait: target.Wait}
	if o.dryRun {
		return c.PrintPlan(ctx, change, o.format)
	}
	if err := c.CarryOut(ctx, change); err != nil || verb != converge.Replace {
		return err
	}
	return c.WarnOfComposeFile(ctx)
}
