package main

import (
	"context"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	etcdversion "go.etcd.io/etcd/api/v3/version"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/process"
)

// This file turns members of a cluster into processes.

// program is an etcd to run.
type program struct {
	path    string
	version cluster.Version
	given   bool // by the user
}

// program finds the etcd to run. One that the user names decides the release,
// unless the user names that too.
func (o upOptions) program(ctx context.Context, spec *cluster.Spec) (program, error) {
	if o.etcdBinary == "" {
		self, err := os.Executable()
		if err != nil {
			return program{}, fmt.Errorf("cannot find this program's file: %w", err)
		}
		v, err := cluster.ParseVersion("v" + etcdversion.Version)
		return program{path: self, version: v}, err
	}
	path, err := filepath.Abs(o.etcdBinary)
	if err != nil {
		return program{}, fmt.Errorf("cannot find the current folder: %w", err)
	}
	v, err := versionOf(ctx, path)
	if err != nil {
		return program{}, usage(err)
	}
	if spec.Etcd == "" && spec.Image == "" {
		spec.Etcd = v.String()
	}
	return program{path: path, version: v, given: true}, nil
}

// versionOf asks an etcd for its version.
func versionOf(ctx context.Context, path string) (cluster.Version, error) {
	out, err := exec.CommandContext(ctx, path, "--version").Output()
	if err != nil {
		return cluster.Version{}, fmt.Errorf("--etcd-binary: cannot ask %s for its version: %w", path, err)
	}
	line, _, _ := strings.Cut(string(out), "\n")
	number, ok := strings.CutPrefix(line, "etcd Version: ")
	if !ok {
		return cluster.Version{}, fmt.Errorf("--etcd-binary: %s is no etcd: asked for its version it says %q", path, line)
	}
	v, err := cluster.ParseVersion(number)
	if err != nil {
		return v, fmt.Errorf("--etcd-binary: %w", err)
	}
	return v, nil
}

// fits refuses an etcd of another release than the cluster's: settings are
// checked against the release.
func (p program) fits(c *cluster.Cluster) error {
	switch {
	case p.version == c.Etcd:
		return nil
	case p.given:
		return usage(fmt.Errorf("%s is etcd %s, and the cluster is to be %s: change one of the two", p.path, p.version, c.Etcd))
	}
	return withHint(fmt.Errorf("the cluster is to be etcd %s, and the etcd inside this program is %s", c.Etcd, p.version),
		"--etcd-binary names another etcd to run in processes")
}

// seating places members on this machine.
type seating struct {
	home, certs string
	ports       map[string]int // by member: those that it has had before
}

// resolve resolves a cluster of local processes. A member keeps the port that
// it has had, or the one that it is given. The others have the usual ones, or,
// where those are taken, the usual ones a thousand further on.
func (s seating) resolve(a *app, spec cluster.Spec, running bool) (*cluster.Cluster, error) {
	c, err := cluster.Resolve(spec, s.placement(0))
	if err != nil {
		return nil, err
	}
	if c.SpansMachines() {
		return nil, withHint(fmt.Errorf("the members of %s have machines of their own", c.Name), "`etcdctr bundle` makes what each of them runs")
	}
	taken := s.blocked(spec, c)
	if running || len(s.ports) > 0 || taken == "" {
		return c, nil
	}
	const furtherOn, tries = 1000, 20
	for i := range tries {
		other, err := cluster.Resolve(spec, s.placement((i+1)*furtherOn))
		if err == nil && s.blocked(spec, other) == "" {
			a.say("%s is taken: the ports of %s are %d further on", taken, c.Name, (i+1)*furtherOn)
			return other, nil
		}
	}
	return c, nil // which ports are taken by whom, the start will tell
}

// placement adds a distance to ports that nobody has asked for.
func (s seating) placement(further int) cluster.Placement {
	place := cluster.UnderSupervision(filepath.ToSlash(s.home), filepath.ToSlash(s.certs))
	return func(seat cluster.Seat) cluster.Place {
		if seat.ClientPort != 0 {
			return place(seat)
		}
		seat.ClientPort = s.ports[seat.Member]
		if seat.ClientPort == 0 {
			seat.ClientPort = place(seat).ClientPort + further
		}
		return place(seat)
	}
}

// blocked gives an address that is taken and could be another one; empty when
// there is none.
func (seating) blocked(spec cluster.Spec, c *cluster.Cluster) string {
	var open []string
	for i, m := range c.Members {
		if i >= len(spec.Members.List) || spec.Members.List[i].ClientPort == "" {
			open = slices.AppendSeq(open, maps.Keys(addresses(m)))
		}
	}
	switch {
	case c.DNS != nil:
		open = append(open, dnsAddress(c, false))
	case c.Discovery != nil && c.Discovery.Server != nil:
		open = slices.AppendSeq(open, maps.Keys(addresses(*c.Discovery.Server)))
	}
	slices.Sort(open)
	if i := slices.IndexFunc(open, isTaken); i >= 0 {
		return open[i]
	}
	return ""
}

func isTaken(address string) bool {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return true
	}
	l.Close()
	return false
}

// portsOfStack are the ports that members have had: they are in the members'
// data, and cannot change.
func portsOfStack(s process.Stack) map[string]int {
	ports := map[string]int{}
	for _, m := range slices.Concat(s.Members, s.Services) {
		if port := clientPort(m); port != dnsPort {
			ports[m.Name] = port
		}
	}
	return ports
}

// processStack is a cluster as processes of a program.
func processStack(c *cluster.Cluster, program program) (process.Stack, error) {
	s := process.Stack{Name: c.Name, StopGrace: c.Upkeep.StopGrace, Ephemeral: c.Data == cluster.Memory}
	inherited := inheritedEnvironment(os.Environ())
	for _, m := range c.Members {
		s.Members = append(s.Members, memberProcess(m, program, inherited))
	}
	if c.Discovery != nil && c.Discovery.Server != nil {
		s.Services = append(s.Services, memberProcess(*c.Discovery.Server, program, inherited))
	}
	if c.DNS != nil {
		return s, useOwnDNS(&s, c, program)
	}
	return s, nil
}

// memberProcess is an etcd as a process.
func memberProcess(m cluster.Member, program program, inherited []string) process.Member {
	p := process.Member{
		Name: m.Name, Path: program.path, Args: []string{"etcd"}, Env: slices.Clone(inherited),
		DataDir: filepath.FromSlash(m.Place.DataDir), Addresses: addresses(m),
	}
	for _, v := range m.Variables() {
		p.Env = append(p.Env, v.Name+"="+v.Value)
	}
	if metrics := m.Settings.Get("listen-metrics-urls"); !strings.Contains(metrics, ",") {
		p.MetricsURL = metrics
	}
	return p
}

// What ports are for, in messages.
const clientPortUse, dnsPortUse = "client port", "DNS port"

// addresses are what a member listens on.
func addresses(m cluster.Member) map[string]string {
	all := map[string]string{
		hostOf(m.Settings.Get("listen-client-urls")): clientPortUse,
		hostOf(m.Settings.Get("listen-peer-urls")):   "peer port",
	}
	if metrics := m.Settings.Get("listen-metrics-urls"); metrics != "" {
		for one := range strings.SplitSeq(metrics, ",") {
			all[hostOf(one)] = "metrics port"
		}
	}
	return all
}

// inheritable are the variables that a member takes over from whoever starts it.
// Anything of etcd's own would change what it does.
var inheritable = []string{
	"PATH", "HOME", "TMPDIR", "TZ", "LANG", "LC_ALL", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "GODEBUG",
	"SYSTEMROOT", "TEMP", "TMP", "USERPROFILE",
}

func inheritedEnvironment(all []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return !slices.Contains(inheritable, strings.ToUpper(name))
	})
}
