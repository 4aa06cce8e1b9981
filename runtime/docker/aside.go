package docker

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/etcdctr/etcdctr/compose"
	"github.com/etcdctr/etcdctr/runtime"
	"github.com/etcdctr/etcdctr/runtime/datadir"
)

// This file is about data that was set aside, in the volumes and folders of servers.

var _ runtime.Discarder = (*Runtime)(nil)

// Aside lists the server's volume, in a container.
func (r *Runtime) Aside(ctx context.Context, name, server string) ([]string, error) {
	f, err := r.find(ctx, name)
	if err != nil {
		return nil, err
	}
	found, err := r.keptOf(ctx, f, server)
	var all []string
	for _, k := range found {
		if !k.going {
			all = append(all, k.where)
		}
	}
	return all, err
}

// kept is data that was set aside: its folder in the server, how people are told of it,
// how much there is of it, and whether it is being deleted.
type kept struct {
	folder, where string
	bytes         int64
	going         bool
}

// keptOf is what was set aside of a server, the newest first, and what is being deleted.
func (r *Runtime) keptOf(ctx context.Context, f *found, server string) ([]kept, error) {
	h, ok := f.home(server)
	if !ok || !h.store.Given() {
		return nil, nil
	}
	return r.keptIn(ctx, f.project, server, h)
}

// keptIn is keptOf of a server whose data is known.
func (r *Runtime) keptIn(ctx context.Context, name, server string, h home) ([]kept, error) {
	image, err := r.ownImage(ctx)
	if err != nil {
		return nil, err
	}
	said, err := helper(name, image, h, setAsideProgram, h.dir+".").Output(ctx, r.engine)
	if err != nil {
		return nil, fmt.Errorf("look for what was set aside of %s: %w", server, err)
	}
	var all []kept
	for _, line := range said {
		base, size, _ := strings.Cut(line, " ")
		folder := path.Join(path.Dir(h.dir), base)
		going := folder == h.dir+datadir.DiscardingSuffix
		if !going && !datadir.IsAside(h.dir, folder) {
			continue
		}
		bytes, err := strconv.ParseInt(size, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("look for what was set aside of %s: %w", server, err)
		}
		all = append(all, kept{folder, h.at(folder), bytes, going})
	}
	slices.SortFunc(all, func(a, b kept) int {
		switch {
		case a.going:
			return 1
		case b.going:
			return -1
		}
		return strings.Compare(b.folder, a.folder)
	})
	return all, nil
}

// setAsideAt is the folder of data that was set aside, by what people are told of it.
func (r *Runtime) setAsideAt(ctx context.Context, name, server, where string) (string, error) {
	f, err := r.find(ctx, name)
	if err != nil {
		return "", err
	}
	k, err := r.keptAt(ctx, f, server, where)
	if err == nil && k.going {
		err = fmt.Errorf("%s is being deleted", where)
	}
	return k.folder, err
}

func (r *Runtime) keptAt(ctx context.Context, f *found, server, where string) (kept, error) {
	all, err := r.keptOf(ctx, f, server)
	if err != nil {
		return kept{}, err
	}
	i := slices.IndexFunc(all, func(k kept) bool { return k.where == where })
	if i < 0 {
		return kept{}, fmt.Errorf("%s was not set aside of %s", where, server)
	}
	return all[i], nil
}

// AllAside lists the volumes and folders of all servers that there are, or were.
func (r *Runtime) AllAside(ctx context.Context, name string) ([]runtime.Aside, error) {
	f, err := r.find(ctx, name)
	if err != nil {
		return nil, err
	}
	servers := f.keepers()
	of, noted := make(map[string][]runtime.Aside, len(servers)), f.asideNoted()
	var mu sync.Mutex
	err = runtime.Together(servers, func(server string) error {
		found, err := r.keptOf(ctx, f, server)
		h, _ := f.home(server) // in which they are
		mu.Lock()
		defer mu.Unlock()
		n := noted[server]
		n.made, n.folders = f.madeAt(h), nil
		for _, k := range found {
			a := f.aside(server, k.folder, n)
			a.Bytes = k.bytes
			of[server], n.folders = append(of[server], a), append(n.folders, k.folder)
		}
		noted[server] = n
		return err
	})
	if err == nil {
		r.noting.Lock()
		defer r.noting.Unlock()
		_ = r.writeAside(ctx, f, noted) // it is there all the same
	}
	var all []runtime.Aside
	for _, server := range servers {
		all = append(all, of[server]...)
	}
	return all, err
}

// keepers are the servers that have room for data of their own, by their names.
func (f *found) keepers() []string {
	var names []string
	for _, c := range f.servers() {
		if c.Member() {
			names = append(names, c.Service)
		}
	}
	for _, v := range f.Own.Volumes {
		if name, ok := strings.CutSuffix(v.Key, compose.VolumeName("")); ok {
			names = append(names, name)
		}
	}
	for name := range f.lent {
		names = append(names, name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// isLent tells that data is in what somebody else has made.
func (f *found) isLent(h home) bool {
	for _, v := range f.Own.Volumes {
		if v.Name == h.store.Volume {
			return false
		}
	}
	return true
}

// Discard deletes a folder in the server's volume, in a container.
func (r *Runtime) Discard(ctx context.Context, name string, a runtime.Aside) error {
	f, err := r.find(ctx, name)
	if err != nil {
		return err
	}
	k, err := r.keptAt(ctx, f, a.Server, a.Where)
	if err != nil {
		return err
	}
	h, _ := f.home(a.Server) // which has it
	image, err := r.ownImage(ctx)
	if err == nil {
		r.takeFromAside(ctx, name, a.Server, k.folder)
		err = helper(name, image, h, setAsideProgram, "--discard", k.folder, h.dir+datadir.DiscardingSuffix).Run(ctx, r.engine)
	}
	if err != nil {
		return fmt.Errorf("delete what was set aside of %s: %w", a.Server, err)
	}
	return nil
}
