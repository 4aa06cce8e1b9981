package cluster

import (
	"fmt"
	"slices"
	"strings"
)

// Moved says where clients of this machine find those of some members that are not
// where the cluster would have them if nobody was in their way; empty if there are
// none.
func (c *Cluster) Moved(usual *Cluster, members ...string) string {
	ports := map[string]int{}
	for _, m := range usual.Members {
		ports[m.Name] = m.portHere()
	}
	var moved []string
	for _, m := range c.Members {
		if port := m.portHere(); slices.Contains(members, m.Name) && port != ports[m.Name] {
			moved = append(moved, fmt.Sprintf("%s is at 127.0.0.1:%d", m.Name, port))
		}
	}
	if moved == nil {
		return ""
	}
	return "something else has the usual ports: " + strings.Join(moved, ", ")
}

// portHere is the member's client port on this machine; 0 if it has none here.
func (m Member) portHere() int {
	if m.PublishedPort == 0 && m.Place.Shared && !m.Place.Contained {
		return m.Place.ClientPort
	}
	return m.PublishedPort
}
