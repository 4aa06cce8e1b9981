package fleet

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/runtime"
)

// part is a member with the machine that is to run it.
type part struct {
	member  cluster.Member
	machine *machine
	want    *cluster.Cluster // with that member only
}

// parts are the members of a cluster that are asked for.
func (r *Runtime) parts(want *cluster.Cluster, servers []string) ([]part, error) {
	var all []part
	unknown := &runtime.UnknownError{Name: want.Name}
	for _, name := range servers {
		if !slices.ContainsFunc(want.Members, func(m cluster.Member) bool { return m.Name == name }) {
			unknown.Servers = append(unknown.Servers, name)
		}
	}
	for _, m := range want.Members {
		unknown.Has = append(unknown.Has, m.Name)
		if len(servers) > 0 && !slices.Contains(servers, m.Name) {
			continue
		}
		at, err := r.machine(m.Engine, m.Host.String())
		if err != nil {
			return nil, err
		}
		all = append(all, part{member: m, machine: at, want: want.Only(m.Name)})
	}
	if len(unknown.Servers) > 0 {
		return nil, unknown
	}
	return all, nil
}

// Changes compares what is wanted with what there is on each machine. Of one that is
// away nothing is known to differ.
func (r *Runtime) Changes(ctx context.Context, want *cluster.Cluster, have *runtime.State) ([]runtime.Change, error) {
	parts, err := r.parts(want, nil)
	if err != nil {
		return nil, err
	}
	found := make([][]runtime.Change, len(parts))
	indices := make([]int, len(parts))
	for i := range parts {
		indices[i] = i
	}
	err = runtime.Together(indices, func(i int) (err error) {
		found[i], err = parts[i].changes(ctx, have)
		return err
	})
	if err != nil {
		return nil, err
	}
	leaving, err := r.leaving(ctx, want)
	return append(slices.Concat(found...), leaving...), err
}

func (p part) changes(ctx context.Context, have *runtime.State) ([]runtime.Change, error) {
	var all []runtime.Change
	var own *runtime.State // what was observed of this machine
	if s, there := have.Server(p.member.Name); there {
		own = &runtime.State{Name: have.Name, Runtime: have.Runtime, Servers: []runtime.Server{s}}
	}
	err := p.machine.work(ctx, p.member.Name, func(ctx context.Context) (err error) {
		all, err = p.machine.engine.Changes(ctx, p.want, own)
		return err
	})
	if away := (*runtime.AwayError)(nil); errors.As(err, &away) {
		return nil, nil
	}
	all = slices.DeleteFunc(all, func(c runtime.Change) bool { return c.Server != p.member.Name })
	for i := range all {
		all[i].Whole = false // each machine has a network of its own
	}
	return all, err
}

// leaving are the servers that are there and not described.
func (r *Runtime) leaving(ctx context.Context, want *cluster.Cluster) ([]runtime.Change, error) {
	s, err := r.look(ctx, want.Name)
	if err != nil {
		return nil, err
	}
	var all []runtime.Change
	for _, x := range s.all {
		wanted := slices.ContainsFunc(want.Members, func(m cluster.Member) bool { return m.Name == x.name })
		if x.there && !wanted && x.server.Status != runtime.Absent {
			all = append(all, runtime.Change{Server: x.name, Kind: runtime.Leave})
		}
	}
	return all, nil
}

// Lacking tells what each machine would fetch.
func (r *Runtime) Lacking(ctx context.Context, want *cluster.Cluster) ([]string, error) {
	parts, err := r.parts(want, nil)
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	var all []string
	err = runtime.Together(parts, func(p part) error {
		err := p.machine.work(ctx, p.member.Name, func(ctx context.Context) error {
			some, err := p.machine.engine.Lacking(ctx, p.want)
			mu.Lock()
			defer mu.Unlock()
			for _, what := range some {
				all = append(all, what+" on "+p.machine.host)
			}
			return err
		})
		if away := (*runtime.AwayError)(nil); errors.As(err, &away) {
			return nil
		}
		return err
	})
	slices.Sort(all)
	return all, err
}

// FetchAnew has each machine that answers do it.
func (r *Runtime) FetchAnew(ctx context.Context, want *cluster.Cluster) error {
	return r.where(ctx, want, nil, func(ctx context.Context, p part) error { return p.machine.engine.FetchAnew(ctx, p.want) })
}

// Prepare has each machine get what it will need.
func (r *Runtime) Prepare(ctx context.Context, want *cluster.Cluster, servers ...string) error {
	return r.each(ctx, want, servers, func(ctx context.Context, p part) error {
		return p.machine.engine.Prepare(ctx, p.want, p.member.Name)
	})
}

// Check refuses what Prepare does on each machine that answers.
func (r *Runtime) Check(ctx context.Context, want *cluster.Cluster, servers ...string) error {
	return r.where(ctx, want, servers, func(ctx context.Context, p part) error {
		return p.machine.engine.Check(ctx, p.want, p.member.Name)
	})
}

// Apply makes members run on their machines. Where several are to be made, all are
// there before the first of them is started.
func (r *Runtime) Apply(ctx context.Context, want *cluster.Cluster, servers ...string) error {
	if len(servers) != 1 {
		err := r.each(ctx, want, servers, func(ctx context.Context, p part) error {
			return p.machine.engine.Make(ctx, p.want, p.member.Name)
		})
		if err != nil {
			return err
		}
	}
	return r.each(ctx, want, servers, func(ctx context.Context, p part) error {
		return p.machine.engine.Apply(ctx, p.want, p.member.Name)
	})
}

// each has something done for members on their machines, which are noted first.
func (r *Runtime) each(ctx context.Context, want *cluster.Cluster, servers []string, do func(context.Context, part) error) error {
	parts, err := r.parts(want, servers)
	if err != nil {
		return err
	}
	var members []cluster.Member
	for _, p := range parts {
		members = append(members, p.member)
	}
	if err := r.remember(members); err != nil {
		return err
	}
	return runtime.Together(parts, func(p part) error {
		return p.machine.work(ctx, p.member.Name, func(ctx context.Context) error { return do(ctx, p) })
	})
}

// Share brings the copies of files on each machine to what they are here.
func (r *Runtime) Share(ctx context.Context, want *cluster.Cluster, servers ...string) error {
	return r.where(ctx, want, servers, func(ctx context.Context, p part) error {
		return p.machine.engine.Share(ctx, p.want, p.member.Name)
	})
}

// OldCopies are the members of machines that answer whose copies of files are not what
// these are here.
func (r *Runtime) OldCopies(ctx context.Context, want *cluster.Cluster) ([]string, error) {
	var mu sync.Mutex
	var all []string
	err := r.where(ctx, want, nil, func(ctx context.Context, p part) error {
		old, err := p.machine.engine.OldCopies(ctx, p.want)
		mu.Lock()
		defer mu.Unlock()
		all = append(all, old...)
		return err
	})
	slices.Sort(all)
	return all, err
}

// Note keeps what the cluster is wanted as on each machine.
func (r *Runtime) Note(ctx context.Context, want *cluster.Cluster) error {
	return r.where(ctx, want, nil, func(ctx context.Context, p part) error { return p.machine.engine.Note(ctx, p.want) })
}

// Tidy has each machine that answers remove what is left beside its servers.
func (r *Runtime) Tidy(ctx context.Context, name string) error {
	places, err := r.places(ctx)
	if err != nil {
		return err
	}
	return runtime.Together(machinesOf(places), func(m *machine) error {
		t, ok := m.engine.(runtime.Tidier)
		if !ok {
			return nil
		}
		err := m.ask(ctx, "", func(ctx context.Context) error { return t.Tidy(ctx, name) })
		away := (*runtime.AwayError)(nil)
		if errors.Is(err, runtime.ErrNotFound) || errors.As(err, &away) {
			return nil
		}
		return err
	})
}

// where has something done on the machines that answer and have something of the
// cluster.
func (r *Runtime) where(ctx context.Context, want *cluster.Cluster, servers []string, do func(context.Context, part) error) error {
	parts, err := r.parts(want, servers)
	if err != nil {
		return err
	}
	return runtime.Together(parts, func(p part) error {
		err := p.machine.work(ctx, p.member.Name, func(ctx context.Context) error { return do(ctx, p) })
		away := (*runtime.AwayError)(nil)
		if errors.Is(err, runtime.ErrNotFound) || errors.As(err, &away) {
			return nil
		}
		return err
	})
}
