package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/etcdctr/etcdctr/process"
)

// This file brings members that run as processes to other settings: one after
// the other, so that the others keep the quorum.

// change is a process that runs otherwise than is wanted.
type change struct {
	process process.Member
	cause   string
	serves  bool
	service bool
}

func (c change) String() string { return fmt.Sprintf("restart %s: %s", c.process.Name, c.cause) }

// changes holds what is wanted against what runs, in the order in which it is to
// be brought about: services, members that don't serve in any case, then those
// that do, the leader last.
func (w *localWish) changes(ctx context.Context, last process.Stack) []change {
	serving := w.serving(ctx)
	var list []change
	for _, m := range slices.Concat(w.stack.Services, process.LeaderLast(ctx, w.stack.Members)) {
		was, _ := process.Find(slices.Concat(last.Services, last.Members), m.Name)
		_, service := process.Find(w.stack.Services, m.Name)
		if cause := difference(was, m); cause != "" {
			list = append(list, change{
				process: m, cause: cause, serves: serving[m.Name] == healthy, service: service,
			})
		}
	}
	slices.SortStableFunc(list, func(a, b change) int { return cmp.Compare(a.turn(), b.turn()) })
	return list
}

func (c change) turn() int {
	switch {
	case c.service:
		return 0
	case !c.serves:
		return 1
	}
	return 2
}

// difference says in what a process is to be another; empty when it is not. It
// names settings and keeps their values to itself.
func difference(was, is process.Member) string {
	if was.Path != is.Path || !slices.Equal(was.Args, is.Args) {
		return "it is to be another program, " + programOf(is)
	}
	var names []string
	for _, entry := range slices.Concat(was.Env, is.Env) {
		name, _, _ := strings.Cut(entry, "=")
		if slices.Contains(was.Env, entry) != slices.Contains(is.Env, entry) && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	slices.Sort(names)
	return strings.Join(names, ", ") + " changed"
}

// roll brings the changes about. A member that serves is stopped only while all
// others serve.
func (w *localWish) roll(ctx context.Context, timeout time.Duration) error {
	if err := w.home.Change(ctx, w.stack); err != nil {
		return err
	}
	for _, c := range w.changed {
		if c.serves && !c.service {
			others := slices.DeleteFunc(slices.Clone(w.stack.Members), func(m process.Member) bool { return m.Name == c.process.Name })
			if err := w.waitServing(ctx, others, timeout); err != nil {
				return err
			}
		}
		if err := w.home.Change(ctx, w.stack, c.process.Name); err != nil {
			return err
		}
	}
	if err := w.home.Start(ctx, memberNames(w.stack.Members)...); err != nil {
		return err
	}
	return w.waitFormed(ctx, timeout)
}
