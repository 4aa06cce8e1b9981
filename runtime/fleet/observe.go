package fleet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/etcdctr/etcdctr/runtime"
)

// sighting is a place with what is there.
type sighting struct {
	place
	away   error          // the machine does not answer
	there  bool           // something is there
	server runtime.Server // what it is, under its name here
}

// survey is what was seen of a cluster at one moment.
type survey struct {
	name   string
	all    []sighting
	states []runtime.State // of the machines that have something of the cluster
	rests  []*machine      // those that have no server of it, as a network that somebody was on
	aside  []runtime.Aside // on all of them
}

// look asks all machines.
func (r *Runtime) look(ctx context.Context, name string) (*survey, error) {
	places, err := r.places(ctx)
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	states, away := map[*machine]*runtime.State{}, map[*machine]error{}
	err = runtime.Together(machinesOf(places), func(m *machine) error {
		var have *runtime.State
		err := m.ask(ctx, "", func(ctx context.Context) (err error) {
			have, err = m.engine.Observe(ctx, name)
			return err
		})
		mu.Lock()
		defer mu.Unlock()
		gone := (*runtime.AwayError)(nil)
		switch {
		case errors.As(err, &gone):
			away[m] = gone.Err
		case errors.Is(err, runtime.ErrNotFound):
		case err != nil:
			return fmt.Errorf("on %s: %w", m.host, err)
		default:
			states[m] = have
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	s := &survey{name: name}
	for _, p := range r.placesOf(name, places) {
		if isOf(p, places, states) {
			delete(states, p.machine)
			continue
		}
		s.add(p, states[p.machine], away[p.machine])
	}
	for _, m := range machinesOf(places) {
		if have := states[m]; have != nil {
			s.states = append(s.states, *have)
			if len(have.Servers) == 0 {
				s.rests = append(s.rests, m)
			}
			s.aside = append(s.aside, m.called(have.Aside, placesOn(m, places))...)
			s.addOthers(m, have)
		}
	}
	return s, nil
}

// placesOf are those of the members of a cluster. A description without a name is of
// every cluster; of one that it is not of nothing is known but what is seen.
func (r *Runtime) placesOf(name string, places []place) []place {
	if r.o.Spec.Name != "" && name != r.o.Spec.ClusterName() {
		return nil
	}
	return places
}

// isOf tells of a place where a member has been that its new one is the same machine,
// of another address and reached otherwise: the very same server is there.
func isOf(former place, places []place, states map[*machine]*runtime.State) bool {
	was, there := states[former.machine].Server(former.member)
	if former.wanted || !there || was.Since.IsZero() {
		return false
	}
	return slices.ContainsFunc(places, func(p place) bool {
		is, there := states[p.machine].Server(p.member)
		return p.wanted && p.member == former.member && there && is.Since.Equal(was.Since) && is.Status == was.Status
	})
}

// add tells of one place.
func (s *survey) add(p place, have *runtime.State, away error) {
	x := sighting{place: p, away: away}
	switch {
	case away != nil:
		x.there = !p.left
		x.server = runtime.Server{Role: runtime.Member, Status: runtime.Away, Detail: away.Error(), Settings: p.settings}
	default:
		x.server, x.there = have.Server(p.member)
	}
	x.server.Name, x.server.Host = p.name, p.machine.host
	x.server.Former = !p.wanted && p.name != p.member
	s.all = append(s.all, x)
}

// addOthers tells of what a machine has of the cluster that no place is known for.
func (s *survey) addOthers(m *machine, have *runtime.State) {
	for _, server := range have.Servers {
		known := slices.ContainsFunc(s.all, func(x sighting) bool { return x.machine == m && x.member == server.Name })
		if known {
			continue
		}
		p := place{name: server.Name, member: server.Name, machine: m, settings: server.Settings}
		if slices.ContainsFunc(s.all, func(x sighting) bool { return x.name == p.name }) {
			p.name += "@" + m.host
		}
		s.add(p, have, nil)
	}
}

// Observe tells of the members on all machines.
func (r *Runtime) Observe(ctx context.Context, name string) (*runtime.State, error) {
	s, err := r.look(ctx, name)
	if err != nil {
		return nil, err
	}
	have := &runtime.State{Name: name, Runtime: r.o.Name, Wish: mostSaid(s.states), Folder: s.folder(r.o.Folder, r.packed)}
	for _, x := range s.all {
		if x.there {
			have.Servers = append(have.Servers, x.server)
		}
	}
	for _, one := range s.states {
		have.CertsDir = cmp.Or(have.CertsDir, one.CertsDir)
		have.Others = append(have.Others, one.Others...)
		have.Leftovers = append(have.Leftovers, one.Leftovers...)
	}
	if len(have.Servers) == 0 && len(s.rests) == 0 {
		return nil, &runtime.NotFoundError{Name: name}
	}
	have.Aside = sortedByServer(s.aside)
	slices.SortFunc(have.Servers, func(a, b runtime.Server) int { return strings.Compare(a.Name, b.Name) })
	return have, nil
}

// folder is where the cluster was started: here only if it was on all machines, since what
// has its name on one of them and is another folder's may be somebody else's cluster. What was
// unpacked from an archive was started there for who has packed it.
func (s *survey) folder(here string, packed func(folder string) bool) string {
	folder := ""
	for _, one := range s.states {
		switch {
		case one.Folder == "":
		case packed(one.Folder):
			folder = here
		case !one.StartedIn(here):
			return one.Folder
		default:
			folder = one.Folder
		}
	}
	return folder
}

// packed tells whether a folder of a machine has what came out of an archive of this folder:
// it is called as that is.
func (r *Runtime) packed(folder string) bool {
	name := path.Base(strings.ReplaceAll(folder, `\`, "/"))
	_, err := os.Stat(filepath.Join(r.o.Bundles, name+".tar.gz"))
	return r.o.Bundles != "" && err == nil
}

// mostSaid is what most of the machines say that the cluster was started with: one
// that was away meanwhile says what was true before.
func mostSaid(states []runtime.State) string {
	count, most := map[string]int{}, ""
	for _, one := range states {
		count[one.Wish]++
	}
	for _, one := range states {
		if count[one.Wish] > count[most] {
			most = one.Wish
		}
	}
	return most
}

// List observes the cluster that is described, and what else its machines have.
func (r *Runtime) List(ctx context.Context) ([]runtime.State, error) {
	places, err := r.places(ctx)
	if err != nil {
		return nil, err
	}
	names, err := r.names(ctx, machinesOf(places))
	if err != nil {
		return nil, err
	}
	var all []runtime.State
	for _, name := range names {
		have, err := r.Observe(ctx, name)
		if errors.Is(err, runtime.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		all = append(all, *have)
	}
	return all, nil
}

// names are those of the clusters on machines that answer, and that of the one that is
// described.
func (r *Runtime) names(ctx context.Context, machines []*machine) ([]string, error) {
	names := []string{r.o.Spec.ClusterName()}
	var mu sync.Mutex
	err := runtime.Together(machines, func(m *machine) error {
		var has []runtime.State
		err := m.ask(ctx, "", func(ctx context.Context) (err error) {
			has, err = m.engine.List(ctx)
			return err
		})
		if away := (*runtime.AwayError)(nil); errors.As(err, &away) {
			return nil
		}
		mu.Lock()
		defer mu.Unlock()
		for _, s := range has {
			names = append(names, s.Name)
		}
		return err
	})
	slices.Sort(names)
	return slices.Compact(names), err
}

// one finds a server.
func (r *Runtime) one(ctx context.Context, name, server string) (sighting, error) {
	s, err := r.look(ctx, name)
	if err != nil {
		return sighting{}, err
	}
	chosen, err := s.choose([]string{server})
	if err != nil {
		return sighting{}, err
	}
	return chosen[0], nil
}

// choose gives servers that are there, or all when none is named.
func (s *survey) choose(servers []string) ([]sighting, error) {
	there := slices.DeleteFunc(slices.Clone(s.all), func(x sighting) bool { return !x.there })
	if len(there) == 0 {
		return nil, &runtime.NotFoundError{Name: s.name}
	}
	if len(servers) == 0 {
		return there, nil
	}
	unknown := &runtime.UnknownError{Name: s.name}
	var chosen []sighting
	for _, name := range servers {
		if i := slices.IndexFunc(there, func(x sighting) bool { return x.server.Name == name }); i >= 0 {
			chosen = append(chosen, there[i])
		} else {
			unknown.Servers = append(unknown.Servers, name)
		}
	}
	if len(unknown.Servers) == 0 {
		return chosen, nil
	}
	for _, x := range there {
		unknown.Has = append(unknown.Has, x.server.Name)
	}
	return nil, unknown
}

// NoteData forgets where members have been and nothing of them is any more.
func (r *Runtime) NoteData(ctx context.Context, name string) error {
	s, err := r.look(ctx, name)
	if err != nil {
		return err
	}
	var empty []place
	for _, x := range s.all {
		if !x.wanted && !x.there && x.away == nil {
			empty = append(empty, x.place)
		}
	}
	if len(empty) == 0 {
		return nil
	}
	return r.forget(empty...)
}

// Data looks whether a server has data; nobody knows of one whose machine is away.
func (r *Runtime) Data(ctx context.Context, name, server string) (runtime.Data, error) {
	x, err := r.one(ctx, name, server)
	unknown := (*runtime.UnknownError)(nil)
	switch {
	case errors.Is(err, runtime.ErrNotFound), errors.As(err, &unknown):
		return runtime.None, nil
	case err != nil:
		return runtime.Unknown, err
	case x.away != nil:
		return runtime.Unknown, nil
	}
	data := runtime.Unknown
	err = x.machine.work(ctx, server, func(ctx context.Context) (err error) {
		data, err = x.machine.engine.Data(ctx, name, x.member)
		return err
	})
	return data, err
}

var _ runtime.Looker = (*Runtime)(nil)

// Blank asks the machine that has the server, if its engine can tell.
func (r *Runtime) Blank(ctx context.Context, name, server string) (bool, error) {
	x, err := r.one(ctx, name, server)
	if err != nil || x.away != nil {
		return false, err
	}
	looker, ok := x.machine.engine.(runtime.Looker)
	if !ok {
		return false, nil
	}
	blank := false
	err = x.machine.work(ctx, server, func(ctx context.Context) (err error) {
		blank, err = looker.Blank(ctx, name, x.member)
		return err
	})
	return blank, err
}

// DataSize asks the machine that has the server, if its engine can tell.
func (r *Runtime) DataSize(ctx context.Context, name, server string) (int64, error) {
	x, err := r.one(ctx, name, server)
	if err != nil || x.away != nil {
		return 0, err
	}
	sizer, ok := x.machine.engine.(runtime.Sizer)
	if !ok {
		return 0, nil
	}
	var size int64
	err = x.machine.work(ctx, server, func(ctx context.Context) (err error) {
		size, err = sizer.DataSize(ctx, name, x.member)
		return err
	})
	return size, err
}
