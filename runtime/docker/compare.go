package docker

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/stack"
)

// This file compares a Compose file that lies beside a cluster with what runs of it. Who
// gives Docker Compose one that is not true any more has it take back what it does not say.

// Otherwise is how an engine has a cluster otherwise than a Compose file says: the names of
// services.
type Otherwise struct {
	Unsaid  []string // that are there, and the file does not have
	Missing []string // that the file has, and the engine not
	Changed []string // that Docker Compose would make anew
}

func (o Otherwise) String() string {
	var all []string
	for _, x := range []struct {
		names []string
		what  string
	}{{o.Unsaid, "not in it: %s"}, {o.Missing, "only in it: %s"}, {o.Changed, "otherwise in it: %s"}} {
		if len(x.names) > 0 {
			all = append(all, fmt.Sprintf(x.what, strings.Join(x.names, ", ")))
		}
	}
	return strings.Join(all, "; ")
}

// Compare tells how the engine has a cluster that is as wanted, otherwise than a Compose
// file of its name says.
func (r *Runtime) Compare(ctx context.Context, f *File, want *cluster.Cluster) (Otherwise, error) {
	var o Otherwise
	sees, err := r.seesFiles(ctx)
	if err != nil {
		return o, err
	}
	t := &target{wanted: stack.Wanted{Project: f.project, CopyFiles: !sees, Own: true, StartInterval: want.Upkeep.Health.StartInterval}}
	if t.state, err = stack.ObserveFor(ctx, r.engine, t.wanted); err != nil {
		return o, err
	}
	if t.wanted.Images, err = r.imagesThere(ctx, t); err != nil {
		return o, err
	}
	outdated, err := stack.Outdated(t.wanted, t.state)
	if err != nil {
		return o, err
	}
	for _, name := range slices.Sorted(maps.Keys(f.project.Services)) {
		_, there := t.wanted.Current(t.state, name)
		_, old := outdated[name]
		switch {
		case !there:
			o.Missing = append(o.Missing, name)
		case old:
			o.Changed = append(o.Changed, name)
		}
	}
	for _, c := range stack.DivideContainers(t.state).Own.Servers() {
		if _, said := f.project.Services[c.Service]; !said && isServer(c.Labels[stack.RoleLabel]) {
			o.Unsaid = append(o.Unsaid, c.Service)
		}
	}
	return o, nil
}
