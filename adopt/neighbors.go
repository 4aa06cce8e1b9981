package adopt

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/compose"
	"github.com/etcdctr/etcdctr/internal/loopback"
)

// This file is about the containers that find members on a network that they share, as an
// application's does. What takes a member's place is on a network of its own: there they
// are put as well, before the first member goes.

// Neighbor is a container that runs, is no member, and is on a network of one.
type Neighbor struct {
	// Container is its name.
	Container string
	// Project and Service are those of Docker Compose; empty where something else made it.
	Project, Service string
	// Files are those of the project, where somebody tells.
	Files []string
	// Networks are all that it is on, but for those where an adoption has put it.
	Networks []string

	taken []string // what networks are called in its files
	id    string
}

// neighborAlias is one more name of a neighbor on the network where it was put for its
// members' successors, by which that is recognised as such.
const neighborAlias = "neighbor-of-the-adopted"

// shared are the networks on which others find a container by its name: not the one
// where it meets its successors, and none of those that engines have from the beginning.
func shared(in container.InspectResponse) []string {
	met, _ := meeting(in)
	return slices.DeleteFunc(slices.Sorted(maps.Keys(in.NetworkSettings.Networks)), func(name string) bool {
		return name == met || slices.Contains([]string{network.NetworkBridge, network.NetworkHost, network.NetworkNone, podmansNetwork}, name)
	})
}

// podmansNetwork is what Podman has for its bridge.
const podmansNetwork = "podman"

// neighbors are those of members, each once.
func (c *Containers) neighbors(ctx context.Context, members []container.InspectResponse) ([]Neighbor, error) {
	var networks []string
	for _, in := range members {
		networks = append(networks, shared(in)...)
	}
	slices.Sort(networks)
	var all []Neighbor
	for _, name := range slices.Compact(networks) {
		on, err := c.Engine.ContainerList(ctx, client.ContainerListOptions{Filters: make(client.Filters).Add("network", name)})
		if err != nil {
			return nil, fmt.Errorf("ask the engine who is on the network %s: %w", name, err)
		}
		for _, item := range on.Items {
			isMember := slices.ContainsFunc(members, func(m container.InspectResponse) bool { return m.ID == item.ID })
			isKnown := slices.ContainsFunc(all, func(n Neighbor) bool { return n.id == item.ID })
			if isMember || isKnown {
				continue
			}
			n, err := c.neighbor(ctx, item.ID)
			if errdefs.IsNotFound(err) { // gone by now
				continue
			}
			if err != nil {
				return nil, err
			}
			all = append(all, n)
		}
	}
	slices.SortFunc(all, func(a, b Neighbor) int { return strings.Compare(a.Container, b.Container) })
	return all, nil
}

func (c *Containers) neighbor(ctx context.Context, id string) (Neighbor, error) {
	in, err := c.Engine.ContainerInspect(ctx, id, client.ContainerInspectOptions{})
	if err != nil {
		return Neighbor{}, fmt.Errorf("ask the engine about %s: %w", id, err)
	}
	labels := in.Container.Config.Labels
	n := Neighbor{Container: bare(in.Container.Name), Project: labels[projectLabel], Service: labels[serviceLabel], id: in.Container.ID}
	if files := labels[filesLabel]; files != "" {
		n.Files = strings.Split(files, ",")
		n.taken = networkKeys(n.Files)
	}
	for name, on := range in.Container.NetworkSettings.Networks {
		if !slices.Contains(on.Aliases, neighborAlias) {
			n.Networks = append(n.Networks, name)
		}
	}
	slices.Sort(n.Networks)
	return n, nil
}

func (s *Stack) neighborNames() []string {
	var names []string
	for _, n := range s.Neighbors {
		names = append(names, n.Container)
	}
	return names
}

// Bring puts neighbors on the network of the cluster, too. That leads nowhere else, so
// each keeps the way out that it has.
func (c *Containers) Bring(ctx context.Context, name string, neighbors []Neighbor) error {
	to := compose.NetworkOf(name)
	for _, n := range neighbors {
		in, err := c.Engine.ContainerInspect(ctx, n.id, client.ContainerInspectOptions{})
		if err == nil {
			if _, there := in.Container.NetworkSettings.Networks[to]; there {
				continue
			}
			_, err = c.Engine.NetworkConnect(ctx, to, client.NetworkConnectOptions{
				Container: n.id, EndpointConfig: &network.EndpointSettings{Aliases: []string{neighborAlias}},
			})
		}
		if err != nil && !errdefs.IsNotFound(err) { // one that is gone needs nothing
			return fmt.Errorf("put %s on the network %s, where it finds what takes the members' place: %w; stop it, or take it off the members' networks, to adopt them without it", n.Container, to, err)
		}
	}
	return nil
}

// Part takes off the network of the cluster whoever was put there: members, and their
// neighbors.
func (c *Containers) Part(ctx context.Context, name string) error {
	from := compose.NetworkOf(name)
	on, err := c.Engine.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: make(client.Filters).Add("network", from)})
	if err != nil {
		return fmt.Errorf("ask the engine who is on the network %s: %w", from, err)
	}
	var errs []error
	for _, item := range on.Items {
		in, err := c.Engine.ContainerInspect(ctx, item.ID, client.ContainerInspectOptions{})
		if err == nil && put(in.Container, from) {
			_, err = c.Engine.NetworkDisconnect(ctx, from, client.NetworkDisconnectOptions{Container: item.ID, Force: true})
		}
		if err != nil && !errdefs.IsNotFound(err) {
			errs = append(errs, fmt.Errorf("take %s off the network %s: %w", item.ID, from, err))
		}
	}
	return errors.Join(errs...)
}

// put tells whether an adoption has put a container on a network.
func put(in container.InspectResponse, name string) bool {
	on, there := in.NetworkSettings.Networks[name]
	return there && (slices.Contains(on.Aliases, neighborAlias) || slices.Contains(on.Aliases, metAlias))
}

// Keeps says what to write into which file, so that a neighbor is on a network of this
// name also when its container is made anew.
func (n Neighbor) Keeps(name string) string {
	if n.Service == "" {
		return fmt.Sprintf("whatever makes the container %s has to put it on the network %s, too (--network %s)", n.Container, name, name)
	}
	keys := make([]string, len(n.Networks))
	for i, on := range n.Networks {
		keys[i] = strings.TrimPrefix(on, n.Project+"_")
	}
	files := strings.Join(n.Files, ", ")
	if files == "" {
		files = "the file of " + n.Project
	}
	key := freeKey(append(n.taken, keys...))
	return fmt.Sprintf("write into %s, under services: %s: {networks: [%s]}; and under networks: %s: {name: %s, external: true}",
		files, n.Service, strings.Join(append(keys, key), ", "), key, name)
}

// Moved are the URLs at which members say that clients reach them and nobody answers once
// a cluster has taken over: whoever goes there has to be told others.
func (s *Stack) Moved(want *cluster.Cluster) []string {
	var moved []string
	for _, m := range s.Members {
		for _, u := range urls(m.Clients) {
			is := func(w cluster.Member) bool { return w.ClientURL() == u.String() }
			if !loopback.Host(u.Hostname()) && !slices.ContainsFunc(want.Members, is) {
				moved = append(moved, u.String())
			}
		}
	}
	return moved
}

// networkKey is what the network of a cluster is called in somebody's Compose file, where
// nothing else is. It is not etcd: that is what many call the one of the members they had.
const networkKey = "etcdctr"

// freeKey is networkKey, with the first number behind it that makes it none of those taken.
func freeKey(taken []string) string {
	key := networkKey
	for i := 2; slices.Contains(taken, key); i++ {
		key = networkKey + strconv.Itoa(i)
	}
	return key
}

// networkKeys are what the networks of a project are called in its files. One that can't be
// read here, such as that of an engine elsewhere, tells of none.
func networkKeys(files []string) []string {
	var keys []string
	for _, path := range files {
		if text, err := os.ReadFile(path); err == nil {
			keys = append(keys, compose.NetworkKeys(text)...)
		}
	}
	return keys
}
