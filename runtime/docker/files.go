package docker

import (
	"context"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/runtime"
	"github.com/etcdctr/etcdctr/stack"
)

var (
	_ runtime.Copier     = (*Runtime)(nil)
	_ runtime.Sharer     = (*Runtime)(nil)
	_ runtime.CopyTeller = (*Runtime)(nil)
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

// OldCopies are the servers whose volumes Share would copy files into.
func (r *Runtime) OldCopies(ctx context.Context, want *cluster.Cluster) ([]string, error) {
	sees, err := r.seesFiles(ctx)
	if err != nil || sees {
		return nil, err
	}
	t, err := r.target(ctx, want)
	if err != nil {
		return nil, err
	}
	var old []string
	for _, m := range want.Members {
		if _, there := t.state.Service(m.Name); !there {
			continue
		}
		p, err := stack.PlanFiles(t.wanted, t.state, m.Name)
		if err != nil {
			return nil, err
		}
		if len(p.Ops) > 0 {
			old = append(old, m.Name)
		}
	}
	return old, nil
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
