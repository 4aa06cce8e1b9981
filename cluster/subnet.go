package cluster

import (
	"hash/fnv"
	"net/netip"
	"slices"
	"strings"
)

// This file gives members addresses that stay.

// Fixed addresses lie at the beginning of a subnet; the engine is told to give
// out others from its second half.
const (
	discoveryOffset = 9  // 10.89.1.9
	dnsOffset       = 10 // 10.89.1.10
	memberOffset    = 11 // 10.89.1.11 is the first member's
)

// subnets decides the members' addresses where they have fixed ones: in
// containers when asked for or needed, elsewhere always.
func (r *resolver) subnets(c *Cluster) {
	if inContainers(c) {
		c.Subnets = r.readSubnets()
		if len(c.Subnets) == 0 && (c.Bootstrap == ByDNS || c.known()) {
			c.Subnets = []netip.Prefix{DefaultSubnet(c.Name, 0)}
		}
	} else {
		r.refuseKeys("has no effect on members that have an address of their machine: leave it out", "subnet")
	}
	seats := c.seats()
	for i := range c.Members {
		c.Members[i].Place.settle(c.Subnets, seats[i])
		if c.TLS == AutoTLS && !c.verifiable(c.Members[i]) {
			r.warn("tls", "auto makes certificates for the addresses that members listen on, and here that is any address: no client can verify them; "+
				"with a subnet and publish: none, members listen on fixed addresses")
		}
	}
}

// inContainers tells that the members are in containers of one machine.
func inContainers(c *Cluster) bool {
	for _, m := range c.Members {
		if m.Place.Shared {
			return false
		}
	}
	return true
}

// supervised tells that the members are processes of one machine whose
// supervisor runs what else they need.
func supervised(c *Cluster) bool {
	for _, m := range c.Members {
		if !m.Place.Supervised {
			return false
		}
	}
	return len(c.Members) > 0
}

// placeBeside places a service behind the members, and behind any whose ports
// were chosen to be there.
func (c *Cluster) placeBeside(name string, place Placement) Place {
	var p Place
	for i := range 2 * MaxMembers {
		p = place(Seat{Cluster: c.Name, Member: name, Index: len(c.Members) + i, AnyPort: c.Spec.ClientPort == AutoPort})
		if !slices.ContainsFunc(c.Members, func(m Member) bool { return m.Place.meets(p) }) {
			break
		}
	}
	return p
}

// meets tells that two places share a port of one machine.
func (p Place) meets(other Place) bool {
	return p.Shared && other.Shared && p.ClientPort <= other.MetricsPort && other.ClientPort <= p.MetricsPort
}

func (p *Place) settle(subnets []netip.Prefix, index int) {
	switch {
	case p.PublishOn.IsValid():
		p.Addresses = []netip.Addr{p.PublishOn}
	case !p.Listen.IsUnspecified():
		p.Addresses = []netip.Addr{p.Listen}
	default:
		p.Addresses = address(subnets, memberOffset+index)
	}
	if !p.Listen.IsUnspecified() || p.PublishOn.IsValid() {
		return
	}
	for _, a := range p.Addresses {
		p.AlsoKnownAs = append(p.AlsoKnownAs, a.String())
		if a.Is6() {
			p.Listen = netip.IPv6Unspecified() // takes IPv4 as well
		}
	}
}

// address gives the addresses at an offset, one in each subnet.
func address(subnets []netip.Prefix, offset int) []netip.Addr {
	var list []netip.Addr
	for _, p := range subnets {
		bytes := p.Addr().AsSlice()
		bytes[len(bytes)-1] |= byte(offset) // the last six bits are free, see readSubnet
		a, _ := netip.AddrFromSlice(bytes)
		list = append(list, a)
	}
	return list
}

func (r *resolver) readSubnets() []netip.Prefix {
	if r.spec.Subnet == "" {
		return nil
	}
	var list []netip.Prefix
	for _, one := range strings.Split(r.spec.Subnet, ",") {
		if p, ok := r.readSubnet(one); ok {
			list = append(list, p)
		}
	}
	if len(list) > 2 || len(list) == 2 && list[0].Addr().Is4() == list[1].Addr().Is4() {
		r.report("subnet", "%q must be one subnet, or one of IPv4 and one of IPv6", r.spec.Subnet)
	}
	return list
}

func (r *resolver) readSubnet(s string) (netip.Prefix, bool) {
	const fewestBits = 6 // 64 addresses: fixed ones below 32, the engine's above
	p, err := netip.ParsePrefix(s)
	switch {
	case err != nil || p != p.Masked():
		r.report("subnet", "%q must be a subnet such as 10.89.1.0/24 or fd00:89:1::/64", s)
	case p.Addr().BitLen()-p.Bits() < fewestBits:
		r.report("subnet", "%s is too small: use /%d or larger", s, p.Addr().BitLen()-fewestBits)
	case !p.Addr().IsPrivate():
		r.report("subnet", "%s is not for private use: take one from 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 or fd00::/8", s)
	default:
		return p, true
	}
	return netip.Prefix{}, false
}

// DefaultSubnet gives the subnet that a cluster gets when nobody says
// otherwise: one of 8192 in 10.224.0.0/11, a part of the private addresses that
// Docker's own choices leave alone, by the cluster's name. Where that one is
// taken, further attempts give others.
func DefaultSubnet(cluster string, attempt int) netip.Prefix {
	h := fnv.New32a()
	h.Write([]byte(cluster))
	n := (h.Sum32() + uint32(attempt)) % 8192
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 224 + byte(n>>8), byte(n), 0}), 24)
}

// Dynamic gives the half of a subnet that no fixed address is from.
func Dynamic(p netip.Prefix) netip.Prefix {
	bytes := p.Addr().AsSlice()
	bytes[p.Bits()/8] |= 0x80 >> (p.Bits() % 8)
	a, _ := netip.AddrFromSlice(bytes)
	return netip.PrefixFrom(a, p.Bits()+1)
}
