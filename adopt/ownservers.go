package adopt

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/runtime"
)

// What concerns the data of servers is done by the runtime of ours alone: the data of
// those that are to be adopted is read, and never written.

// Fill fills our own server.
func (r *Runtime) Fill(ctx context.Context, want *cluster.Cluster, server string, files io.Reader) (string, error) {
	f, err := r.filler()
	if err != nil {
		return "", err
	}
	return f.Fill(ctx, want, server, files)
}

// Files gives the data of our own server.
func (r *Runtime) Files(ctx context.Context, name, server string) (io.ReadCloser, error) {
	f, err := r.filler()
	if err != nil {
		return nil, err
	}
	return f.Files(ctx, name, server)
}

// Etcd is that of our own server.
func (r *Runtime) Etcd(ctx context.Context, want *cluster.Cluster, server, dir string) (string, error) {
	f, err := r.filler()
	if err != nil {
		return "", err
	}
	return f.Etcd(ctx, want, server, dir)
}

// Aside tells of our own server.
func (r *Runtime) Aside(ctx context.Context, name, server string) ([]string, error) {
	f, err := r.filler()
	if err != nil {
		return nil, err
	}
	return f.Aside(ctx, name, server)
}

// AllAside tells of our own servers.
func (r *Runtime) AllAside(ctx context.Context, name string) ([]runtime.Aside, error) {
	d, err := r.discarder()
	if err != nil {
		return nil, err
	}
	return d.AllAside(ctx, name)
}

// Discard is for our own server.
func (r *Runtime) Discard(ctx context.Context, name string, a runtime.Aside) error {
	d, err := r.discarder()
	if err != nil {
		return err
	}
	return d.Discard(ctx, name, a)
}

// BringBack is for our own server.
func (r *Runtime) BringBack(ctx context.Context, name, server, where string) error {
	f, err := r.filler()
	if err != nil {
		return err
	}
	return f.BringBack(ctx, name, server, where)
}

// Stage is for our own server.
func (r *Runtime) Stage(ctx context.Context, want *cluster.Cluster, server string, by runtime.Restoration, made runtime.Made) error {
	s, err := r.stager()
	if err != nil {
		return err
	}
	return s.Stage(ctx, want, server, by, made)
}

// Exchange is for our own server.
func (r *Runtime) Exchange(ctx context.Context, want *cluster.Cluster, server string) (string, error) {
	s, err := r.stager()
	if err != nil {
		return "", err
	}
	return s.Exchange(ctx, want, server)
}

// Retract is for our own server.
func (r *Runtime) Retract(ctx context.Context, name, server, where string) error {
	s, err := r.stager()
	if err != nil {
		return err
	}
	return s.Retract(ctx, name, server, where)
}

// Unstage is for our own server.
func (r *Runtime) Unstage(ctx context.Context, name, server string) error {
	s, err := r.stager()
	if err != nil {
		return err
	}
	return s.Unstage(ctx, name, server)
}

// Staged tells of our own server: nothing is staged of one that is to be adopted.
func (r *Runtime) Staged(ctx context.Context, name, server string) (*runtime.Restoration, error) {
	return r.restorationOf(ctx, name, server, runtime.Stager.Staged)
}

// MadeBy tells of our own server.
func (r *Runtime) MadeBy(ctx context.Context, name, server string) (*runtime.Restoration, error) {
	return r.restorationOf(ctx, name, server, runtime.Stager.MadeBy)
}

// Remark is for our own server.
func (r *Runtime) Remark(ctx context.Context, name, server string, by runtime.Restoration) error {
	s, err := r.stager()
	if err != nil {
		return err
	}
	return s.Remark(ctx, name, server, by)
}

// AsideMadeBy tells of our own server.
func (r *Runtime) AsideMadeBy(ctx context.Context, name, server, where string) (*runtime.Restoration, error) {
	s, err := r.stager()
	if err != nil {
		return nil, err
	}
	return s.AsideMadeBy(ctx, name, server, where)
}

func (r *Runtime) restorationOf(ctx context.Context, name, server string, of func(runtime.Stager, context.Context, string, string) (*runtime.Restoration, error)) (*runtime.Restoration, error) {
	s, ok := r.Runtime.(runtime.Stager)
	if !ok {
		return nil, nil
	}
	ours, err := r.Runtime.Observe(ctx, name)
	if errors.Is(err, runtime.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if _, there := ours.Server(server); !there {
		return nil, nil
	}
	return of(s, ctx, name, server)
}

func (r *Runtime) stager() (runtime.Stager, error) {
	s, ok := r.Runtime.(runtime.Stager)
	if !ok {
		return nil, fmt.Errorf("data can't be put into the servers of the runtime %s", r.Name())
	}
	return s, nil
}

func (r *Runtime) discarder() (runtime.Discarder, error) {
	d, ok := r.Runtime.(runtime.Discarder)
	if !ok {
		return nil, fmt.Errorf("the runtime %s can't delete what was set aside", r.Name())
	}
	return d, nil
}

func (r *Runtime) filler() (runtime.Filler, error) {
	f, ok := r.Runtime.(runtime.Filler)
	if !ok {
		return nil, fmt.Errorf("data can't be put into the servers of the runtime %s", r.Name())
	}
	return f, nil
}

// Tidy has what runs our own servers remove what is left beside them.
func (r *Runtime) Tidy(ctx context.Context, name string) error {
	if t, ok := r.Runtime.(runtime.Tidier); ok {
		return t.Tidy(ctx, name)
	}
	return nil
}

// Note has what runs our own servers keep what they were started with.
func (r *Runtime) Note(ctx context.Context, want *cluster.Cluster) error {
	if n, ok := r.Runtime.(runtime.Noter); ok {
		return n.Note(ctx, want)
	}
	return nil
}
