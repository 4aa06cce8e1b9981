package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/internal/durable"
	"github.com/etcdctr/etcdctr/internal/outfile"
	"github.com/etcdctr/etcdctr/internal/tarfolder"
	"github.com/etcdctr/etcdctr/process"
	"github.com/etcdctr/etcdctr/runtime"
)

var (
	_ runtime.Filler = (*Runtime)(nil)
	_ runtime.Stager = (*Runtime)(nil)
)

// Fill unpacks files beside the server's data, and then changes the names.
func (r *Runtime) Fill(ctx context.Context, want *cluster.Cluster, server string, files io.Reader) (string, error) {
	dir, err := r.restingDir(want, server)
	if err == nil {
		err = r.unpack(ctx, server, dir, files)
	}
	if err != nil {
		return "", err
	}
	return r.exchange(ctx, want.Name, server, dir, dir+fillingSuffix)
}

// fillingSuffix ends the name of data that is to take the place of a server's. It is
// staged once the mark is in it, which comes last.
const fillingSuffix = ".filling"

// restingDir is where a server that does not run has its data, or is to have it.
func (r *Runtime) restingDir(want *cluster.Cluster, server string) (string, error) {
	dir, err := dataDirOf(want, server)
	if err != nil {
		return "", err
	}
	if want.Data == cluster.Memory {
		return "", fmt.Errorf("%s keeps its data in memory: nothing can be put there before it starts", server)
	}
	return dir, r.resting(want.Name, server)
}

func (r *Runtime) resting(name, server string) error {
	if runs, err := r.runs(name, server); err != nil || runs {
		return errors.Join(err, fmt.Errorf("%s of %s runs: stop it first", server, name))
	}
	return nil
}

// unpack makes the folder that is being filled.
func (r *Runtime) unpack(ctx context.Context, server, dir string, files io.Reader) error {
	if err := r.hideFolder(); err != nil {
		return err
	}
	filling := dir + fillingSuffix
	err := os.RemoveAll(filling)
	if err == nil {
		err = os.MkdirAll(filling, 0o700)
	}
	if err == nil {
		err = tarfolder.Unpack(ctx, filling, files)
	}
	if err != nil {
		return fmt.Errorf("cannot fill the data of %s: %w", server, errors.Join(err, os.RemoveAll(filling)))
	}
	return nil
}

// rename gives a folder another name beside it, for good once it returns.
func rename(from, to string) error {
	if err := os.Rename(from, to); err != nil {
		return err
	}
	return durable.Dir(filepath.Dir(to))
}

// exchange has a folder take the place of a server's data.
func (r *Runtime) exchange(ctx context.Context, name, server, dir, made string) (string, error) {
	where, err := r.SetAside(ctx, name, server)
	if err == nil {
		err = rename(made, dir)
	}
	if err != nil {
		return where, fmt.Errorf("cannot fill the data of %s: %w", server, err)
	}
	return where, nil
}

// Stage has what was made take a name beside the server's data.
func (r *Runtime) Stage(ctx context.Context, want *cluster.Cluster, server string, by runtime.Restoration, made runtime.Made) error {
	dir, err := r.restingDir(want, server)
	if err == nil {
		err = r.take(ctx, server, dir, made)
	}
	if err == nil {
		err = mark(dir+fillingSuffix, by)
	}
	if err != nil {
		return fmt.Errorf("cannot fill the data of %s: %w", server, err)
	}
	return nil
}

// take makes the folder that is being filled of what was made, by no more than other names
// where that is on the same disk.
func (r *Runtime) take(ctx context.Context, server, dir string, made runtime.Made) error {
	if err := r.hideFolder(); err != nil {
		return err
	}
	filling := dir + fillingSuffix
	err := os.RemoveAll(filling)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(filling), 0o700)
	}
	if err != nil {
		return err
	}
	if os.Rename(made.Dir, filling) != nil { // on another disk it is copied
		files := tarfolder.Made(made.Dir, made.Database)
		defer files.Close()
		return r.unpack(ctx, server, dir, files)
	}
	err = takeDatabase(ctx, filepath.Join(filling, "member", "snap", "db"), made)
	if err == nil {
		err = durable.Tree(filling)
	}
	if err != nil {
		return errors.Join(err, os.RemoveAll(filling))
	}
	return nil
}

func takeDatabase(ctx context.Context, to string, made runtime.Made) error {
	if made.Own && os.Link(made.Database, to) == nil {
		return nil
	}
	return durable.Copy(ctx, to, made.Database)
}

// mark notes who has made a data directory, for good once it returns. Of one that has been
// filled it tells that it is whole.
func mark(dir string, by runtime.Restoration) error {
	data, err := by.Mark()
	if err != nil {
		return err
	}
	file := filepath.Join(dir, filepath.FromSlash(runtime.MarkFile))
	if err := outfile.Note(file, data, 0o600); err != nil {
		return err
	}
	return durable.Dir(filepath.Dir(file))
}

// Remark writes the mark in the server's data.
func (r *Runtime) Remark(_ context.Context, name, server string, by runtime.Restoration) error {
	dir, err := r.dataDir(name, server)
	if err == nil {
		err = r.resting(name, server)
	}
	if err == nil {
		err = mark(dir, by)
	}
	if err != nil {
		return fmt.Errorf("cannot note who has made the data of %s: %w", server, err)
	}
	return nil
}

// Exchange changes the names.
func (r *Runtime) Exchange(ctx context.Context, want *cluster.Cluster, server string) (string, error) {
	dir, err := r.restingDir(want, server)
	if err != nil {
		return "", err
	}
	switch by, err := markIn(dir + fillingSuffix); {
	case err != nil:
		return "", err
	case by == nil:
		return "", fmt.Errorf("no data is staged for %s", server)
	}
	return r.exchange(ctx, want.Name, server, dir, dir+fillingSuffix)
}

// Retract changes them back.
func (r *Runtime) Retract(ctx context.Context, name, server, where string) error {
	dir, err := r.dataDir(name, server)
	if err == nil {
		err = r.resting(name, server)
	}
	if err == nil && where != "" {
		err = r.wasSetAside(ctx, name, server, where)
	}
	if err != nil {
		return err
	}
	if exists(dir) {
		err = rename(dir, dir+fillingSuffix)
	}
	if err == nil && where != "" {
		err = rename(where, dir)
	}
	if err != nil {
		return fmt.Errorf("cannot bring the data of %s back: %w", server, err)
	}
	return nil
}

// Unstage deletes the folder that Stage has made.
func (r *Runtime) Unstage(_ context.Context, name, server string) error {
	dir, err := r.dataDir(name, server)
	if err == nil {
		err = os.RemoveAll(dir + fillingSuffix)
	}
	return err
}

// Staged reads the mark in the folder that Stage has made.
func (r *Runtime) Staged(_ context.Context, name, server string) (*runtime.Restoration, error) {
	dir, err := r.dataDir(name, server)
	if err != nil {
		return nil, err
	}
	return markIn(dir + fillingSuffix)
}

// MadeBy reads the mark in the server's data.
func (r *Runtime) MadeBy(_ context.Context, name, server string) (*runtime.Restoration, error) {
	dir, err := r.dataDir(name, server)
	if err != nil {
		return nil, err
	}
	return markIn(dir)
}

// AsideMadeBy reads the mark in data that was set aside.
func (r *Runtime) AsideMadeBy(ctx context.Context, name, server, where string) (*runtime.Restoration, error) {
	if err := r.wasSetAside(ctx, name, server, where); err != nil {
		return nil, err
	}
	return markIn(where)
}

// markIn is nil where there is none.
func markIn(dir string) (*runtime.Restoration, error) {
	data, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(runtime.MarkFile)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return runtime.ReadMark(data)
}

// Files packs the server's data.
func (r *Runtime) Files(_ context.Context, name, server string) (io.ReadCloser, error) {
	dir, err := r.dataDir(name, server)
	if err != nil {
		return nil, err
	}
	if err := r.resting(name, server); err != nil {
		return nil, err
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
