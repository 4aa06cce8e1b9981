package local

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/internal/listening"
	"github.com/etcdctr/etcdctr/process"
	"github.com/etcdctr/etcdctr/runtime"
)

// This file gives members their ports.

// ErrOtherMachines is the error of members that have machines of their own.
var ErrOtherMachines = errors.New("the members have machines of their own")

// Place resolves a cluster of local processes. A member keeps the port that it
// has had, or the one that it is given. The others have the usual ones or, where
// any of those is taken, the usual ones some thousands further on.
func (r *Runtime) Place(ctx context.Context, spec cluster.Spec) (*cluster.Cluster, error) {
	spec, err := r.withRelease(ctx, spec)
	if err != nil {
		return nil, err
	}
	seats, err := r.seats(spec)
	if err != nil {
		return nil, err
	}
	c, err := cluster.Resolve(spec, seats.placement(0))
	if err != nil {
		return nil, err
	}
	if c.SpansMachines() {
		return nil, fmt.Errorf("%s: %w", c.Name, ErrOtherMachines)
	}
	c = seats.place(spec, c)
	r.remember(c)
	return c, nil
}

// furtherOn is how far members are moved where somebody is in their way.
const furtherOn = 1000

// seating places members on this machine.
type seating struct {
	home, certs string
	further     int            // than the usual ports
	kept        map[string]int // the client port by member, of those that have had one
}

func (r *Runtime) seats(spec cluster.Spec) (seating, error) {
	home := r.home(spec.ClusterName())
	last, err := home.Stack()
	if err != nil && !errors.Is(err, process.ErrNoStack) {
		return seating{}, err
	}
	certs := r.o.CertsDir
	if spec.CertsDir != "" {
		certs = spec.CertsDir
	}
	s := seating{kept: keptPorts(last), further: r.o.Further}
	if s.home, err = filepath.Abs(home.Dir); err == nil {
		s.certs, err = filepath.Abs(certs)
	}
	if err != nil {
		return s, fmt.Errorf("cannot find the current folder: %w", err)
	}
	return s, nil
}

// place moves those without a port of their own until nobody is in their way.
// Which ports are taken by whom where that does not help, the start will tell.
func (s seating) place(spec cluster.Spec, c *cluster.Cluster) *cluster.Cluster {
	const tries = 20
	if !s.blocked(spec, c) {
		return c
	}
	for i := range tries {
		other, err := cluster.Resolve(spec, s.placement((i+1)*furtherOn))
		if err == nil && !s.blocked(spec, other) {
			return other
		}
	}
	return c
}

// placement adds a distance to ports that nobody has asked for.
func (s seating) placement(further int) cluster.Placement {
	place := cluster.UnderSupervision(filepath.ToSlash(s.home), filepath.ToSlash(s.certs))
	return func(seat cluster.Seat) cluster.Place {
		if seat.ClientPort != 0 {
			return place(seat)
		}
		seat.ClientPort = s.kept[seat.Member]
		if seat.ClientPort == 0 {
			seat.ClientPort = s.free(place(seat).ClientPort + s.beyond(seat) + further)
		}
		return place(seat)
	}
}

// beyond is how far from its usual port a member is placed. Ports by a cluster's name are
// its own already, and just below those that the system gives to connections.
func (s seating) beyond(seat cluster.Seat) int {
	if seat.AnyPort {
		return 0
	}
	return s.further
}

// free is a port, or the first one further on, that no member has had: who was of another
// place in the list keeps its own.
func (s seating) free(port int) int {
	for slices.Contains(slices.Collect(maps.Values(s.kept)), port) {
		port += furtherOn
	}
	return port
}

// blocked tells that an address is taken that could be another one.
func (s seating) blocked(spec cluster.Spec, c *cluster.Cluster) bool {
	open := map[string]string{}
	for i, m := range c.Members {
		given := i < len(spec.Members.List) && spec.Members.List[i].HasPort()
		if !given && s.kept[m.Name] == 0 {
			maps.Copy(open, addresses(m))
		}
	}
	switch {
	case len(s.kept) > 0: // the services are where they were
	case c.DNS != nil:
		open[dnsAddress(c, false)] = dnsPortUse
	case c.Discovery != nil && c.Discovery.Server != nil:
		maps.Copy(open, addresses(*c.Discovery.Server))
	}
	return slices.ContainsFunc(slices.Collect(maps.Keys(open)), listening.Taken)
}

// tellMoved tells where members are that begin, if that is not at the usual ports.
func (r *Runtime) tellMoved(want *cluster.Cluster) error {
	seats, err := r.seats(want.Spec)
	if err != nil {
		return err
	}
	var begin []string
	for _, m := range want.Members {
		if seats.kept[m.Name] == 0 {
			begin = append(begin, m.Name)
		}
	}
	usual, err := r.usual(want)
	if err != nil {
		return err
	}
	if text := want.Moved(usual, begin...); text != "" {
		r.o.Events(runtime.Event{Action: runtime.Caveat, Detail: text, Done: true})
	}
	return nil
}

// usual is the cluster as it would be if nobody was in its way.
func (r *Runtime) usual(want *cluster.Cluster) (*cluster.Cluster, error) {
	seats, err := r.seats(want.Spec)
	if err != nil {
		return nil, err
	}
	seats.kept = nil
	return cluster.Resolve(want.Spec, seats.placement(0))
}

// keptPorts are those that members have had: others know them by these.
func keptPorts(s process.Stack) map[string]int {
	ports := map[string]int{}
	for _, m := range slices.Concat(s.Members, s.Services) {
		if port := int(clientAddress(m).Port()); port != dnsPort {
			ports[m.Name] = port
		}
	}
	return ports
}

// What ports are for, in messages.
const clientPortUse, peerPortUse, metricsPortUse, dnsPortUse = "client port", "peer port", "metrics port", "DNS port"

// addresses are what a member listens on, each with what it is for.
func addresses(m cluster.Member) map[string]string {
	all := map[string]string{}
	for use, setting := range map[string]string{
		clientPortUse: "listen-client-urls", peerPortUse: "listen-peer-urls", metricsPortUse: "listen-metrics-urls",
	} {
		for one := range strings.SplitSeq(m.Settings.Get(setting), ",") {
			if u, err := url.Parse(one); err == nil && u.Host != "" {
				all[u.Host] = use
			}
		}
	}
	return all
}

// clientAddress is where a member, or a service, listens for clients.
func clientAddress(m process.Member) netip.AddrPort {
	for address, use := range m.Addresses {
		at, err := netip.ParseAddrPort(address)
		if err == nil && (use == clientPortUse || use == dnsPortUse) {
			return at
		}
	}
	return netip.AddrPort{}
}
