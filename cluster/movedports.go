package cluster

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// Moved says where clients of this machine find those of some members that are not
// where the cluster would have them if nobody was in their way; empty if there are
// none.
func (c *Cluster) Moved(usual *Cluster, members ...string) string {
	usually := map[string]netip.AddrPort{}
	for _, m := range usual.Members {
		usually[m.Name] = m.here()
	}
	var moved []string
	for _, m := range c.Members {
		if at := m.here(); slices.Contains(members, m.Name) && at != usually[m.Name] {
			moved = append(moved, fmt.Sprintf("%s is at %s", m.Name, at))
		}
	}
	if moved == nil {
		return ""
	}
	return "something else has the usual ports: " + strings.Join(moved, ", ")
}

// here is where this machine finds the member's client port; not valid if it has none
// here.
func (m Member) here() netip.AddrPort {
	if m.PublishedPort == 0 && m.Place.Shared && !m.Place.Contained {
		return netip.AddrPortFrom(loopback, uint16(m.Place.ClientPort))
	}
	return m.Published()
}
