package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/etcdctr/etcdctr/certs"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/compose"
	"github.com/etcdctr/etcdctr/health"
	"github.com/etcdctr/etcdctr/runtime/docker"
	"github.com/etcdctr/etcdctr/stack"
)

// running is a stack with a way to its members.
type running struct {
	cluster  *cluster.Cluster // as it runs
	promised *cluster.Cluster // as the file and the flags alone describe it
	dial     health.Dial      // the way to the members
	// What runs them: an engine with a tunnel into the stack's network, or
	// processes of this machine.
	engine    *client.Client
	tunnel    *stack.Tunnel
	processes *processes
	tls       *tls.Config // of the admin client; nil for plain text
}

// reach finds the stack that the flags describe and opens a way to it.
func (a *app) reach(ctx context.Context, f *clusterFlags, route stack.Route) (*running, error) {
	p, err := f.processes(a)
	if err != nil {
		return nil, err
	}
	if p != nil {
		return p.reach()
	}
	spec, err := f.checkedSpec(a)
	if err != nil {
		return nil, err
	}
	engine, err := connectEngine(ctx)
	if err != nil {
		return nil, err
	}
	r := &running{engine: engine}
	if err := r.open(ctx, a, spec, f.certificates(), route); err != nil {
		r.close(a)
		return nil, err
	}
	return r, nil
}

func (r *running) open(ctx context.Context, a *app, spec cluster.Spec, certsDir string, route stack.Route) error {
	err := r.resolve(ctx, spec)
	if err != nil {
		return err
	}
	if r.tls, err = clusterTLS(r.cluster, certsDir); err != nil {
		return err
	}
	r.tunnel, err = stack.OpenTunnel(ctx, r.engine, stack.TunnelOptions{
		Project: r.cluster.Name, Network: compose.ClusterNetwork, Route: route, Names: hostNames(r.cluster),
		RelayImage:   func(ctx context.Context) (string, error) { return a.relayImage(ctx, r.engine) },
		RelayCommand: []string{docker.RelayProgram},
	})
	if err != nil {
		return explainNotFound(err)
	}
	r.dial = r.tunnel.DialContext
	return nil
}

// close leaves nothing behind. What is left all the same is said, and does not
// change what the command has found out.
func (r *running) close(a *app) {
	if r.tunnel != nil {
		if err := r.tunnel.Close(); err != nil {
			a.warn("the way to the stack is not closed properly: %v", err)
		}
	}
	if r.engine != nil {
		r.engine.Close()
	}
}

// expected is the cluster that ought to answer.
func (r *running) expected() health.Cluster {
	h := health.Cluster{TLS: r.tls, Dial: r.dial}
	for _, m := range r.cluster.Members {
		h.Members = append(h.Members, health.Member{Name: m.Name, ClientURL: m.ClientURL(), PeerURL: m.PeerURL()})
	}
	return h
}

// hostNames are the hosts in members' URLs, which with DNS are not the names of
// their services.
func hostNames(c *cluster.Cluster) map[string]string {
	names := map[string]string{}
	for _, m := range c.Members {
		names[m.Place.Host] = m.Name
	}
	return names
}

// checkedSpec is what the file and the flags say, without mistakes.
func (f *clusterFlags) checkedSpec(a *app) (cluster.Spec, error) {
	spec, mistakes, err := f.spec(a)
	if err != nil {
		return spec, err
	}
	_, err = cluster.Resolve(spec, cluster.InContainers)
	return spec, usage(errors.Join(append(mistakes, err)...))
}

// resolve decides what there is, and what was promised. What spec does not say
// is taken from the engine, so that a stack made by flags is found again by its
// name; but its security was promised, said or not.
func (r *running) resolve(ctx context.Context, spec cluster.Spec) error {
	described, err := cluster.Resolve(spec, cluster.InContainers)
	if err != nil {
		return err
	}
	s, err := stack.Observe(ctx, r.engine, described.Name)
	if err != nil {
		return err
	}
	if len(s.Members()) == 0 {
		return explainNotFound(&stack.NotFoundError{Project: described.Name})
	}
	promised := spec.TLS
	if err := adopt(ctx, r.engine, &spec, s); err != nil {
		return err
	}
	if r.cluster, err = cluster.Resolve(spec, cluster.InContainers); err != nil {
		return usage(err)
	}
	spec.TLS = promised
	r.promised, err = cluster.Resolve(spec, cluster.InContainers)
	return usage(err)
}

// adopt completes spec with what the engine tells.
func adopt(ctx context.Context, e *client.Client, spec *cluster.Spec, s *stack.State) error {
	members := s.Members()
	if spec.Members.Count == 0 && len(spec.Members.List) == 0 {
		for _, m := range members {
			spec.Members.List = append(spec.Members.List, cluster.MemberSpec{Name: m.Service})
		}
	}
	first, err := e.ContainerInspect(ctx, members[0].ID, client.ContainerInspectOptions{})
	if err != nil {
		return fmt.Errorf("ask the engine how %s is secured: %w", members[0].Name, err)
	}
	env := first.Container.Config.Env
	if spec.TLS == "" {
		spec.TLS = string(tlsModeOf(env))
	}
	if domain := settingIn(env, "discovery-srv"); spec.Bootstrap == "" && domain != "" {
		spec.Bootstrap, spec.DiscoveryDomain = string(cluster.ByDNS), domain
	}
	if spec.Subnet == "" && hasFixedAddress(first.Container) {
		spec.Subnet = subnetOf(s)
	}
	return nil
}

func hasFixedAddress(c container.InspectResponse) bool {
	for _, n := range c.NetworkSettings.Networks {
		if n.IPAMConfig != nil && (n.IPAMConfig.IPv4Address.IsValid() || n.IPAMConfig.IPv6Address.IsValid()) {
			return true
		}
	}
	return false
}

// subnetOf is what the key subnet says of the members' network.
func subnetOf(s *stack.State) string {
	var subnets []string
	for _, n := range s.Networks {
		if n.Key != compose.ClusterNetwork {
			continue
		}
		for _, p := range n.Subnets {
			subnets = append(subnets, p.Masked().String())
		}
	}
	return strings.Join(subnets, ",")
}

// tlsModeOf reads a member's TLS mode off its environment.
func tlsModeOf(env []string) cluster.TLSMode {
	switch {
	case settingIn(env, "trusted-ca-file") != "":
		return cluster.Mutual
	case settingIn(env, "auto-tls") == "true":
		return cluster.AutoTLS
	}
	return cluster.NoTLS
}

// settingIn reads one of etcd's settings off a container's environment; empty
// when it is not there.
func settingIn(env []string, name string) string {
	key := cluster.Setting{Name: name}.Env() + "="
	for _, v := range env {
		if value, ok := strings.CutPrefix(v, key); ok {
			return value
		}
	}
	return ""
}

// explainNotFound says what to do about a stack that is not there.
func explainNotFound(err error) error {
	if missing := (*stack.NotFoundError)(nil); errors.As(err, &missing) {
		return withHint(err, "start it with `etcdctr up`, or name the right one with --name")
	}
	return err
}

// clusterTLS is what the admin client connects with; nil for plain text.
func clusterTLS(c *cluster.Cluster, certsDir string) (*tls.Config, error) {
	switch c.TLS {
	case cluster.NoTLS:
		return nil, nil
	case cluster.AutoTLS:
		return unverified(), nil
	}
	config, err := adminTLS(certsDir)
	return config, withHint(err, "these commands need the certificates that the stack was made with: say where they are with --certs-dir")
}

// unverified is the TLS side of a client of auto-TLS, whose certificates nobody
// has vouched for: encrypted, not authenticated.
func unverified() *tls.Config {
	return &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12} //nolint:gosec // see above
}

// adminTLS is the TLS side of the cluster's own administrator.
func adminTLS(certsDir string) (*tls.Config, error) { return clientTLS(adminDir(certsDir)) }

// adminDir is where the admin client's identity is.
func adminDir(certsDir string) string { return certs.ClientDir(certsDir, adminClient) }

// clientTLS reads an identity of a client, as package certs lays it out.
func clientTLS(dir string) (*tls.Config, error) {
	files := identityFiles(dir)
	pair, pairErr := tls.LoadX509KeyPair(files.cert, files.key)
	authorities, caErr := os.ReadFile(files.ca)
	if err := errors.Join(pairErr, caErr); err != nil {
		return nil, fmt.Errorf("cannot read the client's certificate: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(authorities) {
		return nil, fmt.Errorf("%s holds no certificate", files.ca)
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}, RootCAs: pool, MinVersion: tls.VersionTLS12}, nil
}

// identity are the files of one.
type identity struct{ ca, cert, key string }

func identityFiles(dir string) identity {
	return identity{
		ca:   filepath.Join(dir, "ca.crt"),
		cert: filepath.Join(dir, "tls.crt"),
		key:  filepath.Join(dir, "tls.key"),
	}
}

// plural writes "1 member", "3 members".
func plural(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, strings.TrimSpace(noun))
}
