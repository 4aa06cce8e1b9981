package forward

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/internal/splice"
	"github.com/etcdctr/etcdctr/runtime"
)

// dial leads to members.
type dial func(ctx context.Context, network, address string) (net.Conn, error)

// Loopback is any free port of this machine that other machines can't reach.
var Loopback = netip.MustParseAddrPort("127.0.0.1:0")

// PortStep keeps the members' ports apart, as those that a cluster publishes.
const PortStep = 100

// Ports carry connections from this machine to members.
type Ports struct {
	members   []runtime.Server
	listeners []net.Listener
}

// Open listens on a port for each member, the first of them at first and the
// others in steps of PortStep, or any that are free where its port is 0. Until
// Close, or until ctx ends, each connection is carried to its member. It opens all
// ports or none, and tells of all that can't be opened.
func Open(ctx context.Context, way *etcdctr.Connection, first netip.AddrPort) (*Ports, error) {
	return open(ctx, way.Reachable(), way.Way.Dial, first)
}

func open(ctx context.Context, members []runtime.Server, to dial, first netip.AddrPort) (*Ports, error) {
	p := &Ports{members: members}
	var errs []error
	for i := range members {
		port := int(first.Port())
		if port != 0 {
			port += i * PortStep
		}
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort(first.Addr().String(), fmt.Sprint(port)))
		if err != nil {
			errs = append(errs, err)
			continue
		}
		p.listeners = append(p.listeners, l)
	}
	if len(errs) > 0 {
		p.Close()
		return nil, errors.Join(errs...)
	}
	for i, m := range members {
		go carry(ctx, p.listeners[i], to, hostOf(m.ClientURL()))
	}
	return p, nil
}

// Close ends listening. Connections that are made end by themselves.
func (p *Ports) Close() {
	for _, l := range p.listeners {
		l.Close()
	}
}

// URLs are those of the members from here, in their order.
func (p *Ports) URLs() []string {
	urls := make([]string, len(p.listeners))
	for i, l := range p.listeners {
		scheme, _, _ := strings.Cut(p.members[i].ClientURL(), "://")
		urls[i] = scheme + "://" + l.Addr().String()
	}
	return urls
}

// carry carries every connection to one address, until the listener is closed. A
// connection that can't be made is closed: to its client it looks like a member
// that is down, which clients know how to handle.
func carry(ctx context.Context, l net.Listener, way dial, address string) {
	for {
		from, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer from.Close()
			to, err := way(ctx, "tcp", address)
			if err != nil {
				return
			}
			defer to.Close()
			splice.Join(from, to)
		}()
	}
}

// hostOf is the host and port of a URL.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	return u.Host
}
