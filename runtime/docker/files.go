package docker

import (
	"context"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/runtime"
	"github.com/etcdctr/etcdctr/stack"
)

var (
	_ runtime.Copier = (*Runtime)(nil)
	_ runtime.Sharer = (*Runtime)(nil)
)

// Share copies files anew into the volumes of servers that are there, where the engine
// does not see this machine's.
func (r *Runtime) Share(ctx context.Context, want *cluster.Cluster, servers ...string) error {
	sees, err := r.seesFiles(ctx)
	if err != nil || sees {
		return err
	}
	t, err := r.target(ctx, want)
	if err != nil {
		return err
	}
	p, err := stack.PlanFiles(t.wanted, t.state, servers...)
	if err != nil {
		return err
	}
	return r.execute(ctx, p)
}

// ReadFile reads a file out of a server's container.
func (r *Runtime) ReadFile(ctx context.Context, name, server, file string) ([]byte, error) {
	c, err := r.container(ctx, name, server)
	if err != nil {
		return nil, err
	}
	return stack.ReadFile(ctx, r.engine, c, file)
}

// ReplaceFiles writes files into a server's container.
func (r *Runtime) ReplaceFiles(ctx context.Context, name, server, dir string, files map[string][]byte) error {
	c, err := r.container(ctx, name, server)
	if err != nil {
		return err
	}
	return stack.ReplaceFiles(ctx, r.engine, c, dir, files)
}

func (r *Runtime) container(ctx context.Context, name, server string) (stack.Container, error) {
	f, err := r.find(ctx, name)
	if err != nil {
		return stack.Container{}, err
	}
	chosen, err := f.choose([]string{server})
	if err != nil {
		return stack.Container{}, err
	}
	return chosen[0], nil
}
