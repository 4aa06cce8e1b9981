package etcdctr

import (
	"context"
	"fmt"

	"github.com/etcdctr/etcdctr/runtime"
)

// This file is what some runtimes can do and others can't.

// BesideError is the error of running a command beside members that are in no container.
type BesideError struct{ Name string }

func (e *BesideError) Error() string {
	return fmt.Sprintf("the members of %s are processes of this machine: there is no container to run a command in", e.Name)
}

// Exec runs a command beside a member, in its container, and gives its exit code. Its
// error is a *BesideError where there is none.
func (c *Cluster) Exec(ctx context.Context, server string, command runtime.Command) (exitCode int, err error) {
	if _, err := c.Choose(ctx, server); err != nil {
		return 0, err
	}
	e, ok := c.runtime.(runtime.Execer)
	if !ok {
		return 0, &BesideError{c.spec.ClusterName()}
	}
	return e.Exec(ctx, c.spec.ClusterName(), server, command)
}

// Left is what of data could not be deleted from here, by the changes until now.
func (c *Cluster) Left() []runtime.Left {
	if l, ok := c.runtime.(runtime.Leaver); ok {
		return l.Left()
	}
	return nil
}

// Holds tells whether the members that are started end with this program: see
// runtime.Holder.
func (c *Cluster) Holds() bool { return runtime.Holds(c.runtime) }
