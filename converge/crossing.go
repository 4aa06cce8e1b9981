package converge

import (
	"context"
	"slices"
	"strings"

	"github.com/etcdctr/etcdctr/cluster"
)

// This file takes a cluster over from plain text to mutual TLS, or back, while it
// serves. In between its members answer clients both ways on one port, and etcd
// counts each of its peers at both a plain and a secure URL of one port: a member
// that does not get through one way is reached the other, as it dials itself.

// Clients is how far clients are on the way to TLS, or from it.
type Clients string

// What can be said of clients.
const (
	Both  Clients = "both"  // some come the one way, some the other
	Moved Clients = "moved" // all come as is wanted
)

// crossing tells whether members have to go over, and whether any of them does not
// answer yet as is wanted in the end.
func (c *scene) crossing() (crosses, far bool) {
	is := c.goal().TLS
	for _, p := range c.those((*part).isWanted, (*part).isThere, (*part).holds) {
		was := p.server.TLS()
		switch {
		case len(p.server.Settings) == 0 || !crossable(was, is):
		case p.server.Bridges():
			crosses = true
		case was != is:
			crosses, far = true, true
		}
	}
	return crosses, far
}

func crossable(was, is cluster.TLSMode) bool {
	return was != cluster.AutoTLS && is != cluster.AutoTLS
}

// goal is the cluster that was asked for.
func (c *scene) goal() *cluster.Cluster {
	if len(c.Then) > 0 {
		return c.Then[len(c.Then)-1]
	}
	return c.Want
}

// cross puts the bridge before what is wanted, as long as it is needed.
func (r *run) cross(ctx context.Context) error {
	asked := r.wish.Asked.Clients
	if r.Bridge == nil || asked == "" {
		return nil
	}
	crosses, far := look(r.situation).crossing()
	if !crosses || asked == Moved && !far {
		return nil
	}
	if r.bridge == nil {
		var err error
		if r.bridge, err = r.Bridge(ctx); err != nil {
			return err
		}
	}
	if asked == Moved {
		r.situation.Then = []*cluster.Cluster{r.situation.Want}
	}
	r.situation.Want = r.bridge
	return nil
}

// refuseCrossing tells what stands against going over while the cluster serves.
func (c *scene) refuseCrossing() *Refusal {
	was, is := cluster.NoTLS, c.goal().TLS
	if is == cluster.NoTLS {
		was = cluster.Mutual
	}
	leave := "--tls " + string(was) + " leaves it at that"
	from, to, known := c.releases()
	_, far := c.crossing()
	switch {
	case c.Asked.Clients == "" && !far:
		return &Refusal{
			Reason: "the members answer clients with and without TLS, and clients that have not moved to --tls " + string(is) + " would be cut off by ending that",
			Remedy: Remedy{Text: "`etcdctr up --clients moved` ends it once all clients have moved; `etcdctr up --clients both` leaves it, and changes the rest"},
		}
	case c.Asked.Clients == "":
		return &Refusal{
			Reason: "clients that come with --tls " + string(was) + " would be cut off by going over to " + string(is),
			Remedy: Remedy{Text: "`etcdctr up --tls " + string(is) + " --clients both` has the members answer both ways; once all clients have moved, `etcdctr up --clients moved` ends that; " + leave},
		}
	case !c.quorum && len(c.Done) > 0:
		return nil // it is under way
	case !c.quorum:
		return &Refusal{
			Reason: "members go over to --tls " + string(is) + " one after the other, which takes a cluster that serves",
			Remedy: Remedy{Command: []string{"start"}, Text: "starts it as it was; " + leave},
		}
	case c.Want.Bootstrap != cluster.Static:
		return &Refusal{
			Reason: "members that were told of each other by " + string(c.Want.Bootstrap) + " cannot go over to --tls " + string(is),
			Remedy: Remedy{Text: "a backup can be restored into a cluster of that kind; " + leave},
		}
	case !known || from != to || to != c.goal().Etcd:
		return &Refusal{Reason: "members cannot go over to --tls " + string(is) + " and to another release in one go", Remedy: Remedy{Text: "do one after the other"}}
	case len(c.those(func(p *part) bool { return p.wanted != p.counted })) > 0:
		return &Refusal{Reason: "members cannot go over to --tls " + string(is) + " while others come or go", Remedy: Remedy{Text: "do one after the other"}}
	case len(c.those((*part).isWanted, c.forgets)) > 0:
		return &Refusal{
			Reason: "members whose data is in memory cannot go over to --tls " + string(is),
			Remedy: Remedy{Text: "`etcdctr down` and `etcdctr up` start a new, empty cluster if that is meant; " + leave},
		}
	}
	return nil
}

// peerURLs are those that etcd is to count a wanted member at.
func (s Situation) peerURLs(name string) []string {
	if s.Want == nil {
		return nil
	}
	for _, m := range s.Want.Members {
		if m.Name != name {
			continue
		}
		urls := strings.Split(m.PeerURL(), ",")
		if s.Want.Bridge {
			urls = append(urls, strings.Split(cluster.OtherScheme(m.PeerURL()), ",")...)
		}
		return urls
	}
	return nil
}

// widen has all members counted at both URLs, before any of them goes over.
func (c *scene) widen() (*Step, error) {
	if c.Want == nil || !c.Want.Bridge || !c.quorum {
		return nil, nil
	}
	for _, p := range c.those((*part).isWanted, (*part).isVoter, c.moves) {
		return &Step{Kind: UpdatePeers, Servers: []string{p.name}, Member: p.member.ID, Cause: "the others reach it with and without TLS"}, nil
	}
	return nil, nil
}

// moves: others are to reach it at other URLs than etcd knows. What etcd knows
// besides does not matter, unless it is where it listened before it went over.
func (c *scene) moves(p *part) bool {
	if !p.counted || !p.wanted || p.spec.PeerURL() == "" {
		return false
	}
	want := c.peerURLs(p.name)
	for _, url := range want {
		left := cluster.OtherScheme(url)
		if !slices.Contains(p.member.PeerURLs, url) || !slices.Contains(want, left) && slices.Contains(p.member.PeerURLs, left) {
			return true
		}
	}
	return false
}
