package docker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/containerd/errdefs"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/runtime"
	"github.com/etcdctr/etcdctr/runtime/datadir"
	"github.com/etcdctr/etcdctr/stack"
)

// This file is for folders and volumes that somebody else has made for the data of
// members. Nothing on the engine tells whose they are while no container is there
// that mounts them; the description does.

// remember keeps where the members of a cluster have their data that is described.
func (r *Runtime) remember(c *cluster.Cluster) {
	if c == nil {
		return
	}
	lent := map[string]cluster.Store{}
	for _, m := range c.Members {
		if m.Store.Given() {
			lent[m.Name] = m.Store
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.lent == nil {
		r.lent = map[string]map[string]cluster.Store{}
	}
	r.lent[c.Name] = lent
}

func (r *Runtime) lentTo(name string) map[string]cluster.Store {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lent[name]
}

// addLent completes a state with members that have nothing but data in what
// somebody else has made.
func (r *Runtime) addLent(ctx context.Context, s *runtime.State) error {
	for name, store := range r.lentTo(s.Name) {
		if _, there := s.Server(name); there {
			continue
		}
		l, err := r.look(ctx, s.Name, store)
		if err != nil {
			return err
		}
		if l.Data {
			s.Servers = append(s.Servers, runtime.Server{
				Name: name, Role: runtime.Member, Status: runtime.Absent, Data: runtime.Kept, Lent: true,
				DataAt: store.Place(), Detail: "data in " + store.String(),
			})
		}
	}
	slices.SortFunc(s.Servers, func(a, b runtime.Server) int { return strings.Compare(a.Name, b.Name) })
	return nil
}

// look looks at a folder or volume with the eyes of a container.
func (r *Runtime) look(ctx context.Context, name string, store cluster.Store) (datadir.Look, error) {
	if local, err := r.seesFiles(ctx); err != nil {
		return datadir.Look{}, err
	} else if info, err := os.Stat(store.Folder); local && err == nil && !info.IsDir() {
		return datadir.Look{File: true}, nil // no container can be given one as a folder
	}
	image, err := r.ownImage(ctx)
	if err != nil {
		return datadir.Look{}, err
	}
	said, err := helper(name, image, home{store: store}, lookAtProgram, cluster.ContainerVolumeDir).Output(ctx, r.engine)
	if errdefs.IsInvalidArgument(err) { // nothing else of the container is anybody's to choose
		return datadir.Look{Missing: true}, nil
	}
	if err != nil {
		return datadir.Look{}, fmt.Errorf("look at %s: %w", store, err)
	}
	var l datadir.Look
	if err := json.Unmarshal([]byte(strings.Join(said, "\n")), &l); err != nil {
		return l, fmt.Errorf("look at %s: %w: %s", store, err, strings.Join(said, "; "))
	}
	return l, nil
}

// checkLent refuses members that are to be made and can't have their data in what
// they are given.
func (r *Runtime) checkLent(ctx context.Context, t *target, servers []string) error {
	if len(r.lentTo(t.cluster.Name)) == 0 {
		r.remember(t.cluster) // as who works with the runtime alone does not ask where there is room
	}
	if err := r.checkLeft(ctx, t, servers); err != nil || len(r.lentTo(t.cluster.Name)) == 0 {
		return err
	}
	if err := t.wanted.CheckNames(t.state); err != nil {
		return err
	}
	var all []datadir.One
	var errs []error
	founds := true
	for _, m := range t.cluster.Members {
		_, there := t.wanted.Current(t.state, m.Name)
		asked := len(servers) == 0 || slices.Contains(servers, m.Name)
		founds = founds && !there && asked
		if there || !asked {
			continue
		}
		one, err := r.lookFor(ctx, t.cluster, m)
		all, errs = append(all, one), append(errs, err)
	}
	if founds && errors.Join(errs...) == nil {
		errs = append(errs, datadir.Together(all))
	}
	return errors.Join(errs...)
}

// lookFor looks at what a member that is not there yet is to have its data in.
func (r *Runtime) lookFor(ctx context.Context, c *cluster.Cluster, m cluster.Member) (datadir.One, error) {
	one := datadir.One{Member: m.Name, Where: m.Store.String()}
	if !m.Store.Given() {
		data, err := r.Data(ctx, c.Name, m.Name)
		one.Data = data == runtime.Kept
		return one, err
	}
	var err error
	if one.Look, err = r.look(ctx, c.Name, m.Store); err != nil {
		return one, err
	}
	return one, one.Check(one.Where, wantedOf(c, m))
}

// wantedOf is a member of a cluster as its data has to be.
func wantedOf(c *cluster.Cluster, m cluster.Member) datadir.Wanted {
	return datadir.Wanted{Name: m.Name, PeerURL: m.PeerURL(), Alone: len(c.Members) == 1}
}

// restingOrLent is resting, and knows what is lent to a server that has nothing
// else.
func (r *Runtime) restingOrLent(ctx context.Context, name, server string) (home, error) {
	h, err := r.resting(ctx, name, server)
	unknown := (*runtime.UnknownError)(nil)
	if !errors.Is(err, runtime.ErrNotFound) && !errors.As(err, &unknown) {
		return h, err
	}
	f := &found{lent: r.lentTo(name), Belongings: stack.Belongings{Own: &stack.State{}}}
	if lent, ok := f.home(server); ok {
		return lent, nil
	}
	return h, err
}
