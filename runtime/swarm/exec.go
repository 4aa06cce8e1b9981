package swarm

import (
	"context"
	"errors"
	"fmt"

	"github.com/etcdctr/etcdctr/runtime"
	"github.com/etcdctr/etcdctr/stack"
)

// ElsewhereError is about a server that is on another node than the engine that was
// asked: no manager runs a command beside it.
type ElsewhereError struct{ Server, Node, Container string }

func (e *ElsewhereError) Error() string {
	return fmt.Sprintf("%s is on the node %s, whose own engine runs commands beside it: docker exec %.12s", e.Server, e.Node, e.Container)
}

// Exec runs a command in a server's container, if that is on the engine that is asked.
func (r *Runtime) Exec(ctx context.Context, name, server string, c runtime.Command) (exitCode int, err error) {
	if len(c.Args) == 0 {
		return 0, errors.New("there is no command to run")
	}
	f, err := r.find(ctx, name)
	if err != nil {
		return 0, err
	}
	some, err := f.chosen([]string{server})
	if err != nil {
		return 0, err
	}
	task, runs := f.live(f.tasks[some[0].ID])
	if !runs || task.Status.ContainerStatus == nil {
		return 0, &runtime.NotRunningError{Server: server, Detail: f.describe(some[0]).Detail}
	}
	id := task.Status.ContainerStatus.ContainerID
	if task.NodeID != f.own {
		return 0, &ElsewhereError{server, f.nodes.hostname(task.NodeID), id}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	return stack.Exec(ctx, r.engine, id, stack.Command{
		Args: c.Args, Env: c.Env, In: c.Stdin, Out: c.Stdout, Err: c.Stderr, TTY: c.TTY, Resized: stack.Sizes(ctx, c.Resized),
	})
}
