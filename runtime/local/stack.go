package local

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/process"
)

// This file turns a cluster into processes.

// What is noted with the processes.
const (
	wishNote  = "wish"
	certsNote = "certs-dir"
	placeNote = "place" // inBackground, or empty: held by a process that somebody waits for

	inBackground = "background"
)

// stack is a cluster as processes.
func (r *Runtime) stack(ctx context.Context, c *cluster.Cluster) (process.Stack, error) {
	program, err := r.programFor(ctx, c)
	if err != nil {
		return process.Stack{}, err
	}
	s := process.Stack{
		Name: c.Name, StopGrace: c.Upkeep.StopGrace, Ephemeral: c.Data == cluster.Memory,
		Notes: map[string]string{wishNote: c.Spec.Wish(), certsNote: certsFolder(c)},
		// The one inside sees to that itself, and faster. With discovery nobody
		// asks before all are there.
		InTurn: program.given && c.Bootstrap != cluster.ByDiscovery,
	}
	if s.Home, err = filepath.Abs(r.home(c.Name).Dir); err == nil {
		s.Base, err = filepath.Abs(filepath.Dir(r.o.Folder))
	}
	if err != nil {
		return process.Stack{}, fmt.Errorf("cannot find the current folder: %w", err)
	}
	inherited := inheritedOf(r.o.Environ)
	for _, m := range c.Members {
		s.Members = append(s.Members, memberProcess(m, program, inherited))
	}
	if c.Discovery != nil && c.Discovery.Server != nil {
		s.Services = append(s.Services, memberProcess(*c.Discovery.Server, program, inherited))
	}
	r.useBackup(&s, c)
	if c.DNS != nil {
		return s, r.useOwnDNS(&s, c, program)
	}
	return s, nil
}

// certsFolder is that of the whole cluster; empty without certificates.
func certsFolder(c *cluster.Cluster) string {
	if c.TLS != cluster.Mutual {
		return ""
	}
	const below = 2 // members/NAME
	dir := filepath.FromSlash(c.Members[0].Place.CertsDir)
	for range below {
		dir = filepath.Dir(dir)
	}
	return dir
}

// memberProcess is an etcd as a process.
func memberProcess(m cluster.Member, program program, inherited []string) process.Member {
	p := process.Member{
		Name: m.Name, Path: program.Path, Args: []string{"etcd"}, Inherited: inherited, Version: program.Version.String(),
		DataDir: filepath.FromSlash(m.Place.DataDir), Addresses: addresses(m),
	}
	p.Trusts = authorities(m.Settings.Get("peer-trusted-ca-file"))
	for _, v := range m.Variables() {
		p.Env = append(p.Env, v.Name+"="+v.Value)
	}
	if metrics := m.Settings.Get("listen-metrics-urls"); !strings.Contains(metrics, ",") {
		p.MetricsURL = metrics
	}
	return p
}

// inheritable are the variables that a member takes over from whoever starts it.
// Anything of etcd's own would change what it does. Proxies are no part of it:
// etcd's peers would be asked for through them.
var inheritable = []string{
	"PATH", "HOME", "TMPDIR", "TZ", "LANG", "LC_ALL", "GODEBUG", "SYSTEMROOT", "TEMP", "TMP", "USERPROFILE",
}

func inheritedOf(environ []string) []string {
	return slices.DeleteFunc(slices.Clone(environ), func(entry string) bool { return !isInheritable(nameOf(entry)) })
}

func isInheritable(name string) bool { return slices.Contains(inheritable, strings.ToUpper(name)) }

func nameOf(entry string) string {
	name, _, _ := strings.Cut(entry, "=")
	return name
}
