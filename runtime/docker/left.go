package docker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/compose"
	"github.com/etcdctr/etcdctr/runtime/datadir"
	"github.com/etcdctr/etcdctr/stack"
)

// This file is for volumes that Docker Compose has made and left: `docker compose down`
// removes the containers, which tell whose they are, and nothing else on the engine does. A
// project of somebody else's may have volumes of the same names, so it is looked into them.

// leftByCompose are the volumes of a project that hold the data of members, where members
// have it, by their names in the Compose file, and those that were begun for a member and
// hold nothing, as Compose leaves them where it makes no container. Neither those that are
// known to be the cluster's are looked into, nor those that something has in use. One that
// can't be looked into is nobody's that is known, and no member is made on it: see checkLeft.
func (r *Runtime) leftByCompose(ctx context.Context, s *stack.State, known []string) (holding, begun []string, err error) {
	for _, v := range s.Volumes {
		if !isOfServer(v) || v.Own() {
			continue
		}
		if slices.Contains(known, v.Key) {
			r.forgetLook(v) // it may be filled by now
			continue
		}
		l, err := r.lookOnce(ctx, s.Project, v)
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		switch {
		case err != nil || l == nil:
		case l.Data:
			holding = append(holding, v.Key)
		case !l.Above && len(l.Others) == 0:
			begun = append(begun, v.Key)
		}
	}
	return holding, begun, nil
}

func isOfServer(v stack.Volume) bool {
	server, ok := strings.CutSuffix(v.Key, compose.VolumeName(""))
	return ok && server != ""
}

// lookOnce looks once into a volume, whatever comes of it: what was seen to be the
// cluster's stays that. It gives nil for one that something has in use.
func (r *Runtime) lookOnce(ctx context.Context, project string, v stack.Volume) (*datadir.Look, error) {
	r.mu.Lock()
	looked, known := r.left[v.Name]
	r.mu.Unlock()
	if known {
		return &looked, nil
	}
	used, err := stack.Used(ctx, r.engine, v)
	if err != nil || used {
		return nil, err
	}
	l, err := r.look(ctx, project, cluster.Store{Volume: v.Name})
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.left == nil {
		r.left = map[string]datadir.Look{}
	}
	r.left[v.Name] = l
	return &l, nil
}

// forgetLook forgets that there was no data in a volume.
func (r *Runtime) forgetLook(v stack.Volume) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.left[v.Name].Data {
		delete(r.left, v.Name)
	}
}

// checkLeft refuses members that are to be made and would find what is not theirs in a
// volume of their name that was not made for them.
func (r *Runtime) checkLeft(ctx context.Context, t *target, servers []string) error {
	var errs []error
	for _, m := range t.cluster.Members {
		_, there := t.wanted.Current(t.state, m.Name)
		if there || m.Store.Given() || len(servers) > 0 && !slices.Contains(servers, m.Name) {
			continue
		}
		i := slices.IndexFunc(t.state.Volumes, func(v stack.Volume) bool { return v.Key == compose.VolumeName(m.Name) && !v.Own() })
		if i < 0 {
			continue
		}
		store := cluster.Store{Volume: t.state.Volumes[i].Name}
		l, err := r.look(ctx, t.cluster.Name, store)
		if err == nil {
			err = l.CheckContent(store.String(), wantedOf(t.cluster, m))
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%w; the volume may be of something else that has this name: --name gives the cluster another", err))
		}
	}
	return errors.Join(errs...)
}
