package hosts

import (
	"fmt"

	"github.com/etcdctr/etcdctr/bundle"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/internal/shellword"
	"github.com/etcdctr/etcdctr/runtime"
)

// This file says how people give members data, which can't be done from here.

var _ runtime.HandFilled = (*Runtime)(nil)

// KeepThere copies what a member holds, once it is stopped, into a folder beside its archive's
// files.
func (r *Runtime) KeepThere(c *cluster.Cluster, m cluster.Member, folder string) string {
	return fmt.Sprintf("%sdocker compose stop && docker compose create && docker compose cp %s:%s %s",
		at(c.Name, server(m)), m.Name, shellword.Quote(m.Settings.Get("data-dir")), folder)
}

// FillThere has a member begin with what a folder holds that is taken there with its archive.
// What it had is kept before, and where that fails nothing is deleted.
func (r *Runtime) FillThere(c *cluster.Cluster, m cluster.Member, folder string) string {
	s, unit := server(m), cluster.UnitName(c.Name, m.Name)
	return fmt.Sprintf("take %s and %s to %s, and there: tar -xzf %s.tar.gz && cd %s && %sdocker compose down --volumes && docker compose create && docker compose cp ../%s/. %s:%s && sh %s",
		folder, r.Archive(c.Name, m.Name), m.Host, unit, unit, keeping(s), folder, m.Name, shellword.Quote(m.Settings.Get("data-dir")), bundle.Start)
}

// server is a member on its machine.
func server(m cluster.Member) runtime.Server {
	return runtime.Server{Name: m.Name, Host: m.Host.String(), Settings: m.Settings}
}
