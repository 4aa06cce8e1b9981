package local

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/process"
	"github.com/etcdctr/etcdctr/runtime"
	"github.com/etcdctr/etcdctr/runtime/datadir"
)

// This file is for folders that somebody else has made for the data of members.

// remember keeps where the members of a cluster have their data that is described:
// of one that was never run, nothing else tells.
func (r *Runtime) remember(c *cluster.Cluster) {
	lent := map[string]string{}
	for _, m := range c.Members {
		if m.Store.Given() {
			lent[m.Name] = filepath.FromSlash(m.Place.DataDir)
		}
	}
	r.lent.Store(c.Name, lent)
}

func (r *Runtime) lentTo(name, server string) (dir string, ok bool) {
	if lent, known := r.lent.Load(name); known {
		dir, ok = lent.(map[string]string)[server]
	}
	return dir, ok
}

// lentLeft are members that are not described with the processes and have data in a
// folder that they are given.
func (r *Runtime) lentLeft(name string, s *runtime.State) []runtime.Server {
	lent, known := r.lent.Load(name)
	if !known {
		return nil
	}
	var left []runtime.Server
	for server, dir := range lent.(map[string]string) {
		if _, there := s.Server(server); !there && dataIn(dir) == runtime.Kept {
			left = append(left, runtime.Server{Name: server, Role: runtime.Member, Status: runtime.Absent, Data: runtime.Kept, DataAt: dir, Lent: true})
		}
	}
	return left
}

// isLent tells that a data directory is in a folder of somebody else's.
func isLent(home process.Home, dir string) bool {
	base, err := filepath.Abs(home.Dir)
	if err != nil {
		base = home.Dir
	}
	return dir != "" && !strings.HasPrefix(dir, base+string(filepath.Separator)) && !strings.HasPrefix(dir, home.Dir+string(filepath.Separator))
}

// checkLent refuses members that don't run and can't have their data in the folders
// that they are given.
func (r *Runtime) checkLent(c *cluster.Cluster, servers []string) error {
	if !slices.ContainsFunc(c.Members, func(m cluster.Member) bool { return m.Store.Given() }) {
		return nil
	}
	_, err := r.home(c.Name).Stack()
	founds := errors.Is(err, process.ErrNoStack)
	if err != nil && !founds {
		return err
	}
	var all []datadir.One
	var errs []error
	for _, m := range c.Members {
		if len(servers) > 0 && !slices.Contains(servers, m.Name) {
			founds = false
			continue
		}
		if runs, err := r.runs(c.Name, m.Name); err != nil || runs {
			errs = append(errs, err)
			continue
		}
		one, err := lookFor(c, m)
		all, errs = append(all, one), append(errs, err)
	}
	if founds && errors.Join(errs...) == nil {
		errs = append(errs, datadir.Together(all))
	}
	return errors.Join(errs...)
}

func lookFor(c *cluster.Cluster, m cluster.Member) (datadir.One, error) {
	one := datadir.One{Member: m.Name, Where: m.Store.String()}
	if !m.Store.Given() {
		one.Data = hasLog(filepath.FromSlash(m.Place.DataDir))
		return one, nil
	}
	var err error
	if one.Look, err = datadir.At(filepath.FromSlash(m.Store.Folder)); err != nil {
		return one, fmt.Errorf("%s: %w", m.Name, err)
	}
	return one, one.Check(one.Where, datadir.Wanted{Name: m.Name, PeerURL: m.PeerURL(), Alone: len(c.Members) == 1})
}
