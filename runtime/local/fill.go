package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/internal/tarfolder"
	"github.com/etcdctr/etcdctr/process"
	"github.com/etcdctr/etcdctr/runtime"
)

var _ runtime.Filler = (*Runtime)(nil)

// Fill unpacks files beside the server's data, and then changes the names.
func (r *Runtime) Fill(ctx context.Context, want *cluster.Cluster, server string, files io.Reader) (string, error) {
	dir, err := dataDirOf(want, server)
	if err != nil {
		return "", err
	}
	if runs, err := r.runs(want.Name, server); err != nil || runs {
		return "", errors.Join(err, fmt.Errorf("%s of %s runs: stop it first", server, want.Name))
	}
	if want.Data == cluster.Memory {
		return "", fmt.Errorf("%s keeps its data in memory: nothing can be put there before it starts", server)
	}
	if err := r.hideFolder(); err != nil {
		return "", err
	}
	filling := dir + ".filling"
	err = os.RemoveAll(filling)
	if err == nil {
		err = os.MkdirAll(filling, 0o700)
	}
	if err == nil {
		err = tarfolder.Unpack(ctx, filling, files)
	}
	if err != nil {
		return "", fmt.Errorf("cannot fill the data of %s: %w", server, errors.Join(err, os.RemoveAll(filling)))
	}
	where, err := r.SetAside(ctx, want.Name, server)
	if err == nil {
		err = os.Rename(filling, dir)
	}
	if err != nil {
		return where, fmt.Errorf("cannot fill the data of %s: %w", server, err)
	}
	return where, nil
}

// Files packs the server's data.
func (r *Runtime) Files(_ context.Context, name, server string) (io.ReadCloser, error) {
	dir, err := r.dataDir(name, server)
	if err != nil {
		return nil, err
	}
	if runs, err := r.runs(name, server); err != nil || runs {
		return nil, errors.Join(err, fmt.Errorf("%s of %s runs: stop it first", server, name))
	}
	files, err := tarfolder.Data(dir)
	if err != nil {
		return nil, fmt.Errorf("read the data of %s: %w", server, err)
	}
	return files, nil
}

// Etcd is where it was when the server was started.
func (r *Runtime) Etcd(_ context.Context, want *cluster.Cluster, server, _ string) (string, error) {
	stack, err := r.home(want.Name).Stack()
	if errors.Is(err, process.ErrNoStack) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	m, ok := process.Find(stack.Members, server)
	if !ok {
		return "", nil
	}
	return programOf(m), nil
}

// dataDirOf is where a member of the cluster has its data.
func dataDirOf(c *cluster.Cluster, server string) (string, error) {
	for _, m := range c.Members {
		if m.Name == server {
			return filepath.FromSlash(m.Place.DataDir), nil
		}
	}
	return "", fmt.Errorf("%s is no member of %s", server, c.Name)
}

// Aside looks for the names that SetAside gives.
func (r *Runtime) Aside(_ context.Context, name, server string) ([]string, error) {
	dir, err := r.dataDir(name, server)
	if err != nil {
		return nil, err
	}
	all, err := filepath.Glob(dir + asideSuffix + "*")
	if err != nil {
		return nil, fmt.Errorf("cannot look for what was set aside of %s: %w", server, err)
	}
	slices.Sort(all)
	slices.Reverse(all)
	return all, nil
}

// BringBack renames the folder that SetAside has renamed.
func (r *Runtime) BringBack(ctx context.Context, name, server, where string) error {
	dir, err := r.dataDir(name, server)
	if err != nil {
		return err
	}
	if all, err := r.Aside(ctx, name, server); err != nil || !slices.Contains(all, where) {
		return errors.Join(err, fmt.Errorf("%s was not set aside of %s", where, server))
	}
	if _, err := r.SetAside(ctx, name, server); err != nil {
		return err
	}
	if err := os.Rename(where, dir); err != nil {
		return fmt.Errorf("cannot bring the data of %s back: %w", server, err)
	}
	return nil
}
