package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/etcdctr/etcdctr/stack"
)

func newExecCommand(a *app) *cobra.Command {
	var env []string
	cmd := &cobra.Command{
		Use:   "exec MEMBER -- COMMAND [ARGUMENT...]",
		Short: "Run a command in a member's container",
		Long: `exec runs a command beside a member and ends with its exit code. There is no
shell in an etcd image; etcdctl and etcdutl are, and find the member's
certificates by themselves.`,
		Example: `  etcdctr exec etcd1 -- etcdctl member list
  etcdctr exec etcd1 -- etcdctl get --prefix /`,
		Args: cobra.MinimumNArgs(2),
	}
	f := &stackFlags{cluster: addClusterFlags(cmd)}
	cmd.Flags().StringArrayVarP(&env, "env", "e", nil, "set a variable for the command: NAME=VALUE")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return runExec(cmd.Context(), a, f, args[0], stack.Command{Args: args[1:], Env: env})
	}
	return cmd
}

func runExec(ctx context.Context, a *app, f *stackFlags, member string, c stack.Command) error {
	local, err := f.cluster.processes(a)
	if err != nil {
		return err
	}
	if local != nil {
		return withHint(fmt.Errorf("the members of %s are processes of this machine: there is no container to run a command in", local.name()),
			"`etcdctr etcdctl` runs etcdctl against them, and any other command runs as it is")
	}
	d, err := f.open(ctx, a)
	if err != nil {
		return err
	}
	defer d.close()
	s, err := d.observe(ctx)
	if err != nil {
		return err
	}
	chosen, err := choose(s, []string{member})
	if err != nil {
		return err
	}
	if !chosen[0].Running() {
		return withHint(fmt.Errorf("%s does not run: %s", member, chosen[0].Detail), "`etcdctr start %s` starts it", member)
	}
	c.In, c.Out, c.Err = a.in, a.out, a.errOut
	restore, err := a.attachTerminal(&c)
	if err != nil {
		return err
	}
	code, err := stack.Exec(ctx, d.engine, chosen[0].ID, c)
	if err := errors.Join(err, restore()); err != nil {
		return err
	}
	if code != 0 {
		return exitStatus(code)
	}
	return nil
}

// attachTerminal gives the command a terminal if somebody sits at one, and the
// function that puts theirs back.
func (a *app) attachTerminal(c *stack.Command) (restore func() error, err error) {
	in, ok := a.in.(*os.File)
	out, okOut := a.out.(*os.File)
	if !ok || !okOut || !term.IsTerminal(int(in.Fd())) || !term.IsTerminal(int(out.Fd())) {
		return func() error { return nil }, nil
	}
	before, err := term.MakeRaw(int(in.Fd()))
	if err != nil {
		return nil, fmt.Errorf("prepare the terminal: %w", err)
	}
	c.TTY = true
	sizes := make(chan stack.Size, 1)
	c.Resized = sizes
	stop := watchSize(out, sizes)
	return func() error {
		stop()
		return term.Restore(int(in.Fd()), before)
	}, nil
}

// sendSize replaces a size that nobody has read yet.
func sendSize(out *os.File, sizes chan stack.Size) {
	width, height, err := term.GetSize(int(out.Fd()))
	if err != nil {
		return
	}
	select {
	case <-sizes:
	default:
	}
	sizes <- stack.Size{Width: uint(width), Height: uint(height)}
}
