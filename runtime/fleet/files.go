package fleet

import (
	"context"
	"io"
	"strings"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/runtime"
)

// This file is about what servers have on their machines.

// ReadFile reads a file where a server finds it.
func (r *Runtime) ReadFile(ctx context.Context, name, server, file string) (data []byte, err error) {
	err = r.with(ctx, name, server, func(ctx context.Context, x place) (err error) {
		data, err = x.machine.engine.ReadFile(ctx, name, x.member, file)
		return err
	})
	return data, err
}

// ReplaceFiles writes files where a server finds them.
func (r *Runtime) ReplaceFiles(ctx context.Context, name, server, dir string, files map[string][]byte) error {
	return r.with(ctx, name, server, func(ctx context.Context, x place) error {
		return x.machine.engine.ReplaceFiles(ctx, name, x.member, dir, files)
	})
}

// Fill puts files in the place of a server's data, on the machine that is to run it.
func (r *Runtime) Fill(ctx context.Context, want *cluster.Cluster, server string, files io.Reader) (where string, err error) {
	err = r.each(ctx, want, []string{server}, func(ctx context.Context, p part) (err error) {
		where, err = p.machine.engine.Fill(ctx, p.want, server, files)
		where = p.machine.names(where)
		return err
	})
	return where, err
}

// names says where something is on a machine; empty for nothing.
func (m *machine) names(where string) string {
	if where == "" {
		return ""
	}
	return where + m.onIt()
}

func (m *machine) onIt() string { return " on " + m.at.At }

// Files gives what is in the data of a server that does not run.
func (r *Runtime) Files(ctx context.Context, name, server string) (io.ReadCloser, error) {
	x, err := r.one(ctx, name, server)
	if err != nil {
		return nil, err
	}
	if x.away != nil {
		return nil, &runtime.AwayError{Server: server, Machine: x.machine.at.At, Err: x.away}
	}
	return x.machine.engine.Files(ctx, name, x.member) // read after this has returned
}

// Etcd gives the etcd that a server runs.
func (r *Runtime) Etcd(ctx context.Context, want *cluster.Cluster, server, dir string) (path string, err error) {
	parts, err := r.parts(want, []string{server})
	if err != nil {
		return "", err
	}
	p := parts[0]
	err = p.machine.work(ctx, server, func(ctx context.Context) (err error) {
		path, err = p.machine.engine.Etcd(ctx, p.want, server, dir)
		return err
	})
	return path, err
}

// Aside gives what was set aside of a server.
func (r *Runtime) Aside(ctx context.Context, name, server string) (all []string, err error) {
	err = r.with(ctx, name, server, func(ctx context.Context, x place) (err error) {
		all, err = x.machine.engine.Aside(ctx, name, x.member)
		for i := range all {
			all[i] = x.machine.names(all[i])
		}
		return err
	})
	return all, err
}

// BringBack puts what was set aside in the place of a server's data.
func (r *Runtime) BringBack(ctx context.Context, name, server, where string) error {
	return r.with(ctx, name, server, func(ctx context.Context, x place) error {
		return x.machine.engine.BringBack(ctx, name, x.member, strings.TrimSuffix(where, x.machine.onIt()))
	})
}
