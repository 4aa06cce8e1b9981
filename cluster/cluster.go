package cluster

import (
	"net/netip"
	"path"
	"slices"
	"strings"
	"time"
)

// MaxMembers is the most that a cluster may have. etcd recommends at most
// seven; nine is where every write waiting for five disks stops being sensible.
const MaxMembers = 9

// Bootstrap is how the members of a new cluster find each other.
type Bootstrap string

// The ways to bootstrap.
const (
	Static      Bootstrap = "static"    // every member is told of all the others
	ByDiscovery Bootstrap = "discovery" // members meet at a discovery service
	ByDNS       Bootstrap = "dns"       // members find each other by DNS SRV records
)

// TLSMode is how connections are secured.
type TLSMode string

// The TLS modes.
const (
	Mutual  TLSMode = "mutual" // both sides of every connection show a certificate
	AutoTLS TLSMode = "auto"   // members make up certificates: encrypted, not authenticated
	NoTLS   TLSMode = "none"   // plain text, for networks that are closed otherwise
)

// Publish says where clients outside the stack reach it.
type Publish string

// The ways to publish.
const (
	PublishNone     Publish = "none"
	PublishLoopback Publish = "loopback" // client ports on 127.0.0.1, for this machine only
)

// Opens tells that ports of the host lead to members.
func (p Publish) Opens() bool { return p != "" && p != PublishNone }

// loopback is the address of this machine that other machines do not reach.
var loopback = netip.AddrFrom4([4]byte{127, 0, 0, 1})

// Runtime is what runs the members.
type Runtime string

// The runtimes.
const (
	AnyRuntime Runtime = "auto"    // docker if an engine answers, else process
	Docker     Runtime = "docker"  // containers of a Docker Engine
	Process    Runtime = "process" // processes of this machine
	Swarm      Runtime = "swarm"   // services of a Docker Swarm
)

// RunsPrograms tells runtimes whose members are programs of the machine from those whose
// members are in containers of an image.
func (r Runtime) RunsPrograms() bool { return r == Process }

// Adopts tells runtimes that members can be brought to which something else has started:
// on the nodes of a swarm there are none.
func (r Runtime) Adopts() bool { return r == Docker || r == Process }

// Data is what keeps a member's data.
type Data string

// The kinds of data.
const (
	Volume Data = "volume" // a named volume: survives the container
	Memory Data = "memory" // gone when the member stops
)

// Cluster is a cluster with nothing left to decide.
type Cluster struct {
	Name       string
	Runtime    Runtime
	Etcd       Version
	Image      string
	Profile    string
	Bootstrap  Bootstrap
	TLS        TLSMode
	Publish    Publish
	Data       Data
	Protect    bool           // volumes are no part of the Compose project
	Token      string         // the initial cluster token
	Discovery  *Discovery     // with ByDiscovery, otherwise nil
	DNS        *DNS           // with ByDNS, otherwise nil
	Subnets    []netip.Prefix // of the members' network, when members have fixed addresses
	Members    []Member
	Auth       *Auth       // etcd's users and roles; nil: nobody sees to them
	Monitoring *Monitoring // the Prometheus of the stack; nil without one
	Upkeep     Upkeep
	Renewal    Renewal
	Backup     *Backup // nil without any
	// Bridge says that members answer clients with and without TLS: see Bridged.
	Bridge bool

	// Spec is what the cluster was resolved from.
	Spec Spec
	// Warnings are choices that work and cost something.
	Warnings []Problem

	described map[string]Settings // of the members, before AsStarted; nil: as they are
	anew      bool                // see Anew
}

// Member is one member, complete.
type Member struct {
	Name  string
	Place Place
	// Host is the address of the machine that the member has to itself; not
	// valid when all members run where the command does.
	Host netip.Addr
	// Engine is how that machine's engine is reached from here.
	Engine Engine
	// Node is the node of a swarm that the member is bound to, by its host name or
	// its ID; empty without runtime: swarm.
	Node string
	// PublishedPort is the member's client port on the host where Publish opens one,
	// otherwise 0. Published has it with its address.
	PublishedPort int
	// Store is what the data is kept in, if the cluster does not make that itself.
	Store Store
	// Settings are all of the member's etcd settings in reading order.
	Settings Settings
	// Environment is what else the member's process finds in its environment.
	Environment map[string]string
}

// Published is where programs of the host find the member's client port; not valid
// where that is published nowhere.
func (m Member) Published() netip.AddrPort {
	if m.PublishedPort == 0 {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(loopback, uint16(m.PublishedPort))
}

// ClientURL is where clients on the members' network reach the member; the
// first place if there are several.
func (m Member) ClientURL() string {
	first, _, _ := strings.Cut(m.Settings.Get("advertise-client-urls"), ",")
	return first
}

// PeerURL is where the other members reach the member.
func (m Member) PeerURL() string { return m.Settings.Get("initial-advertise-peer-urls") }

// WALDir is where etcd has its write-ahead log: where it finds none, it begins empty.
func (m Member) WALDir() string {
	return or(m.Settings.Get("wal-dir"), path.Join(m.Settings.Get("data-dir"), "member", "wal"))
}

// Upkeep is how a member's container is kept alive, watched and stopped.
type Upkeep struct {
	Restart   string        // a Compose restart policy
	StopGrace time.Duration // from SIGTERM to SIGKILL
	Health    HealthCheck
}

// HealthCheck is the rhythm of a container's health check.
type HealthCheck struct {
	Interval, Timeout          time.Duration
	StartPeriod, StartInterval time.Duration
	Retries                    int
	// NoStartInterval says that the engine has none, which came with Docker Engine 25:
	// Docker Compose of version 2 refuses a file with one there. The interval is that of
	// the start as well then.
	NoStartInterval bool
}

// Only gives the cluster with one of its members: what that member's machine
// runs. The member itself still knows of all the others.
func (c *Cluster) Only(member string) *Cluster {
	only := *c
	only.Members = nil
	for _, m := range c.Members {
		if m.Name == member {
			only.Members = []Member{m}
		}
	}
	return &only
}

// Servers are the processes of etcd that the cluster consists of: the members,
// and then the discovery service if it is one of its own.
func (c *Cluster) Servers() []Member {
	if c.Discovery == nil || c.Discovery.Server == nil {
		return c.Members
	}
	return append(slices.Clone(c.Members), *c.Discovery.Server)
}

// SpansMachines tells whether the members have machines of their own.
func (c *Cluster) SpansMachines() bool { return len(c.Members) > 0 && c.Members[0].Host.IsValid() }

// SpansMachines reports whether members are to have machines of their own.
func (s Spec) SpansMachines() bool {
	return slices.ContainsFunc(s.Members.List, func(m MemberSpec) bool { return m.Host != "" })
}

// Hosts are the names and addresses that a member's certificates are for.
func (m Member) Hosts() []string {
	hosts := []string{m.Name}
	for _, h := range append([]string{m.Place.Host}, m.Place.AlsoKnownAs...) {
		if h != m.Name {
			hosts = append(hosts, h)
		}
	}
	return append(hosts, "localhost", "127.0.0.1", "::1")
}
