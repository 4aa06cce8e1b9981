package backup

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/etcdctr/etcdctr/runtime"
)

// LastAside is where the last restoration has set aside the data of each member that
// had any. ErrNothing says that there is none.
func LastAside(ctx context.Context, r Runtime, have *runtime.State) (map[string]string, error) {
	names, err := concerned(ctx, r, have)
	if err != nil {
		return nil, err
	}
	last := map[string]string{}
	for _, name := range names {
		all, err := r.Aside(ctx, have.Name, name)
		if err != nil {
			return nil, err
		}
		if len(all) > 0 {
			last[name] = all[0]
		}
	}
	if len(last) == 0 {
		return nil, fmt.Errorf("%s: %w", have.Name, ErrNothing)
	}
	return last, nil
}

// concerned are the members that are there, and those that had data before the
// restoration that has made theirs: one that it has taken away may be seen no more.
func concerned(ctx context.Context, r Runtime, have *runtime.State) ([]string, error) {
	s, err := stager(r)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, m := range have.Members() {
		names = append(names, m.Name)
	}
	for _, m := range reachable(have) {
		by, err := s.MadeBy(ctx, have.Name, m.Name)
		if err != nil {
			return nil, err
		}
		if by != nil {
			names = append(names, by.Over...)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// Undo brings back what the last restoration has set aside, of all members at
// once, and sets aside what there is instead. Of a restoration that was not finished,
// members that it had not come to are left as they are, and what it has made is
// deleted. It starts nothing. ErrNothing says that there is nothing to undo.
func Undo(ctx context.Context, r Runtime, name string) (map[string]string, error) {
	have, err := r.Observe(ctx, name)
	if err != nil {
		return nil, err
	}
	if err := Undoable(ctx, r, have); err != nil {
		return nil, err
	}
	release, err := r.Lock(ctx, name, nil)
	if err != nil {
		return nil, err
	}
	defer release()
	if have.Active() {
		if err := r.Stop(ctx, name, 0); err != nil {
			return nil, err
		}
	}
	back, found, err := takeBack(ctx, r, have)
	if err != nil || found {
		return back, err
	}
	last, err := LastAside(ctx, r, have)
	if err != nil {
		return nil, err
	}
	came, err := withIt(ctx, r, have)
	if err != nil {
		return nil, err
	}
	for _, server := range slices.Sorted(maps.Keys(last)) {
		if err := r.BringBack(ctx, name, server, last[server]); err != nil {
			return nil, err
		}
	}
	for _, m := range came {
		if last[m] != "" {
			continue
		}
		if _, err := r.SetAside(ctx, name, m); err != nil {
			return nil, err
		}
	}
	return last, nil
}

// withIt are the members whose data a restoration has made; all, where none of them tells.
func withIt(ctx context.Context, r Runtime, have *runtime.State) ([]string, error) {
	s, err := stager(r)
	if err != nil {
		return nil, err
	}
	var made, all []string
	for _, m := range have.Members() {
		all = append(all, m.Name)
		if m.Status == runtime.Away {
			continue
		}
		by, err := s.MadeBy(ctx, have.Name, m.Name)
		if err != nil {
			return nil, err
		}
		if by != nil {
			made = append(made, m.Name)
		}
	}
	if len(made) == 0 {
		return all, nil
	}
	return made, nil
}

// ErrNothing is the error of a cluster of which nothing was set aside.
var ErrNothing = errors.New("nothing was set aside of it")

// Undoable finds out whether there is a restoration to undo: ErrNothing says that there
// is none.
func Undoable(ctx context.Context, r Runtime, have *runtime.State) error {
	by, err := Unfinished(ctx, r, have)
	if err == nil && by == nil {
		_, err = LastAside(ctx, r, have)
	}
	return err
}

// Unfinished is the restoration that was not finished: some members have what it has
// made in its place, and others have it still beside what they had. nil if there is none.
func Unfinished(ctx context.Context, r Runtime, have *runtime.State) (*runtime.Restoration, error) {
	s, err := stager(r)
	if err != nil {
		return nil, err
	}
	for _, m := range reachable(have) {
		if by, err := s.Staged(ctx, have.Name, m.Name); err != nil || by != nil {
			return by, err
		}
	}
	return nil, nil
}

// ErrNotStaged is the error of a runtime that can't prepare the data of members.
var ErrNotStaged = errors.New("the data of its members can't be made before it is exchanged")

func stager(r Runtime) (runtime.Stager, error) {
	s, ok := r.(runtime.Stager)
	if !ok {
		return nil, fmt.Errorf("runtime %s: %w", r.Name(), ErrNotStaged)
	}
	return s, nil
}

// reachable are the members whose machines answer.
func reachable(have *runtime.State) []runtime.Server {
	return slices.DeleteFunc(have.Members(), func(m runtime.Server) bool { return m.Status == runtime.Away })
}

// takeBack has a restoration that was not finished be as if it had never been, and
// tells which members have their former data again; false if there is none. As long as
// it is not done, something is staged: what ends it in between is seen, and it goes on
// from there.
func takeBack(ctx context.Context, r Runtime, have *runtime.State) (map[string]string, bool, error) {
	by, err := Unfinished(ctx, r, have)
	if err != nil || by == nil {
		return nil, false, err
	}
	s, err := stager(r)
	if err != nil {
		return nil, false, err
	}
	back := map[string]string{}
	members := reachable(have)
	for _, name := range by.Over {
		if _, there := have.Server(name); !there { // it has nothing left but what was set aside of it
			members = append(members, runtime.Server{Name: name, Status: runtime.Absent})
		}
	}
	for _, m := range members {
		where, err := takeBackOne(ctx, r, s, have.Name, m, by)
		if err != nil {
			return back, true, err
		}
		if where != "" {
			back[m.Name] = where
		}
	}
	for _, m := range reachable(have) {
		if err := s.Unstage(ctx, have.Name, m.Name); err != nil {
			return back, true, err
		}
	}
	return back, true, nil
}

// takeBackOne gives a member that the restoration had come to its former data again,
// and tells where that was.
func takeBackOne(ctx context.Context, r Runtime, s runtime.Stager, cluster string, m runtime.Server, by *runtime.Restoration) (string, error) {
	made, err := s.MadeBy(ctx, cluster, m.Name)
	if err != nil {
		return "", err
	}
	data, err := r.Data(ctx, cluster, m.Name)
	if err != nil {
		return "", err
	}
	over := slices.Contains(by.Over, m.Name)
	came := made != nil && made.ID == by.ID
	if !came && (data != runtime.None || !over) {
		return "", nil // it had not come to it
	}
	where := ""
	if over {
		all, err := r.Aside(ctx, cluster, m.Name)
		if err != nil {
			return "", err
		}
		if len(all) > 0 {
			where = all[0]
		}
	}
	switch {
	case where == "" && !came:
		return "", nil
	case !m.Active():
		return where, s.Retract(ctx, cluster, m.Name, where)
	case where != "": // somebody has started it: it may have been written to
		return where, r.BringBack(ctx, cluster, m.Name, where)
	}
	_, err = r.SetAside(ctx, cluster, m.Name)
	return "", err
}
