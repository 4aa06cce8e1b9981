package fleet

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/runtime"
)

// This file is about servers that are there.

// at has something done to servers that are there, on each of their machines at the
// same time. The names are those that the machine knows them by.
func (r *Runtime) at(ctx context.Context, name string, servers []string, do func(context.Context, *machine, []string) error) error {
	s, err := r.look(ctx, name)
	if err != nil {
		return err
	}
	chosen, err := s.choose(servers)
	if err != nil {
		return err
	}
	if len(servers) == 0 {
		chosen = r.within(chosen)
	}
	return runtime.Together(byMachine(chosen), func(group []sighting) error {
		m := group[0].machine
		var members []string
		for _, x := range group {
			members = append(members, x.member)
		}
		return m.work(ctx, group[0].name, func(ctx context.Context) error { return do(ctx, m, members) })
	})
}

// within are those of all servers that there is something to start or to stop of. One
// whose machine is away is left out, unless there is no other.
func (r *Runtime) within(all []sighting) []sighting {
	all = slices.DeleteFunc(all, func(x sighting) bool { return x.server.Status == runtime.Absent })
	if !slices.ContainsFunc(all, func(x sighting) bool { return x.away == nil }) {
		return all
	}
	return slices.DeleteFunc(all, r.leavesOut)
}

// byMachine are sightings by their machines, in their order.
func byMachine(all []sighting) [][]sighting {
	var groups [][]sighting
	for _, x := range all {
		i := slices.IndexFunc(groups, func(g []sighting) bool { return g[0].machine == x.machine })
		if i < 0 {
			groups = append(groups, []sighting{x})
			continue
		}
		groups[i] = append(groups[i], x)
	}
	return groups
}

// Start starts servers that are there and do not run.
func (r *Runtime) Start(ctx context.Context, name string, servers ...string) error {
	return r.at(ctx, name, servers, func(ctx context.Context, m *machine, members []string) error {
		return m.engine.Start(ctx, name, members...)
	})
}

// Stop asks servers to end, all at once.
func (r *Runtime) Stop(ctx context.Context, name string, grace time.Duration, servers ...string) error {
	return r.at(ctx, name, servers, func(ctx context.Context, m *machine, members []string) error {
		return m.engine.Stop(ctx, name, grace, members...)
	})
}

// Remove removes servers, and what a machine has besides once its last is gone. What
// is on a machine that is away, and that is not described any more, is left there.
func (r *Runtime) Remove(ctx context.Context, name string, removal runtime.Removal) error {
	s, err := r.look(ctx, name)
	if err != nil {
		return err
	}
	chosen, err := s.choose(removal.Servers)
	if errors.Is(err, runtime.ErrNotFound) {
		return errors.Join(removeRests(ctx, s), r.forgetAll(s))
	}
	if err != nil {
		return err
	}
	err = runtime.Together(byMachine(chosen), func(group []sighting) error {
		return r.remove(ctx, name, group, runtime.Removal{Data: removal.Data, Made: removal.Made, Servers: named(group, removal.Servers)})
	})
	if err == nil && removal.Data && len(removal.Servers) == 0 {
		r.tellLeft(s)
	}
	return err
}

// removeRests takes away what machines have left of a cluster that is gone.
func removeRests(ctx context.Context, s *survey) error {
	return runtime.Together(s.rests, func(m *machine) error {
		return m.work(ctx, "", func(ctx context.Context) error { return m.engine.Remove(ctx, s.name, runtime.Removal{}) })
	})
}

// forgetAll drops all of a cluster from the note of which nothing is seen, but for what was
// left on machines that don't answer.
func (r *Runtime) forgetAll(s *survey) error {
	var gone []place
	for _, x := range s.all {
		if !x.left || x.away == nil {
			gone = append(gone, x.place)
		}
	}
	return r.forget(gone...)
}

// tellLeft says what is not deleted, since its machine does not answer.
func (r *Runtime) tellLeft(s *survey) {
	for _, x := range s.all {
		if x.left && x.away != nil {
			r.tellBehind(x.name, x.machine.host, x.away)
		}
	}
}

// tellBehind says that something is left on a machine that does not answer.
func (r *Runtime) tellBehind(name, host string, why error) {
	r.tell(runtime.Event{
		Server: name, Action: runtime.Caveat, Done: true,
		Detail: fmt.Sprintf("%s is left on %s, which does not answer: once it does, what is there is seen again, and goes: %v", name, host, why),
	})
}

// named are the members of a group; none where all is meant.
func named(group []sighting, servers []string) []string {
	if len(servers) == 0 {
		return nil
	}
	var members []string
	for _, x := range group {
		members = append(members, x.member)
	}
	return members
}

func (r *Runtime) remove(ctx context.Context, name string, group []sighting, removal runtime.Removal) error {
	m := group[0].machine
	err := m.work(ctx, group[0].name, func(ctx context.Context) error { return m.engine.Remove(ctx, name, removal) })
	away := (*runtime.AwayError)(nil)
	if errors.As(err, &away) && !group[0].wanted && len(group) == 1 && !removal.Data {
		r.tellBehind(group[0].name, m.host, away.Err)
		return r.leave(group[0].place)
	}
	if err != nil || !removal.Data {
		return err
	}
	var gone []place
	for _, x := range group {
		gone = append(gone, x.place)
	}
	return r.forget(gone...)
}

// SetAside puts the data of a stopped server where etcd does not find it.
func (r *Runtime) SetAside(ctx context.Context, name, server string) (where string, err error) {
	err = r.with(ctx, name, server, func(ctx context.Context, x place) (err error) {
		where, err = x.machine.engine.SetAside(ctx, name, x.member)
		where = x.machine.names(where)
		return err
	})
	return where, err
}

// with has something done to one server on its machine. All the others are asked only
// where nobody knows where it is.
func (r *Runtime) with(ctx context.Context, name, server string, do func(context.Context, place) error) error {
	places, err := r.places(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(places, func(p place) bool { return p.name == server })
	if i < 0 {
		x, err := r.one(ctx, name, server)
		if err != nil {
			return err
		}
		places, i = []place{x.place}, 0
	}
	p := places[i]
	return p.machine.work(ctx, server, func(ctx context.Context) error { return do(ctx, p) })
}

// Logs gives the lines of servers on all machines. One whose machine is away, or does
// not answer any more, is left out with a word, unless there is no other.
func (r *Runtime) Logs(ctx context.Context, name string, o runtime.LogOptions, line func(runtime.Line)) error {
	s, err := r.look(ctx, name)
	if err != nil {
		return err
	}
	chosen, err := s.choose(o.Servers)
	if err != nil {
		return err
	}
	if len(o.Servers) == 0 {
		chosen = slices.DeleteFunc(chosen, func(x sighting) bool { return x.server.Status == runtime.Absent })
	}
	if slices.ContainsFunc(chosen, func(x sighting) bool { return x.away == nil }) {
		chosen = slices.DeleteFunc(chosen, r.leavesOut)
	}
	var servers []func(context.Context, func(runtime.Line)) error
	for _, x := range chosen {
		servers = append(servers, func(ctx context.Context, line func(runtime.Line)) error {
			err := x.logs(ctx, name, o, line)
			if away := (*runtime.AwayError)(nil); errors.As(err, &away) && len(chosen) > 1 {
				x.away = away.Err
				r.leavesOut(x)
				return nil
			}
			return err
		})
	}
	return runtime.Listen(ctx, line, servers...)
}

func (x sighting) logs(ctx context.Context, name string, o runtime.LogOptions, line func(runtime.Line)) error {
	o.Servers = []string{x.member}
	return x.machine.work(ctx, x.name, func(ctx context.Context) error {
		return x.machine.engine.Logs(ctx, name, o, func(l runtime.Line) {
			l.Server = x.name
			line(l)
		})
	})
}

// leavesOut says of a server whose machine is away that nothing is heard of it.
func (r *Runtime) leavesOut(x sighting) bool {
	if x.away != nil {
		r.tell(runtime.Event{
			Server: x.name, Action: runtime.Caveat, Done: true,
			Detail: fmt.Sprintf("%s is left out: its machine does not answer: %v", x.name, x.away),
		})
	}
	return x.away != nil
}

// Exec runs a command beside a server, on its machine.
func (r *Runtime) Exec(ctx context.Context, name, server string, c runtime.Command) (exitCode int, err error) {
	err = r.with(ctx, name, server, func(ctx context.Context, x place) (err error) {
		exitCode, err = x.machine.engine.Exec(ctx, name, x.member, c)
		return err
	})
	return exitCode, err
}

// Expose compares what each machine publishes with what is promised.
func (r *Runtime) Expose(ctx context.Context, want *cluster.Cluster) ([]runtime.Exposure, []string, error) {
	parts, err := r.parts(want, nil)
	if err != nil {
		return nil, nil, err
	}
	found, warned := make(map[string][]runtime.Exposure), make(map[string][]string)
	var mu sync.Mutex
	err = runtime.Together(parts, func(p part) error {
		seen, warnings, err := p.expose(ctx)
		mu.Lock()
		defer mu.Unlock()
		found[p.member.Name], warned[p.member.Name] = seen, warnings
		return err
	})
	var all []runtime.Exposure
	var warnings []string
	for _, p := range parts {
		all, warnings = append(all, found[p.member.Name]...), append(warnings, warned[p.member.Name]...)
	}
	return all, slices.Compact(warnings), err
}

func (p part) expose(ctx context.Context) (seen []runtime.Exposure, warnings []string, err error) {
	err = p.machine.work(ctx, p.member.Name, func(ctx context.Context) (err error) {
		seen, warnings, err = p.machine.engine.Expose(ctx, p.want)
		return err
	})
	if away := (*runtime.AwayError)(nil); errors.As(err, &away) {
		return []runtime.Exposure{{Subject: p.member.Name, Check: "machine", Expected: "answers", Seen: "does not answer"}}, nil, nil
	}
	for i, x := range seen {
		if strings.HasPrefix(x.Subject, "network ") {
			seen[i].Subject += " on " + p.machine.host
		}
	}
	return seen, warnings, err
}
