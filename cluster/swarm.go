package cluster

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/etcdctr/etcdctr/internal/listed"
)

// This file is about members that are services of a Docker Swarm. Whatever a
// service can't be is refused with the reason, before anything is made.

// nodesOfAll wants a node for every member of a swarm: the data of a service is in a
// volume of the node that it runs on, and a task that starts elsewhere starts empty.
func (r *resolver) nodesOfAll(c *Cluster, list []MemberSpec) {
	members := map[string][]string{}
	for i, ms := range list {
		at := memberPath(i) + ".node"
		switch {
		case c.Runtime != Swarm && ms.Node != "":
			r.report(at, "has no effect without runtime: swarm: set that, or leave it out")
		case c.Runtime != Swarm:
		case ms.Node == "":
			r.report(at, "is missing: with runtime: swarm the data of a member is on one node, and elsewhere it would start empty: "+
				"name one that `docker node ls` lists")
		case strings.ContainsFunc(ms.Node, func(c rune) bool { return c <= ' ' || c > '~' }):
			r.report(at, "must be the host name or the ID of a node, not %q", ms.Node)
		default:
			members[ms.Node] = append(members[ms.Node], ms.Name)
		}
		if c.Runtime == Swarm && ms.Host != "" {
			r.report(memberPath(i)+".host", "has no place beside node: in a swarm, members reach each other by their names: leave it out")
		}
	}
	for _, node := range slices.Sorted(maps.Keys(members)) {
		if on := members[node]; len(on) > 1 && len(on) > (len(list)-1)/2 {
			r.warn("members", "%s are on the node %s: without that node there is no quorum", listed.And(on), node)
		}
	}
}

// swarm refuses what services of a swarm can't have.
func (r *resolver) swarm(c *Cluster) {
	if c.Runtime != Swarm {
		return
	}
	const leave = ": leave it out"
	for _, x := range []struct {
		key, why string
		given    bool
	}{
		{"publish", "loopback can't be had with runtime: swarm, which opens a port of 127.0.0.1 on every address of every node" + leave +
			"; `etcdctr connect` brings ports to this machine", c.Publish == PublishLoopback},
		{"bootstrap", fmt.Sprintf("must be static with runtime: swarm, not %s: a swarm gives no fixed addresses and starts services in no order, "+
			"and its members know each other by their names", c.Bootstrap), c.Bootstrap != Static},
		{"subnet", "gives members fixed addresses, which a swarm does not have" + leave, r.spec.Subnet != ""},
		{"monitoring", "puts Prometheus beside members in containers of one machine: leave it out, and give what `etcdctr monitoring print --monitoring=false` " +
			"writes to a Prometheus of yours", c.Monitoring != nil},
		{"protect", "has no effect with runtime: swarm: `docker stack rm` leaves volumes alone" + leave, c.Protect},
	} {
		if x.given {
			r.report(x.key, "%s", x.why)
		}
	}
	for i, m := range c.Members {
		if m.Store.Given() {
			r.report(memberPath(i)+".data", "can't be somebody else's with runtime: swarm: a member's data is in a volume of its node"+leave)
		}
	}
}

// nodeIDLength is that of the IDs that a swarm gives.
const nodeIDLength = 25

// NodeConstraint is what binds a service to a node that was named by its host name or
// its ID.
func NodeConstraint(node string) string {
	isID := len(node) == nodeIDLength && !strings.ContainsFunc(node, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < '0' || c > '9')
	})
	if isID {
		return "node.id==" + node
	}
	return "node.hostname==" + node
}
