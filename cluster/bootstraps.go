package cluster

import "slices"

// Way is one way for the members of a new cluster to find each other: a
// Bootstrap, told apart by what else the Spec says.
type Way struct {
	Bootstrap Bootstrap
	Key       string // what a Spec says to ask for it
	Title     string // what it is, for people
}

// The ways, in the order that they are told.
var (
	ByList         = Way{Static, "bootstrap", "static"}
	ByOwnDiscovery = Way{ByDiscovery, "bootstrap", "discovery, service in the stack"}
	ByDiscoveryV3  = Way{ByDiscovery, "discovery-endpoints", "discovery, existing service (v3)"}
	ByDiscoveryV2  = Way{ByDiscovery, "discovery-url", "discovery, existing service (v2)"}
	ByRecords      = Way{ByDNS, "bootstrap", "DNS SRV"}
)

// Ways lists all of them.
func Ways() []Way { return []Way{ByList, ByOwnDiscovery, ByDiscoveryV3, ByDiscoveryV2, ByRecords} }

// TLSModes lists all of them, the strongest first.
func TLSModes() []TLSMode { return wordsOf[TLSMode]("tls") }

// finding is something true of some combinations of a way, a TLS mode and an
// etcd minor.
type finding struct {
	ways  []Way     // empty: all
	tls   []TLSMode // empty: all
	since int       // the first minor of etcd 3; 0: all
	until int       // the last one; 0: all
	key   string    // of the Spec, to change; empty: the way's
	text  string
}

func (f finding) concerns(w Way, tls TLSMode, minor int) bool {
	return (len(f.ways) == 0 || slices.Contains(f.ways, w)) &&
		(len(f.tls) == 0 || slices.Contains(f.tls, tls)) &&
		minor >= f.since && (f.until == 0 || minor <= f.until)
}

// refusals are the combinations that do not work. Everything else does.
// docs/bootstraps.md is made of them and of the remarks.
var refusals = []finding{
	{
		ways: []Way{ByDiscoveryV3}, until: 5,
		text: "etcd v3.5 does not know the v3 discovery protocol: it ignores the settings with a warning, and each member " +
			"becomes a cluster of its own: use discovery-url with a v2 service, or etcd 3.6 or later",
	},
	{
		ways: []Way{ByDiscoveryV2}, since: 7,
		text: "since v3.7 etcd does not know the v2 discovery protocol any more: it ignores the setting with a warning, and each member " +
			"becomes a cluster of its own: use discovery-endpoints and discovery-token with a v3 service, or leave both out for a service in the stack",
	},
	{
		ways: []Way{ByOwnDiscovery}, tls: []TLSMode{AutoTLS}, until: 5,
		text: "etcd v3.5 verifies its discovery service and can't be told not to, and nobody can verify a certificate of auto-TLS: " +
			"use tls: mutual or none, another bootstrap, or etcd 3.6 or later",
	},
}

// remarks are what to know about combinations that work.
var remarks = []finding{
	{
		ways: []Way{ByOwnDiscovery}, tls: []TLSMode{Mutual}, until: 5,
		text: "etcd v3.5 has no client certificate for its discovery service: members verify the service, the service takes anyone on the stack's network",
	},
	{
		ways: []Way{ByDiscoveryV2},
		text: "a v2 service is never shown a certificate: what it demands of its clients, if anything, is the network they come from",
	},
	{
		tls:  []TLSMode{AutoTLS},
		key:  "tls",
		text: "auto is encrypted, not authenticated: members do not verify each other, and whoever reaches a member may connect",
	},
}

// Verdict is what is known of one combination.
type Verdict struct {
	Refusal string   // why not; empty when it works
	Remarks []string // what to know when it does
}

// Judge looks a combination up. minor is that of etcd 3.
func Judge(w Way, tls TLSMode, minor int) Verdict {
	var v Verdict
	for _, f := range refusals {
		if f.concerns(w, tls, minor) {
			return Verdict{Refusal: f.text}
		}
	}
	for _, f := range remarks {
		if f.concerns(w, tls, minor) {
			v.Remarks = append(v.Remarks, f.text)
		}
	}
	return v
}

// way tells which one a Spec asks for.
func (s Spec) way(b Bootstrap) Way {
	switch {
	case b == ByDNS:
		return ByRecords
	case b == ByDiscovery && s.DiscoveryURL != "":
		return ByDiscoveryV2
	case b == ByDiscovery && s.DiscoveryEndpoints != "":
		return ByDiscoveryV3
	case b == ByDiscovery:
		return ByOwnDiscovery
	}
	return ByList
}

// judge refuses what is known not to work, and warns of what is remarkable.
func (r *resolver) judge(c *Cluster) {
	w := r.spec.way(c.Bootstrap)
	for _, f := range refusals {
		if f.concerns(w, c.TLS, c.Etcd.Minor) {
			r.report(or(f.key, w.Key), "%s", f.text)
		}
	}
	for _, f := range remarks {
		if f.concerns(w, c.TLS, c.Etcd.Minor) {
			r.warn(or(f.key, w.Key), "%s", f.text)
		}
	}
}
