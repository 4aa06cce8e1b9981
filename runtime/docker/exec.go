package docker

import (
	"context"
	"errors"

	"github.com/etcdctr/etcdctr/runtime"
	"github.com/etcdctr/etcdctr/stack"
)

// Exec runs a command in a server's container.
func (r *Runtime) Exec(ctx context.Context, name, server string, c runtime.Command) (exitCode int, err error) {
	if len(c.Args) == 0 {
		return 0, errors.New("there is no command to run")
	}
	f, err := r.find(ctx, name)
	if err != nil {
		return 0, err
	}
	chosen, err := f.choose([]string{server})
	if err != nil {
		return 0, err
	}
	if !chosen[0].Running() {
		return 0, &runtime.NotRunningError{Server: server, Detail: chosen[0].Detail}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	return stack.Exec(ctx, r.engine, chosen[0].ID, stack.Command{
		Args: c.Args, Env: c.Env, In: c.Stdin, Out: c.Stdout, Err: c.Stderr, TTY: c.TTY, Resized: stack.Sizes(ctx, c.Resized),
	})
}
