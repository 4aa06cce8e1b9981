package cluster

import (
	"hash/fnv"
	"net"
	"net/netip"
	"slices"
	"strconv"
)

// This file checks what a Spec says of the members' hosts and ports.

// host reads the address of a member's machine.
func (r *resolver) host(at, value string) netip.Addr {
	if value == "" {
		return netip.Addr{}
	}
	path := at + ".host"
	addr, err := netip.ParseAddr(value)
	switch {
	case err != nil:
		r.report(path, "must be an IP address of the member's machine, not %q: etcd and Docker bind to addresses, not to names", value)
	case addr.IsUnspecified() || addr.IsMulticast() || addr.IsLoopback() ||
		addr.Zone() != "" || addr.Is6() && addr.IsLinkLocalUnicast(): // of one wire only, and named by a zone
		r.report(path, "must be an address that the other machines reach, not %s", value)
	default:
		return addr.Unmap()
	}
	return netip.Addr{}
}

// hostsOfAll wants a host for every member, or for none.
func (r *resolver) hostsOfAll(c *Cluster, list []MemberSpec) {
	given := 0
	for _, ms := range list {
		if ms.Host != "" {
			given++
		}
	}
	if given == 0 {
		return
	}
	for i, ms := range list {
		if ms.Host == "" {
			r.report(memberPath(i)+".host", "is missing: when one member has a machine of its own, every member has")
		}
		if ms.ClientPort == AutoPort {
			r.report(memberPath(i)+".client-port", autoElsewhere)
		}
	}
	if r.spec.ClientPort == AutoPort {
		r.report("client-port", autoElsewhere)
	}
	if c.Publish.Opens() {
		r.report("publish", "%s has no effect with hosts: the members' ports are on their hosts' addresses", c.Publish)
	}
}

// AutoPort is a client port that somebody leaves to us: see Spec.ClientPort.
const AutoPort = "auto"

const autoElsewhere = "auto can't be had with hosts, whose free ports nobody here knows: give each member its port, or leave it out for 2379"

// Ports by a cluster's name are below those that systems give to connections, and
// four apart, so that a member has room for all of its ports.
const autoPortFrom, autoPortUntil, autoPortStep = 20000, 32000, 4

// autoPort is where a member's ports begin by the cluster's name.
func autoPort(cluster string, index int) int {
	const room = (autoPortUntil-autoPortFrom)/autoPortStep - 3*MaxMembers
	h := fnv.New32a()
	h.Write([]byte(cluster))
	return autoPortFrom + autoPortStep*(int(h.Sum32()%uint32(room))+index)
}

// UsualPorts are the client ports that a member has on a machine which it shares, where nobody
// chooses one: by the place in the list that it has, or had while others were there.
func (c *Cluster) UsualPorts(member string) []int {
	auto := c.Spec.ClientPort == AutoPort || slices.ContainsFunc(c.Spec.Members.List, func(m MemberSpec) bool { return m.Name == member && m.ClientPort == AutoPort })
	var ports []int
	for i := range MaxMembers {
		ports = append(ports, Seat{Cluster: c.Name, Index: i, AnyPort: auto}.usualPort())
	}
	return ports
}

// anyPort is whether members that say nothing of it leave their ports to us.
func (r *resolver) anyPort() bool {
	if port := r.spec.ClientPort; port != "" && port != AutoPort {
		r.report("client-port", "must be auto, not %q: each member has a port of its own, in a line of its own: members: [{name: etcd1, client-port: %s}, {name: etcd2, client-port: ...}]", port, port)
		return false
	}
	return oneOf(r, "client-port", r.spec.ClientPort, "", AutoPort) == AutoPort
}

// lastPort leaves room for the two ports behind a client port.
const lastPort = 65535 - (MetricsPort - ClientPort)

// clientPort reads a port; 0 when there is none.
func (r *resolver) clientPort(at, value string) int {
	if value == "" || value == AutoPort {
		return 0
	}
	p, err := strconv.Atoi(value)
	if err != nil || p < 1 || p > lastPort {
		r.report(at+".client-port", "must be a port from 1 to %d or auto, not %q", lastPort, value)
		return 0
	}
	return p
}

// publishedPort is the member's port on the host, where it is published there.
func (r *resolver) publishedPort(at string, s Seat, p Place, publish Publish) int {
	if p.Shared {
		return 0
	}
	if publish.Opens() {
		return s.clientPort(s.usualPort())
	}
	if !r.forPrograms() && (s.ClientPort != 0 || s.AnyPort && r.spec.ClientPort == "") {
		r.report(at+".client-port", noEffectUnpublished)
	}
	return 0
}

// forPrograms tells that the members are processes where the cluster runs, whatever else it
// is described for now: what has no effect here has one there.
func (r *resolver) forPrograms() bool { return Runtime(r.spec.Runtime).RunsPrograms() }

const noEffectUnpublished = "has no effect with publish: none: set publish: loopback or runtime: process, or leave it out"

// portsOfAll wants somebody whom client-port is for.
func (r *resolver) portsOfAll(c *Cluster) {
	shared := func(m Member) bool { return m.Place.Shared }
	if r.spec.ClientPort == AutoPort && !c.Publish.Opens() && !r.forPrograms() && !slices.ContainsFunc(c.Members, shared) {
		r.report("client-port", noEffectUnpublished)
	}
}

// distinctPorts refuses two members on the same port of one machine. Those that share an
// engine can't, whatever their ports: see enginesOfAll.
func (r *resolver) distinctPorts(at string, m Member, others []Member, taken map[string]string) {
	if m.Engine.At != "" && slices.ContainsFunc(others, func(o Member) bool { return o.Engine.At == m.Engine.At }) {
		return
	}
	ports, host := []int{m.PublishedPort}, m.Published().Addr().String()
	if m.Place.Shared {
		ports, host = []int{m.Place.ClientPort, m.Place.PeerPort, m.Place.MetricsPort}, m.Place.Host
	}
	for _, port := range ports {
		if port == 0 {
			continue
		}
		address := net.JoinHostPort(host, strconv.Itoa(port))
		if other, ok := taken[address]; ok {
			r.report(at+".client-port", "%d is the port of %s too: give each member its own", port, other)
			return
		}
		taken[address] = m.Name
	}
}
