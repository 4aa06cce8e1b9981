package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/etcdctr/etcdctr/internal/durable"
	"github.com/etcdctr/etcdctr/process"
	"github.com/etcdctr/etcdctr/runtime"
	"github.com/etcdctr/etcdctr/runtime/datadir"
)

// This file is about data that was set aside, beside that of the members.

var _ runtime.Discarder = (*Runtime)(nil)

// SetAside renames the folder of a server's data.
func (r *Runtime) SetAside(_ context.Context, name, server string) (string, error) {
	dir, err := r.dataDir(name, server)
	if err != nil {
		return "", err
	}
	if !exists(dir) {
		return "", nil
	}
	if err := r.resting(name, server); err != nil {
		return "", err
	}
	if stack, err := r.home(name).Stack(); err == nil && stack.Ephemeral {
		return "", os.RemoveAll(dir) // what is volatile is not kept
	}
	there, err := asideOf(dir)
	if err != nil {
		return "", fmt.Errorf("cannot look for what was set aside of %s: %w", server, err)
	}
	aside := datadir.Aside(dir, r.now(), there)
	if err := rename(dir, aside); err != nil {
		return "", fmt.Errorf("cannot set the data of %s aside: %w", server, err)
	}
	return aside, nil
}

// Aside looks for the names that SetAside gives.
func (r *Runtime) Aside(_ context.Context, name, server string) ([]string, error) {
	dir, err := r.dataDir(name, server)
	if err != nil {
		return nil, err
	}
	all, err := asideOf(dir)
	if err != nil {
		return nil, fmt.Errorf("cannot look for what was set aside of %s: %w", server, err)
	}
	return all, nil
}

// BringBack renames the folder that SetAside has renamed.
func (r *Runtime) BringBack(ctx context.Context, name, server, where string) error {
	dir, err := r.dataDir(name, server)
	if err != nil {
		return err
	}
	if err := r.wasSetAside(ctx, name, server, where); err != nil {
		return err
	}
	if _, err := r.SetAside(ctx, name, server); err != nil {
		return err
	}
	if err := rename(where, dir); err != nil {
		return fmt.Errorf("cannot bring the data of %s back: %w", server, err)
	}
	return nil
}

func (r *Runtime) wasSetAside(ctx context.Context, name, server, where string) error {
	if all, err := r.Aside(ctx, name, server); err != nil || !slices.Contains(all, where) {
		return errors.Join(err, fmt.Errorf("%s was not set aside of %s", where, server))
	}
	return nil
}

// asideOf are the folders that were set aside of a data directory, the newest first.
func asideOf(dir string) ([]string, error) {
	entries, err := os.ReadDir(filepath.Dir(dir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var all []string
	for _, e := range slices.Backward(entries) {
		if datadir.IsAside(filepath.Base(dir), e.Name()) {
			all = append(all, filepath.Join(filepath.Dir(dir), e.Name()))
		}
	}
	return all, nil
}

// AllAside looks beside all data directories that there are, or were.
func (r *Runtime) AllAside(_ context.Context, name string) ([]runtime.Aside, error) {
	stack, err := r.home(name).Stack()
	if err != nil && !errors.Is(err, process.ErrNoStack) {
		return nil, err
	}
	return r.allAside(name, stack)
}

func (r *Runtime) allAside(name string, stack process.Stack) ([]runtime.Aside, error) {
	dirs, err := r.dataDirs(name, stack)
	if err != nil {
		return nil, err
	}
	all, err := asideIn(r.home(name), dirs)
	for i := range all {
		if err == nil {
			all[i].Bytes, err = durable.Size(all[i].Where)
		}
	}
	return all, err
}

// asideIn tells the same, but for the sizes, of data directories, which are those of
// servers.
func asideIn(home process.Home, dirs map[string]string) ([]runtime.Aside, error) {
	var all []runtime.Aside
	for _, server := range slices.Sorted(maps.Keys(dirs)) {
		dir := dirs[server]
		folders, err := asideOf(dir)
		if err != nil {
			return nil, fmt.Errorf("cannot look for what was set aside of %s: %w", server, err)
		}
		if going := dir + datadir.DiscardingSuffix; exists(going) {
			folders = append(folders, going)
		}
		for i, folder := range folders {
			all = append(all, runtime.Aside{
				Server: server, Where: folder, Time: datadir.AsideSince(dir, folder), Lent: isLent(home, dir),
				Restored: i == 0 && datadir.IsAside(dir, folder) && (isMarked(dir) || isMarked(folder)),
			})
		}
	}
	return all, nil
}

// isMarked tells whether a restoration has made a data directory. One that is set aside was,
// where nobody has replaced the member since, by who has taken the restoration back.
func isMarked(dir string) bool { return exists(filepath.Join(dir, runtime.MarkFile)) }

// dataDirs are where servers have their data, or had it, by their names.
func (r *Runtime) dataDirs(name string, stack process.Stack) (map[string]string, error) {
	home := r.home(name)
	entries, err := os.ReadDir(home.Dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	dirs := map[string]string{}
	for _, e := range entries {
		if e.IsDir() {
			dirs[e.Name()] = filepath.Join(home.Dir, e.Name(), dataFolder)
		}
	}
	if lent, known := r.lent.Load(name); known {
		maps.Copy(dirs, lent.(map[string]string))
	}
	for _, m := range slices.Concat(stack.Members, stack.Services) {
		if m.DataDir != "" {
			dirs[m.Name] = m.DataDir
		}
	}
	return dirs, nil
}

// Discard deletes a folder that was set aside.
func (r *Runtime) Discard(_ context.Context, name string, a runtime.Aside) error {
	stack, err := r.home(name).Stack()
	if err != nil && !errors.Is(err, process.ErrNoStack) {
		return err
	}
	dirs, err := r.dataDirs(name, stack)
	if err != nil {
		return err
	}
	all, err := asideIn(r.home(name), dirs)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(all, func(x runtime.Aside) bool { return x.Server == a.Server && x.Where == a.Where }) {
		return fmt.Errorf("%s was not set aside of %s", a.Where, a.Server)
	}
	if err := durable.Discard(a.Where, dirs[a.Server]+datadir.DiscardingSuffix); err != nil {
		return fmt.Errorf("cannot delete what was set aside of %s: %w", a.Server, err)
	}
	return nil
}
