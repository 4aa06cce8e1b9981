package docker

import (
	"context"
	"errors"
	"net"
	"net/url"
	"strings"

	"github.com/etcdctr/etcdctr/compose"
	"github.com/etcdctr/etcdctr/runtime"
	"github.com/etcdctr/etcdctr/stack"
)

// Reach opens a way into the members' network, or gives the machine's own where
// each member has a machine and publishes its ports there.
func (r *Runtime) Reach(ctx context.Context, have *runtime.State) (runtime.Way, error) {
	t, err := r.Tunnel(ctx, have)
	if missing := (*stack.NotFoundError)(nil); errors.As(err, &missing) && onMachines(have) {
		return runtime.Way{Dial: new(net.Dialer).DialContext, Direct: true, Open: true, Close: func() error { return nil }}, nil
	}
	if err != nil {
		return runtime.Way{}, err
	}
	return runtime.Way{Dial: byName(t.DialContext, hostNames(have)), Direct: t.Route == stack.Direct, Done: t.Done(), Close: t.Close}, nil
}

// Tunnel is Reach for those who want to know when the way breaks.
func (r *Runtime) Tunnel(ctx context.Context, have *runtime.State) (*stack.Tunnel, error) {
	m, err := r.engineMake(ctx)
	if err != nil {
		return nil, err
	}
	return stack.OpenTunnel(ctx, r.engine, stack.TunnelOptions{
		Bridge: r.bridge(m), SeesFiles: r.seesFiles,
		Project: have.Name, Network: compose.ClusterNetwork, Route: stack.Route(r.o.Route), Names: hostNames(have),
		RelayImage: r.ownImage, RelayCommand: []string{RelayProgram},
	})
}

// hostNames are the hosts in members' URLs, which with DNS are not the names of
// their containers, by those.
func hostNames(have *runtime.State) map[string]string {
	names := map[string]string{}
	for _, m := range have.Members() {
		for _, text := range []string{m.ClientURL(), m.PeerURL()} {
			if u, err := url.Parse(text); err == nil && u.Hostname() != "" && net.ParseIP(u.Hostname()) == nil {
				names[u.Hostname()] = m.Name
			}
		}
	}
	return names
}

type dial = func(ctx context.Context, network, address string) (net.Conn, error)

// byName has a member that came later be found too: by the part of its name that
// stands before the domain of the others.
func byName(to dial, names map[string]string) dial {
	domains := map[string]bool{}
	for host := range names {
		if _, domain, ok := strings.Cut(host, "."); ok {
			domains[domain] = true
		}
	}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		host, port, err := net.SplitHostPort(address)
		label, domain, _ := strings.Cut(host, ".")
		if err == nil && names[host] == "" && domains[domain] {
			address = net.JoinHostPort(label, port)
		}
		return to(ctx, network, address)
	}
}

// onMachines reports whether the members are reached at addresses of machines.
func onMachines(have *runtime.State) bool {
	for _, m := range have.Members() {
		u, err := url.Parse(m.ClientURL())
		if err != nil || net.ParseIP(u.Hostname()) == nil || len(m.Published) == 0 {
			return false
		}
	}
	return len(have.Members()) > 0
}
