package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/stack"
)

// runner is what the everyday commands ask of whatever runs a stack. It tells
// the user what it has done.
type runner interface {
	// stop, start and restart are about the named members, or about all.
	stop(ctx context.Context, a *app, members []string) error
	start(ctx context.Context, a *app, members []string) error
	restart(ctx context.Context, a *app, members []string) error
	// down asks for consent to delete the data as well; nil keeps it.
	down(ctx context.Context, a *app, may consent) error
	list(ctx context.Context) ([]containerInfo, error)
	logs(ctx context.Context, a *app, members []string, o stack.LogOptions) error
	name() string // of the stack
	close()
}

// The runners.
var (
	_ runner = (*driven)(nil)
	_ runner = (*processes)(nil)
)

// membersCommand makes cmd do something to the members that are named, or to all,
// whatever runs them.
func membersCommand(a *app, do func(runner, context.Context, *app, []string) error, cmd *cobra.Command) *cobra.Command {
	f := addStackFlags(cmd)
	addProgressFlag(cmd, &f.progress)
	cmd.RunE = func(cmd *cobra.Command, names []string) error {
		r, err := f.runner(cmd.Context(), a)
		if err != nil {
			return err
		}
		defer r.close()
		return do(r, cmd.Context(), a, names)
	}
	return cmd
}

// runner finds what runs the stack: local processes if there are any, and
// otherwise the engine.
func (f *stackFlags) runner(ctx context.Context, a *app) (runner, error) {
	p, err := f.cluster.processes(a)
	if err != nil {
		return nil, err
	}
	if p != nil {
		return p, nil
	}
	return f.open(ctx, a)
}
