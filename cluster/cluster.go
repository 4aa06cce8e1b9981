package cluster

import (
	"fmt"
	"net/netip"
	"time"
)

// MaxMembers is the most that a cluster may have. etcd recommends at most
// seven; nine is where every write waiting for five disks stops being sensible.
const MaxMembers = 9

// Bootstrap is how the members of a new cluster find each other.
type Bootstrap string

// The ways to bootstrap.
const (
	Static Bootstrap = "static" // every member is told of all the others
)

// TLSMode is how connections are secured.
type TLSMode string

// The TLS modes.
const (
	Mutual TLSMode = "mutual" // both sides of every connection show a certificate
	NoTLS  TLSMode = "none"   // plain text, for networks that are closed otherwise
)

// Publish says where clients outside the stack reach it.
type Publish string

// The ways to publish.
const (
	PublishNone     Publish = "none"
	PublishLoopback Publish = "loopback" // client ports on 127.0.0.1, for this machine only
)

// Data is what keeps a member's data.
type Data string

// The kinds of data.
const (
	Volume Data = "volume" // a named volume: survives the container
	Memory Data = "memory" // gone when the member stops
)

// Cluster is a cluster with nothing left to decide.
type Cluster struct {
	Name      string
	Etcd      Version
	Image     string
	Profile   string
	Bootstrap Bootstrap
	TLS       TLSMode
	Publish   Publish
	Data      Data
	Token     string // the initial cluster token
	Members   []Member
	Upkeep    Upkeep

	// Warnings are choices that work and cost something.
	Warnings []Problem
}

// Member is one member, complete.
type Member struct {
	Name  string
	Place Place
	// PublishedPort is the member's client port on 127.0.0.1 with
	// PublishLoopback, otherwise 0.
	PublishedPort int
	// Settings are all of the member's etcd settings in reading order.
	Settings Settings
	// Environment is what else the member's process finds in its environment.
	Environment map[string]string
}

// ClientURL is where clients on the members' network reach the member.
func (m Member) ClientURL() string { return m.Settings.Get("advertise-client-urls") }

// PeerURL is where the other members reach the member.
func (m Member) PeerURL() string { return m.Settings.Get("initial-advertise-peer-urls") }

// Place is where a member runs: the addresses and folders that depend on
// whether it lives in a container, in a process or on a machine of its own.
type Place struct {
	Listen      netip.Addr // what etcd binds to
	Host        string     // the name or address that others reach it by
	ClientPort  int
	PeerPort    int
	MetricsPort int
	DataDir     string
	CertsDir    string   // holds server/ and peer/
	AlsoKnownAs []string // further names for the certificates
}

// Placement gives each member its place.
type Placement func(cluster, member string, index int) Place

// etcd's registered ports, and the one that its documentation uses for metrics.
const (
	ClientPort  = 2379
	PeerPort    = 2380
	MetricsPort = 2381
)

// Where a member finds its files in a container. The volume is mounted where
// the official image has its data directory; the data is one level below,
// because etcd wants a directory that it made itself (0700), and etcdutl
// restores only into one that is not there yet.
const (
	ContainerVolumeDir = "/var/lib/etcd"
	ContainerDataDir   = ContainerVolumeDir + "/data"
	ContainerCertsDir  = "/etc/etcd/certs"
)

// InContainers places each member in a container of its own, reached by its
// service name. etcd refuses a name as a listen address, and an address in a
// container is not known beforehand, so it listens on all of them.
func InContainers(cluster, member string, _ int) Place {
	return Place{
		Listen:      netip.IPv4Unspecified(),
		Host:        member,
		ClientPort:  ClientPort,
		PeerPort:    PeerPort,
		MetricsPort: MetricsPort,
		DataDir:     ContainerDataDir,
		CertsDir:    ContainerCertsDir,
		AlsoKnownAs: []string{fmt.Sprintf("%s-%s-1", cluster, member)}, // Compose's container name
	}
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
