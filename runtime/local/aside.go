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
	"strings"
	"time"

	"github.com/etcdctr/etcdctr/internal/durable"
	"github.com/etcdctr/etcdctr/process"
	"github.com/etcdctr/etcdctr/runtime"
)

// This file is about data that was set aside, beside that of the members.

var _ runtime.Discarder = (*Runtime)(nil)

// asideTime is how the time stands in the name of what was set aside, by which they are
// sorted.
const asideTime = "20060102T150405.000Z"

// asideSuffix comes before it.
const asideSuffix = ".aside-"

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
	aside := dir + asideSuffix + r.now().UTC().Format(asideTime)
	for n := 2; exists(aside); n++ {
		aside = fmt.Sprintf("%s%s%s-%d", dir, asideSuffix, r.now().UTC().Format(asideTime), n)
	}
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
		if strings.HasPrefix(e.Name(), filepath.Base(dir)+asideSuffix) {
			all = append(all, filepath.Join(filepath.Dir(dir), e.Name()))
		}
	}
	return all, nil
}

// discardingSuffix ends the name of data that was set aside and is being deleted: half of
// it is not to be brought back.
const discardingSuffix = ".discarding"

// AllAside looks beside all data directories that there are, or were.
func (r *Runtime) AllAside(_ context.Context, name string) ([]runtime.Aside, error) {
	stack, err := r.home(name).Stack()
	if err != nil && !errors.Is(err, process.ErrNoStack) {
		return nil, err
	}
	all, err := r.allAside(name, stack)
	for i := range all {
		if err == nil {
			all[i].Bytes, err = durable.Size(all[i].Where)
		}
	}
	return all, err
}

// allAside tells all but the sizes.
func (r *Runtime) allAside(name string, stack process.Stack) ([]runtime.Aside, error) {
	home := r.home(name)
	dirs, err := r.dataDirs(name, stack)
	if err != nil {
		return nil, err
	}
	var all []runtime.Aside
	for _, server := range slices.Sorted(maps.Keys(dirs)) {
		dir := dirs[server]
		folders, err := asideOf(dir)
		if err != nil {
			return nil, fmt.Errorf("cannot look for what was set aside of %s: %w", server, err)
		}
		if going := dir + discardingSuffix; exists(going) {
			folders = append(folders, going)
		}
		for _, folder := range folders {
			all = append(all, runtime.Aside{Server: server, Where: folder, Time: asideSince(dir, folder), Lent: isLent(home, dir)})
		}
	}
	return all, nil
}

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

// asideSince reads when a folder was set aside from its name.
func asideSince(dir, folder string) time.Time {
	text, _ := strings.CutPrefix(folder, dir+asideSuffix)
	since, err := time.Parse(asideTime, text[:min(len(text), len(asideTime))])
	if err != nil {
		return time.Time{}
	}
	return since
}

// Discard deletes a folder that was set aside.
func (r *Runtime) Discard(_ context.Context, name string, a runtime.Aside) error {
	stack, err := r.home(name).Stack()
	if err != nil && !errors.Is(err, process.ErrNoStack) {
		return err
	}
	all, err := r.allAside(name, stack)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(all, func(x runtime.Aside) bool { return x.Server == a.Server && x.Where == a.Where }) {
		return fmt.Errorf("%s was not set aside of %s", a.Where, a.Server)
	}
	dirs, err := r.dataDirs(name, stack)
	if err == nil {
		err = durable.Discard(a.Where, dirs[a.Server]+discardingSuffix)
	}
	if err != nil {
		return fmt.Errorf("cannot delete what was set aside of %s: %w", a.Server, err)
	}
	return nil
}
