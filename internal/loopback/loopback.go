// Package loopback tells which hosts of a URL are this machine alone, by what they are
// called: nothing is looked up.
package loopback

import "net/netip"

// Host reports whether a host, without its port, is loopback: localhost or an address of
// that net, an IPv4 one in an IPv6 one too.
func Host(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.Unmap().IsLoopback()
}
