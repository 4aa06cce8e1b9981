package backup

import (
	"context"
	"slices"

	"github.com/etcdctr/etcdctr/runtime"
)

// The last restoration is known by its marks, in what members have and in what was set
// aside of them. Which members it is undone of shows by them, too: so an undo that was
// ended in the middle goes on, and one that was ended behind its last step is not taken
// for none.

// last is how far the last restoration is undone.
type last struct {
	// made are the members that have what came with it, and where what they had before
	// is; empty for nothing.
	made map[string]string
	// undone are those that have what they had before, and where what came with it is;
	// empty for nothing.
	undone map[string]string
	// gone are those that had data before of which nothing is left: the others' alone would
	// be another cluster than theirs.
	gone []string
	// takenBack tells that a later one was not finished, and is as if it had never been.
	takenBack bool
}

func (l last) isUndone() bool { return l.takenBack || len(l.made) == 0 && len(l.undone) > 0 }

// kept is what a member has, and what was set aside of it last.
type kept struct {
	name          string
	data          runtime.Data
	by            *runtime.Restoration // who has made what it has
	aside         []string             // the newest first
	asideBy, next *runtime.Restoration // who has made the newest of these, and the one before
	// before is where what it had before the last restoration is, where it was replaced after
	// that: something else is newer.
	before string
}

// lastRestoration looks at all members.
func lastRestoration(ctx context.Context, r Runtime, have *runtime.State) (last, error) {
	s, err := stager(r)
	if err != nil {
		return last{}, err
	}
	names, err := concerned(ctx, r, have)
	if err != nil {
		return last{}, err
	}
	all, err := lookAtAll(ctx, r, s, have.Name, names)
	if err != nil {
		return last{}, err
	}
	var by runtime.Restoration
	for _, k := range all {
		for _, m := range k.marks() {
			if m.Number >= by.Number {
				by = *m
			}
		}
	}
	l := last{made: map[string]string{}, undone: map[string]string{}}
	if by.ID == "" { // what is set aside is of members that were replaced: their cluster has gone on
		return l, nil
	}
	for _, k := range all {
		if err := k.dig(ctx, s, have.Name, by); err != nil {
			return last{}, err
		}
		k.sort(by, &l)
		l.takenBack = l.takenBack || k.by != nil && k.by.TakenBack > by.Number
	}
	return l, nil
}

func lookAtAll(ctx context.Context, r Runtime, s runtime.Stager, cluster string, names []string) ([]*kept, error) {
	all := make([]*kept, len(names))
	for i, name := range names {
		all[i] = &kept{name: name}
	}
	return all, runtime.Together(all, func(k *kept) error { return k.look(ctx, r, s, cluster) })
}

// marks are those that were found.
func (k *kept) marks() []*runtime.Restoration {
	return slices.DeleteFunc([]*runtime.Restoration{k.by, k.asideBy, k.next}, func(m *runtime.Restoration) bool { return m == nil })
}

func (k *kept) look(ctx context.Context, r Runtime, s runtime.Stager, cluster string) (err error) {
	if k.data, err = r.Data(ctx, cluster, k.name); err != nil {
		return err
	}
	if k.by, err = s.MadeBy(ctx, cluster, k.name); err != nil {
		return err
	}
	if k.aside, err = r.Aside(ctx, cluster, k.name); err != nil {
		return err
	}
	if len(k.aside) > 0 {
		k.asideBy, err = s.AsideMadeBy(ctx, cluster, k.name, k.aside[0])
	}
	if err == nil && len(k.aside) > 1 {
		k.next, err = s.AsideMadeBy(ctx, cluster, k.name, k.aside[1])
	}
	return err
}

// dig looks for what a member had before a restoration that has been replaced since. Behind
// that is what was set aside before, and in its place would be what came with the restoration
// if it was undone.
func (k *kept) dig(ctx context.Context, s runtime.Stager, cluster string, by runtime.Restoration) error {
	older, counted := by.Asides[k.name]
	at := len(k.aside) - 1 - older
	switch {
	case !counted || at < 1 || k.by != nil && k.by.ID == by.ID:
		return nil
	case at == 1 && k.data == runtime.None: // an undo, or the reverse, was ended right here
		return nil
	}
	made, err := s.AsideMadeBy(ctx, cluster, k.name, k.aside[at])
	if err == nil && (made == nil || made.ID != by.ID) {
		k.before = k.aside[at]
	}
	return err
}

// sort tells where a member stands with a restoration.
func (k *kept) sort(by runtime.Restoration, l *last) {
	is := func(m *runtime.Restoration) bool { return m != nil && m.ID == by.ID }
	newest := ""
	if len(k.aside) > 0 {
		newest = k.aside[0]
	}
	had := slices.Contains(by.Over, k.name)
	if had && newest == "" && !k.spared(by) {
		l.gone = append(l.gone, k.name)
	}
	switch {
	case k.before != "":
		l.made[k.name] = k.before
	case is(k.by) && had:
		l.made[k.name] = newest
	case is(k.by):
		l.made[k.name] = ""
	case k.data == runtime.None && had && len(k.aside) > 1 && is(k.asideBy): // an undo was ended right here
		l.made[k.name], l.undone[k.name] = k.aside[1], newest
	case k.data == runtime.None && had && is(k.next): // a redo was
		l.made[k.name], l.undone[k.name] = newest, k.aside[1]
	case is(k.asideBy):
		l.undone[k.name] = newest
	case k.data == runtime.None && had: // the restoration has taken it away
		l.made[k.name] = newest
	case had: // that was undone
		l.undone[k.name] = ""
	}
}

// spared tells of a member that has what it had before a restoration that has made nothing
// for it: that it was undone has set nothing of it aside.
func (k *kept) spared(by runtime.Restoration) bool {
	return by.For != nil && !slices.Contains(by.For, k.name) && k.data != runtime.None
}

// lastNumber is the number of the last restoration, as far as the machines answer, and how
// often data of each member was set aside.
func lastNumber(ctx context.Context, r Runtime, s runtime.Stager, have *runtime.State) (int, map[string]int, error) {
	var names []string
	for _, m := range reachable(have) {
		names = append(names, m.Name)
	}
	all, err := lookAtAll(ctx, r, s, have.Name, names)
	number, asides := 0, map[string]int{}
	for _, k := range all {
		asides[k.name] = len(k.aside)
		for _, by := range k.marks() {
			number = max(number, by.Number, by.TakenBack)
		}
	}
	return number, asides, err
}
