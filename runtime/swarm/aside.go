package swarm

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/moby/moby/api/types/swarm"

	"github.com/etcdctr/etcdctr/compose"
	"github.com/etcdctr/etcdctr/runtime"
)

// This file is about volumes that were set aside, on their nodes.

var _ runtime.Discarder = (*Runtime)(nil)

// aside is how people are told of a volume.
func aside(volume, host string) string { return fmt.Sprintf("the volume %s on %s", volume, host) }

// Aside gives the volumes that a server had before, the newest first.
func (r *Runtime) Aside(ctx context.Context, name, server string) ([]string, error) {
	f, err := r.find(ctx, name)
	if err != nil {
		return nil, err
	}
	var all []string
	for _, p := range slices.Backward(f.note.aside[server]) {
		all = append(all, aside(p.volume, f.nodes.hostname(p.node)))
	}
	return all, nil
}

// setAsideAt is the volume that was set aside of a server, by what people are told of it.
func (f *found) setAsideAt(server, where string) (place, error) {
	return f.keptAmong(f.note.aside[server], server, where)
}

func (f *found) keptAmong(places []place, server, where string) (place, error) {
	i := slices.IndexFunc(places, func(p place) bool { return aside(p.volume, f.nodes.hostname(p.node)) == where })
	if i < 0 {
		return place{}, fmt.Errorf("%s was not set aside of %s", where, server)
	}
	return places[i], nil
}

// AllAside reads the note.
func (r *Runtime) AllAside(ctx context.Context, name string) ([]runtime.Aside, error) {
	f, err := r.find(ctx, name)
	if err != nil {
		return nil, err
	}
	return f.allAside(), nil
}

// allAside is what was set aside of all servers, the newest first of each, and what is
// being deleted.
func (f *found) allAside() []runtime.Aside {
	servers := slices.Sorted(maps.Keys(f.note.aside))
	servers = slices.AppendSeq(servers, maps.Keys(f.note.discarding))
	slices.Sort(servers)
	var all []runtime.Aside
	for _, server := range slices.Compact(servers) {
		newest := len(f.note.aside[server]) - 1
		for i, p := range slices.Backward(f.note.aside[server]) {
			since, _ := time.Parse(time.RFC3339, f.note.asideAt[p.volume]) // an earlier release did not note it
			all = append(all, runtime.Aside{Server: server, Where: aside(p.volume, f.nodes.hostname(p.node)), Time: since, Restored: i == newest && f.reversible(server, p)})
		}
		for _, p := range f.note.discarding[server] {
			all = append(all, runtime.Aside{Server: server, Where: aside(p.volume, f.nodes.hostname(p.node))})
		}
	}
	return all
}

// reversible tells of what was set aside last of a server that a restoration has taken its
// place, or has made it, and its reverse the other, on the same node.
func (f *found) reversible(server string, p place) bool {
	return f.note.made[server] != "" || f.note.asideBy[p.volume] != "" && f.note.homes[server].node == p.node
}

// Discard deletes what is in a volume, on its node: no manager deletes the volume itself,
// and tasks that have ended hold it. Empty, it goes with the cluster.
func (r *Runtime) Discard(ctx context.Context, name string, a runtime.Aside) error {
	f, err := r.find(ctx, name)
	if err != nil {
		return err
	}
	p, err := f.keptAmong(slices.Concat(f.note.aside[a.Server], f.note.discarding[a.Server]), a.Server, a.Where)
	if err != nil {
		return err
	}
	if why := f.nodes.away(f.nodes.byID(p.node)); why != "" {
		return &runtime.AwayError{Server: a.Server, Machine: f.nodes.hostname(p.node), Err: errors.New(why)}
	}
	if err := r.edit(ctx, name, func(is *note) { is.discard(a.Server, p) }); err != nil {
		return err
	}
	if err := r.vacateOn(ctx, f, a.Server, p); err != nil {
		return fmt.Errorf("delete what was set aside of %s: %w", a.Server, err)
	}
	return r.edit(ctx, name, func(is *note) { is.discarded(a.Server, p) })
}

// vacateOn deletes what is in a volume, or tells why it can't be done.
func (r *Runtime) vacateOn(ctx context.Context, f *found, server string, p place) error {
	image, err := r.ownImage(ctx)
	if err != nil {
		return err
	}
	end, err := r.perform(ctx, f.vacating(server, p, image))
	switch host := f.nodes.hostname(p.node); {
	case err != nil:
		return err
	case !hasRun(end):
		return &ImageError{compose.OwnImage, host, word(end)}
	case end.Status.State != swarm.TaskStateComplete:
		return fmt.Errorf("%s on %s did not come to its end: %s", setAsideProgram, host, word(end))
	}
	return nil
}
