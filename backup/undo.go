package backup

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/etcdctr/etcdctr/internal/listed"
	"github.com/etcdctr/etcdctr/runtime"
)

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
// deleted. It starts nothing. Where it was ended in the middle, another one goes on, and
// ErrUndone says that nothing was left to do: only of a cluster that was started in between
// what was set aside instead comes back. ErrNothing says that there is nothing to undo.
func Undo(ctx context.Context, r Runtime, name string) (map[string]string, error) {
	return UndoIf(ctx, r, name, func() {}, func(*runtime.State) error { return nil })
}

// UndoIf is Undo that asks first whether it may, by what is there once no other command
// changes it. Waiting is called once where one does.
func UndoIf(ctx context.Context, r Runtime, name string, waiting func(), may func(have *runtime.State) error) (map[string]string, error) {
	release, err := r.Lock(ctx, name, waiting)
	if err != nil {
		return nil, err
	}
	defer release()
	have, err := r.Observe(ctx, name) // another command may have been at it while this one waited
	if err != nil {
		return nil, err
	}
	if err := Undoable(ctx, r, have); err != nil {
		return nil, err
	}
	if err := may(have); err != nil {
		return nil, err
	}
	if have.Active() {
		if err := r.Stop(ctx, name, 0); err != nil {
			return nil, err
		}
	}
	back, found, err := takeBack(ctx, r, have)
	if err != nil || found {
		return back, err
	}
	where, err := ToBringBack(ctx, r, have)
	if err != nil {
		return nil, err
	}
	return give(ctx, r, name, where)
}

// ToBringBack is where the data is that Undo gives members again, by their names; empty for
// those that had none. It is about a restoration that was finished.
func ToBringBack(ctx context.Context, r Runtime, have *runtime.State) (map[string]string, error) {
	l, err := lastRestoration(ctx, r, have)
	if err != nil || len(l.made) > 0 {
		return l.made, err
	}
	return l.undone, nil
}

// give gives members what was set aside of them, and none to those of which that is
// empty. It tells who has other data now, and where that was.
func give(ctx context.Context, r Runtime, name string, where map[string]string) (map[string]string, error) {
	given := map[string]string{}
	for _, server := range slices.Sorted(maps.Keys(where)) {
		if where[server] == "" {
			if _, err := r.SetAside(ctx, name, server); err != nil {
				return nil, err
			}
			continue
		}
		if err := r.BringBack(ctx, name, server, where[server]); err != nil {
			return nil, err
		}
		given[server] = where[server]
	}
	return given, nil
}

// Errors of what is there to be brought back.
var (
	// ErrNothing is the error of a cluster of which nothing was set aside.
	ErrNothing = errors.New("nothing was set aside of it")
	// ErrUndone is the error of a cluster whose last restoration is undone, and which was
	// not started since.
	ErrUndone = errors.New("its last restoration is undone: its members have what they had before")
	// ErrDiscarded is the error of a cluster of which a part of what was set aside is deleted.
	ErrDiscarded = errors.New("its last restoration can't be undone: a part of what was set aside is deleted")
)

// Undoable finds out whether there is a restoration to undo: ErrNothing says that there
// is none, ErrUndone that it is undone, and ErrDiscarded that it can't be any more.
func Undoable(ctx context.Context, r Runtime, have *runtime.State) error {
	by, err := Unfinished(ctx, r, have)
	if err != nil || by != nil {
		return err
	}
	l, err := lastRestoration(ctx, r, have)
	switch {
	case err != nil:
		return err
	case !have.Active() && l.isUndone():
		return fmt.Errorf("%s: %w", have.Name, ErrUndone)
	case !leads(l.made) && !leads(l.undone):
		return fmt.Errorf("%s: %w", have.Name, ErrNothing)
	case len(l.gone) > 0:
		return fmt.Errorf("%s: %w, that of %s", have.Name, ErrDiscarded, listed.And(l.gone))
	}
	return nil
}

// leads tells that there is something to bring back.
func leads(where map[string]string) bool {
	for _, w := range where {
		if w != "" {
			return true
		}
	}
	return false
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
	if err := noteTakenBack(ctx, s, have, by); err != nil {
		return back, true, err
	}
	for _, m := range reachable(have) {
		if err := s.Unstage(ctx, have.Name, m.Name); err != nil {
			return back, true, err
		}
	}
	return back, true, nil
}

// noteTakenBack has whoever asks for the same once more not be given what was there before
// the restoration that was finished before that.
func noteTakenBack(ctx context.Context, s runtime.Stager, have *runtime.State, by *runtime.Restoration) error {
	for _, m := range reachable(have) {
		made, err := s.MadeBy(ctx, have.Name, m.Name)
		if err != nil {
			return err
		}
		if made == nil || made.TakenBack >= by.Number || m.Active() {
			continue
		}
		made.TakenBack = by.Number
		if err := s.Remark(ctx, have.Name, m.Name, *made); err != nil {
			return err
		}
	}
	return nil
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
