package stack

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/moby/moby/client"
)

// TunnelEngine is what a Docker Engine is asked for by a tunnel; *client.Client
// is one.
type TunnelEngine interface {
	Observer
	relayEngine
}

// Route is a way into a network on an engine.
type Route string

// The ways in. Both resolve the names of the project's services.
const (
	// AutoRoute is Direct where that works, and otherwise Relayed.
	AutoRoute Route = "auto"
	// Direct dials the containers' addresses. The engine's bridge has to be a
	// device of this very machine, as it is on a Linux host.
	Direct Route = "direct"
	// Relayed dials inside a container that is put on the network, and carries
	// the connections through the engine's API. That works from wherever the
	// API can be reached.
	Relayed Route = "relay"
)

// TunnelOptions say where a tunnel leads.
type TunnelOptions struct {
	Project string
	Network string // its name in the Compose file
	Route   Route
	// Names are other names of services, by those.
	Names map[string]string
	// Bridge gives the device on the engine's machine that a network is; nil for
	// Docker's.
	Bridge func(context.Context, Network) (string, error)
	// RelayImage gives the image for the relay's container. It is called only
	// if there is to be one.
	RelayImage func(context.Context) (string, error)
	// RelayCommand is what runs in it: package relay's Serve on its standard
	// streams, and its Hand in the folder that follows, if one does.
	RelayCommand []string
	// SeesFiles tells whether the engine sees this machine's files, as the function of this
	// name; nil where it does not. Its containers are processes of the same kernel then, and
	// a relay hands connections over. It is called only if there is to be one.
	SeesFiles func(context.Context) (bool, error)
}

// Tunnel is a way into a network of a project. Nothing is published for it.
type Tunnel struct {
	Route Route // Direct or Relayed
	names map[string]string
	dial  func(ctx context.Context, network, address string) (net.Conn, error)
	close func() error
	done  <-chan struct{}
}

// NotFoundError is the error for a project, or a part of it, that the engine
// does not hold.
type NotFoundError struct {
	Project string
	What    string // what of it; empty for all of it
}

func (e *NotFoundError) Error() string {
	if e.What == "" {
		return fmt.Sprintf("the engine holds nothing of %s", e.Project)
	}
	return fmt.Sprintf("the engine holds no %s of %s", e.What, e.Project)
}

// OpenTunnel opens a way into a network. Whoever opens it closes it.
func OpenTunnel(ctx context.Context, e TunnelEngine, o TunnelOptions) (*Tunnel, error) {
	n, err := findNetwork(ctx, e, o.Project, o.Network)
	if err != nil {
		return nil, err
	}
	bridge, err := o.bridge(ctx, n)
	if err != nil {
		return nil, err
	}
	here := onThisMachine(n, bridge)
	switch {
	case o.Route == Relayed || o.Route != Direct && !here:
		t, err := openRelay(ctx, e, n, o)
		if err != nil {
			return nil, err
		}
		t.names = o.Names
		return t, nil
	case here:
		d := &directDialer{engine: e, project: o.Project, network: n.Name}
		if _, err := d.listAll(ctx); err != nil {
			return nil, err
		}
		return &Tunnel{
			Route: Direct,
			names: o.Names,
			dial:  d.DialContext,
			close: func() error { return nil },
		}, nil
	}
	return nil, fmt.Errorf("the network %s is not on this machine: reach it through a relay", n.Name)
}

// OpenRelay opens a way into any network that containers can be put on, by its name and
// ID: an attachable one of a swarm, for one.
func OpenRelay(ctx context.Context, e TunnelEngine, name, id string, o TunnelOptions) (*Tunnel, error) {
	t, err := openRelay(ctx, e, Network{Name: name, ID: id}, o)
	if err != nil {
		return nil, err
	}
	t.names = o.Names
	return t, nil
}

// findNetwork asks for one network of a project; only where there is none, for the rest.
func findNetwork(ctx context.Context, e Observer, project, key string) (Network, error) {
	all, err := observeNetworks(ctx, e, project)
	if err != nil {
		return Network{}, err
	}
	if n, ok := NetworkOf(all, key); ok {
		return n, nil
	}
	switch s, err := Observe(ctx, e, project); {
	case err != nil:
		return Network{}, err
	case s.Empty():
		return Network{}, &NotFoundError{Project: project}
	}
	return Network{}, &NotFoundError{Project: project, What: "network " + key}
}

// DialContext connects to an address such as "etcd1:2379", where the host is a
// service of the project, one of the other names, or an address on the network.
func (t *Tunnel) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	if host, port, err := net.SplitHostPort(address); err == nil && t.names[host] != "" {
		address = net.JoinHostPort(t.names[host], port)
	}
	return t.dial(ctx, network, address)
}

// Done is closed when the tunnel has broken. It is nil, which is never closed,
// for a tunnel that has nothing to break.
func (t *Tunnel) Done() <-chan struct{} { return t.done }

// Close ends the tunnel's connections where it carries them, and leaves nothing
// of it on the engine.
func (t *Tunnel) Close() error { return t.close() }

// bridge names a network's device. Docker does so after the network's ID, so that
// no other machine's bridge is taken for it.
func (o TunnelOptions) bridge(ctx context.Context, n Network) (string, error) {
	if o.Bridge != nil {
		return o.Bridge(ctx, n)
	}
	const inName = 12 // digits of the ID
	return "br-" + n.ID[:min(inName, len(n.ID))], nil
}

// onThisMachine reports whether a network's bridge is a device of this machine.
// Without an address the bridge leads nowhere: recent engines can isolate a network
// from its own host too.
func onThisMachine(n Network, name string) bool {
	bridge, err := net.InterfaceByName(name)
	if err != nil {
		return false
	}
	addrs, err := bridge.Addrs()
	return err == nil && slices.ContainsFunc(addrs, func(a net.Addr) bool {
		return slices.ContainsFunc(n.Gateways, func(g netip.Addr) bool {
			return strings.HasPrefix(a.String(), g.String()+"/")
		})
	})
}

// directDialer dials containers at the addresses that they have at that moment:
// after a restart they have others, and others have theirs.
type directDialer struct {
	engine           Observer
	project, network string

	mu  sync.Mutex
	ids map[string]string // of containers, by service, as last seen: for one of them an engine need not go through all that it has
}

func (d *directDialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if net.ParseIP(host) == nil {
		if host, err = d.lookUp(ctx, host); err != nil {
			return nil, &net.OpError{Op: "dial", Net: network, Err: err}
		}
	}
	return new(net.Dialer).DialContext(ctx, network, net.JoinHostPort(host, port))
}

func (d *directDialer) lookUp(ctx context.Context, service string) (string, error) {
	if id, known := d.idOf(service); known {
		used, err := d.list(ctx, make(client.Filters).Add("id", id))
		if err != nil {
			return "", err
		}
		if ip, ok := d.addressIn(used, service); ok {
			return ip, nil
		}
	}
	used, err := d.listAll(ctx)
	if err != nil {
		return "", err
	}
	if ip, ok := d.addressIn(used, service); ok {
		return ip, nil
	}
	if i := slices.IndexFunc(used, func(c Container) bool { return c.Service == service }); i >= 0 {
		if used[i].Running() {
			return "", errors.New(used[i].Name + " is not on " + d.network)
		}
		return "", errors.New(used[i].Name + " is not running: " + used[i].Detail)
	}
	return "", &NotFoundError{Project: d.project, What: "service " + service}
}

func (d *directDialer) idOf(service string) (id string, known bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	id, known = d.ids[service]
	return id, known
}

// addressIn is that of the first container of a service, in order.
func (d *directDialer) addressIn(containers []Container, service string) (ip string, ok bool) {
	i := slices.IndexFunc(containers, func(c Container) bool { return c.Service == service })
	if i < 0 {
		return "", false
	}
	address, ok := containers[i].Addresses[d.network]
	return address.String(), ok
}

// listAll lists the project's containers, and remembers them.
func (d *directDialer) listAll(ctx context.Context) ([]Container, error) {
	used, err := d.list(ctx, make(client.Filters))
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ids = map[string]string{}
	for _, c := range slices.Backward(used) { // the first of a service stays
		d.ids[c.Service] = c.ID
	}
	return used, nil
}

func (d *directDialer) list(ctx context.Context, filters client.Filters) ([]Container, error) {
	r, err := d.engine.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: filters.Add("label", projectLabel+"="+d.project)})
	if err != nil {
		return nil, fmt.Errorf("ask the engine where the containers of %s are: %w", d.project, err)
	}
	used, _ := split(r.Items)
	return used, nil
}
