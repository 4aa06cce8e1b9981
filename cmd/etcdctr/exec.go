package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/cmd/internal/target"
	"github.com/etcdctr/etcdctr/cmd/internal/terminal"
	"github.com/etcdctr/etcdctr/runtime"
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
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) < 2 {
				return errors.New("name a member and a command to run beside it, such as `etcdctr exec etcd1 -- etcdctl member list`")
			}
			return nil
		},
	}
	f := a.Finding(cmd)
	f.Bears = true
	cmd.Flags().StringArrayVarP(&env, "env", "e", nil, "set a variable for the command: NAME=VALUE")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return runExec(cmd.Context(), a, f, args[0], runtime.Command{Args: args[1:], Env: env})
	}
	return cmd
}

func runExec(ctx context.Context, a *app, f *target.Flags, server string, c runtime.Command) error {
	found, err := f.Find(ctx, target.Working{})
	if err != nil {
		return err
	}
	defer found.Close()
	c.Stdin, c.Stdout, c.Stderr = a.In, a.Out, a.Voice.Out
	restore, err := terminal.Attach(&c)
	if err != nil {
		return err
	}
	code, err := found.Exec(ctx, server, c)
	if err := errors.Join(err, restore()); err != nil {
		return err
	}
	if code != 0 {
		return exitStatus(code)
	}
	return nil
}
