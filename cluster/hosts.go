package cluster

import (
	"net/netip"
	"slices"
	"strconv"
)

// This file is about containers that know each other by a file: see Place.Known.

// known tells that the members' names are looked up nowhere.
func (c *Cluster) known() bool {
	return len(c.Members) > 0 && c.Members[0].Place.Known
}

// Host is a name with its addresses, as a line of a hosts file has them.
type Host struct {
	Name      string
	Addresses []netip.Addr
}

// HostsFile gives the names that each container of the stack has to know by
// itself, or none where a DNS server knows them. Members with the names that
// they get by their number are all in it, up to the ninth, whether they are there
// or not: the others go on as they are when one comes or goes.
func (c *Cluster) HostsFile() []Host {
	if !c.known() || c.DNS != nil {
		return nil
	}
	var hosts []Host
	if c.Discovery != nil && c.Discovery.Server != nil {
		hosts = append(hosts, Host{c.Discovery.Server.Name, c.Discovery.Server.Place.Addresses})
	}
	for _, m := range c.Members {
		hosts = append(hosts, Host{m.Name, m.Place.Addresses})
	}
	return append(hosts, c.expected()...)
}

// expected are the members that are not there and may come.
func (c *Cluster) expected() []Host {
	if slices.ContainsFunc(c.Members, func(m Member) bool { return numbered(m.Name) < 0 }) {
		return nil
	}
	var hosts []Host
	taken := c.seats()
	for seat := range MaxMembers {
		if !slices.Contains(taken, seat) {
			hosts = append(hosts, Host{memberName(seat), address(c.Subnets, memberOffset+seat)})
		}
	}
	return hosts
}

// seats give each member a number of its own, from 0, that goes into its fixed
// address: its place in the list, or where others know it by the address, the one
// in its name, which stays when another goes.
func (c *Cluster) seats() []int {
	seats := make([]int, len(c.Members))
	for i, m := range c.Members {
		seats[i] = i
		if c.known() {
			seats[i] = numbered(m.Name)
		}
	}
	next := MaxMembers // behind all that have numbers in their names, and those that may come
	for i := range seats {
		if seats[i] < 0 {
			seats[i], next = next, next+1
		}
	}
	return seats
}

// numbered gives the number of a member that has the name which numbers give,
// from 0, and -1 for any other.
func numbered(name string) int {
	for seat := range MaxMembers {
		if memberName(seat) == name {
			return seat
		}
	}
	return -1
}

// memberName is what members are called that nobody names.
func memberName(seat int) string { return "etcd" + strconv.Itoa(seat+1) }
