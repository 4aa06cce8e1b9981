package main

import (
	"fmt"
	"slices"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/health"
)

// This file is the way to members that run.

// closeWay ends a way. What is left behind all the same is said, and does not
// change what the command has found out.
func (a *app) closeWay(way *etcdctr.Connection) {
	if err := way.Close(); err != nil {
		a.warn("the way to the members is not closed properly: %v", err)
	}
}

// expected is the cluster that ought to answer: the members that are there, and
// those that the description names besides, if it names any.
func expected(way *etcdctr.Connection, want *cluster.Cluster) health.Cluster {
	h := health.Cluster{TLS: way.TLS, Dial: way.Way.Dial}
	for _, m := range way.Reachable() {
		h.Members = append(h.Members, health.Member{
			Name: m.Name, ClientURL: m.ClientURL(), PeerURL: m.PeerURL(), Quota: cluster.Quota(m.Settings.Get("quota-backend-bytes")),
		})
	}
	if !saysMembers(want) {
		return h
	}
	for _, m := range want.Members {
		if !slices.ContainsFunc(h.Members, func(x health.Member) bool { return x.Name == m.Name }) {
			h.Members = append(h.Members, health.Member{Name: m.Name, ClientURL: m.ClientURL(), PeerURL: m.PeerURL()})
		}
	}
	return h
}

// saysMembers reports whether a description says who the members are, or how many.
func saysMembers(want *cluster.Cluster) bool {
	return want != nil && (want.Spec.Members.Count > 0 || len(want.Spec.Members.List) > 0)
}

// plural writes "1 member", "3 members".
func plural(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}
