package docker

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/moby/moby/client"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/runtime"
	"github.com/etcdctr/etcdctr/stack"
)

// This file finds room for published ports: two clusters of one machine can't have
// the same.

// Where nobody chooses a port, members are all moved on by as much until there is
// room.
const furtherOn, portTries = 1000, 20

// findPorts publishes members where they are published already, or else at the usual
// ports or, where any of those is taken, some thousands further on. A port that
// somebody chose stays.
func (r *Runtime) findPorts(ctx context.Context, spec cluster.Spec, c *cluster.Cluster) error {
	if !c.Publish.Opens() || r.answers(ctx) != nil {
		return nil
	}
	kept, err := r.keptPorts(ctx, c)
	if err != nil {
		return err
	}
	taken, err := r.takenPorts(ctx, c)
	if err != nil {
		return err
	}
	leaves := leaving(c, kept)
	move(c, chosenPorts(spec), kept, func(port int) bool { return leaves[port] || taken(port) })
	return nil
}

// leaving are the ports of members that are not wanted any more: they go after those
// that take their places have come.
func leaving(c *cluster.Cluster, kept map[string]int) map[int]bool {
	ports := map[int]bool{}
	for name, port := range kept {
		ports[port] = ports[port] || !slices.ContainsFunc(c.Members, func(m cluster.Member) bool { return m.Name == name })
	}
	return ports
}

// move gives the members their ports, kept and chosen ones first.
func move(c *cluster.Cluster, chosen map[string]bool, kept map[string]int, taken func(port int) bool) {
	usual := map[string]int{}
	for _, m := range c.Members {
		if !chosen[m.Name] {
			usual[m.Name] = m.PublishedPort
		}
	}
	for try := range portTries {
		if fits(c, usual, kept, try*furtherOn, taken) {
			return
		}
	}
	fits(c, usual, kept, 0, func(int) bool { return false }) // the start will tell who is in the way
}

// fits gives members ports that lie further on than usual, and reports whether
// nobody has them.
func fits(c *cluster.Cluster, usual, kept map[string]int, by int, taken func(port int) bool) bool {
	own := map[int]bool{}
	for i, m := range c.Members {
		port, movable := usual[m.Name]
		if was := kept[m.Name]; movable && unchosen(c, m.Name, was) {
			c.Members[i].PublishedPort = was
		} else if movable {
			c.Members[i].PublishedPort = port + by
			if taken(port + by) {
				return false
			}
		}
		if own[c.Members[i].PublishedPort] {
			return false
		}
		own[c.Members[i].PublishedPort] = true
	}
	return true
}

// unchosen tells whether a port is one that a member may have without anybody choosing it:
// clients know it by that, whatever its place in the list is by now.
func unchosen(c *cluster.Cluster, member string, port int) bool {
	return slices.ContainsFunc(c.UsualPorts(member), func(usual int) bool { return port >= usual && (port-usual)%furtherOn == 0 })
}

// chosenPorts are the members whose ports somebody chose.
func chosenPorts(spec cluster.Spec) map[string]bool {
	chosen := map[string]bool{}
	for _, m := range spec.Members.List {
		chosen[m.Name] = m.HasPort()
	}
	return chosen
}

// tellMoved tells where members that are made are published, if that is not at the
// usual ports.
func (r *Runtime) tellMoved(ctx context.Context, t *target, want *cluster.Cluster) error {
	if r.o.File != nil || !want.Publish.Opens() {
		return nil
	}
	place, err := r.placement(ctx)
	if err != nil {
		return err
	}
	usual, err := cluster.Resolve(want.Spec, place)
	if err != nil {
		return err
	}
	var made []string
	for _, m := range want.Members {
		if _, there := t.wanted.Current(t.state, m.Name); !there {
			made = append(made, m.Name)
		}
	}
	if text := want.Moved(usual, made...); text != "" {
		r.tell(runtime.Event{Action: Caveat, Detail: text, Done: true})
	}
	return nil
}

// keptPorts are those of the cluster's containers, by member. One that was
// never started has none to keep: somebody else's may be why.
func (r *Runtime) keptPorts(ctx context.Context, c *cluster.Cluster) (map[string]int, error) {
	have, err := r.Observe(ctx, c.Name)
	if errors.Is(err, runtime.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	kept, on := map[string]int{}, publishedOn(c)
	for _, m := range slices.DeleteFunc(have.Members(), func(m runtime.Server) bool { return m.Status == runtime.Created }) {
		for _, address := range m.Published {
			if at, err := netip.ParseAddrPort(address); err == nil && at.Addr() == on {
				kept[m.Name] = int(at.Port())
			}
		}
	}
	return kept, nil
}

// takenPorts tells which ports something else than a cluster has where it publishes:
// other containers, and on this very machine whoever listens.
func (r *Runtime) takenPorts(ctx context.Context, of *cluster.Cluster) (func(port int) bool, error) {
	list, err := r.engine.ContainerList(ctx, client.ContainerListOptions{All: true})
	if err != nil {
		return nil, fmt.Errorf("ask the engine for published ports: %w", err)
	}
	others := map[int]bool{}
	for _, c := range list.Items {
		for _, p := range c.Ports {
			if !stack.IsOfProject(c.Labels, of.Name) && p.PublicPort != 0 {
				others[int(p.PublicPort)] = true
			}
		}
	}
	local, err := r.seesFiles(ctx)
	on := publishedOn(of)
	return func(port int) bool { return others[port] || local && listened(on, port) }, err
}

// publishedOn is the address that a cluster publishes its members on.
func publishedOn(c *cluster.Cluster) netip.Addr { return c.Members[0].Published().Addr() }

func listened(on netip.Addr, port int) bool {
	l, err := net.Listen("tcp", netip.AddrPortFrom(on, uint16(port)).String())
	if err == nil {
		l.Close()
	}
	return err != nil
}
