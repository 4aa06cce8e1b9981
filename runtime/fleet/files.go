package fleet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

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

// TryFill makes sure that all machines answer, and that each can fill its member's place:
// members that run are stopped for the data that these are given.
func (r *Runtime) TryFill(ctx context.Context, want *cluster.Cluster) error {
	parts, err := r.parts(want, nil)
	if err != nil {
		return err
	}
	return runtime.Together(parts, func(p part) error {
		return p.machine.work(ctx, p.member.Name, func(ctx context.Context) error {
			if t, ok := p.machine.engine.(runtime.FillTrier); ok {
				return t.TryFill(ctx, p.want)
			}
			return nil
		})
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

// Stage puts files beside a server's data, on the machine that is to run it.
func (r *Runtime) Stage(ctx context.Context, want *cluster.Cluster, server string, by runtime.Restoration, made runtime.Made) error {
	return r.each(ctx, want, []string{server}, func(ctx context.Context, p part) error {
		return p.machine.engine.Stage(ctx, p.want, server, by, made)
	})
}

// Exchange has what was staged take the place of a server's data, on its machine.
func (r *Runtime) Exchange(ctx context.Context, want *cluster.Cluster, server string) (where string, err error) {
	err = r.each(ctx, want, []string{server}, func(ctx context.Context, p part) (err error) {
		where, err = p.machine.engine.Exchange(ctx, p.want, server)
		where = p.machine.names(where)
		return err
	})
	return where, err
}

// Retract stages again what a server has, and gives it what was set aside.
func (r *Runtime) Retract(ctx context.Context, name, server, where string) error {
	return r.with(ctx, name, server, func(ctx context.Context, x place) error {
		there, err := x.keptAt(ctx, name, server, where)
		if err != nil {
			return err
		}
		return x.machine.engine.Retract(ctx, name, x.member, there)
	})
}

// Unstage deletes what was staged of a server.
func (r *Runtime) Unstage(ctx context.Context, name, server string) error {
	return r.with(ctx, name, server, func(ctx context.Context, x place) error {
		return x.machine.engine.Unstage(ctx, name, x.member)
	})
}

// Staged tells who has staged data for a server.
func (r *Runtime) Staged(ctx context.Context, name, server string) (by *runtime.Restoration, err error) {
	err = r.with(ctx, name, server, func(ctx context.Context, x place) (err error) {
		by, err = x.machine.engine.Staged(ctx, name, x.member)
		return err
	})
	return by, err
}

// MadeBy tells who has made a server's data.
func (r *Runtime) MadeBy(ctx context.Context, name, server string) (by *runtime.Restoration, err error) {
	err = r.with(ctx, name, server, func(ctx context.Context, x place) (err error) {
		by, err = x.machine.engine.MadeBy(ctx, name, x.member)
		return err
	})
	return by, err
}

// Remark notes anew who has made a server's data.
func (r *Runtime) Remark(ctx context.Context, name, server string, by runtime.Restoration) error {
	return r.with(ctx, name, server, func(ctx context.Context, x place) error {
		return x.machine.engine.Remark(ctx, name, x.member, by)
	})
}

// AsideMadeBy tells who has made data that was set aside of a server.
func (r *Runtime) AsideMadeBy(ctx context.Context, name, server, where string) (by *runtime.Restoration, err error) {
	err = r.with(ctx, name, server, func(ctx context.Context, x place) error {
		there, err := x.keptAt(ctx, name, server, where)
		if err == nil {
			by, err = x.machine.engine.AsideMadeBy(ctx, name, x.member, there)
		}
		return err
	})
	return by, err
}

// names says where something is on a machine; empty for nothing.
func (m *machine) names(where string) string {
	if where == "" {
		return ""
	}
	return where + " on " + m.at.At
}

// calls is what names is given.
func (m *machine) calls(named string) string { return strings.TrimSuffix(named, " on "+m.at.At) }

// keptAt is what a machine calls data that was set aside there, by what this runtime
// calls it; nothing of nothing.
func (x place) keptAt(ctx context.Context, name, server, where string) (string, error) {
	if where == "" {
		return "", nil
	}
	all, err := x.machine.engine.Aside(ctx, name, x.member)
	if err != nil {
		return "", err
	}
	i := slices.IndexFunc(all, func(there string) bool { return x.machine.names(there) == where })
	if i < 0 {
		return "", fmt.Errorf("%s was not set aside of %s", where, server)
	}
	return all[i], nil
}

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

// AllAside gives what was set aside on all machines. One that is described no more, and
// does not answer, is left out with a word.
func (r *Runtime) AllAside(ctx context.Context, name string) ([]runtime.Aside, error) {
	places, err := r.places(ctx)
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	var all []runtime.Aside
	err = runtime.Together(machinesOf(places), func(m *machine) error {
		found, err := m.allAside(ctx, name, placesOn(m, places))
		mu.Lock()
		defer mu.Unlock()
		all = append(all, found...)
		return err
	})
	return sortedByServer(all), err
}

// sortedByServer leaves what is of one server as it is.
func sortedByServer(all []runtime.Aside) []runtime.Aside {
	slices.SortStableFunc(all, func(a, b runtime.Aside) int { return strings.Compare(a.Server, b.Server) })
	return all
}

func placesOn(m *machine, places []place) []place {
	return slices.DeleteFunc(slices.Clone(places), func(p place) bool { return p.machine != m })
}

// allAside gives what was set aside on a machine.
func (m *machine) allAside(ctx context.Context, name string, places []place) (all []runtime.Aside, err error) {
	err = m.work(ctx, places[0].name, func(ctx context.Context) error {
		all, err = m.engine.AllAside(ctx, name)
		return err
	})
	away := (*runtime.AwayError)(nil)
	switch wanted := slices.ContainsFunc(places, func(p place) bool { return p.wanted }); {
	case errors.Is(err, runtime.ErrNotFound):
		return nil, nil
	case errors.As(err, &away) && !wanted:
		m.r.tell(runtime.Event{
			Server: places[0].name, Action: runtime.Caveat, Done: true,
			Detail: fmt.Sprintf("%s is left out: its machine does not answer: %v", places[0].name, away.Err),
		})
		return nil, nil
	}
	return m.called(all, places), err
}

// called gives what was set aside on a machine by the names that servers, and places there,
// have here.
func (m *machine) called(there []runtime.Aside, places []place) []runtime.Aside {
	all := slices.Clone(there)
	for i, a := range all {
		all[i].Where = m.names(a.Where)
		if p := slices.IndexFunc(places, func(p place) bool { return p.member == a.Server }); p >= 0 {
			all[i].Server = places[p].name
		}
	}
	return all
}

// Discard deletes what was set aside of a server, on its machine.
func (r *Runtime) Discard(ctx context.Context, name string, a runtime.Aside) error {
	return r.with(ctx, name, a.Server, func(ctx context.Context, x place) error {
		there := a
		there.Server, there.Where = x.member, x.machine.calls(a.Where)
		return x.machine.engine.Discard(ctx, name, there)
	})
}

// BringBack puts what was set aside in the place of a server's data.
func (r *Runtime) BringBack(ctx context.Context, name, server, where string) error {
	return r.with(ctx, name, server, func(ctx context.Context, x place) error {
		there, err := x.keptAt(ctx, name, server, where)
		if err != nil {
			return err
		}
		return x.machine.engine.BringBack(ctx, name, x.member, there)
	})
}
