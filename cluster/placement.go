package cluster

import (
	"fmt"
	"net/netip"
	"path"
)

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
	WritableDir string   // the only folder that etcd may write in; empty: any
	AlsoKnownAs []string // further names for the certificates

	// Shared tells that the ports are those of a machine, where other members
	// may run too: no two can have the same.
	Shared bool
	// Contained tells that the member is in a container.
	Contained bool
	// Known tells that nobody looks the member's name up: it stands beside its
	// address, which is fixed, in the hosts file of every container of the stack.
	Known bool
	// Supervised tells that whoever runs the member also runs, on the same
	// machine, what it needs for finding the others.
	Supervised bool
	// Addresses are those that the member keeps as long as it exists; none
	// when they may change at a restart.
	Addresses []netip.Addr
	// DiscoveryDir is where the member finds what it shows an existing
	// discovery service; empty: where the Spec says.
	DiscoveryDir string
	// PublishOn is the machine's address that a container's client and peer
	// port are published on; not valid when they are not.
	PublishOn netip.Addr
}

// Seat is what a Placement goes by: which member it is, and what the user says
// of its place.
type Seat struct {
	Cluster, Member string
	Index           int        // among the members, from 0
	Host            netip.Addr // not valid unless the member has a machine of its own
	ClientPort      int        // 0 unless given
	AnyPort         bool       // the ports go by the cluster's name, unless one is given
	Folder          string     // that the data is to be in; empty: wherever there is room
}

// Placement gives each member its place.
type Placement func(Seat) Place

// etcd's registered ports, and the one that its documentation uses for metrics.
const (
	ClientPort  = 2379
	PeerPort    = 2380
	MetricsPort = 2381
)

// portStep keeps the default ports of neighbouring members apart, up to the
// ninth: 2379, 2479, … 3179.
const portStep = 100

// Where a member finds its files in a container. The volume is mounted where
// the official image has its data directory; the data is one level below,
// because etcd wants a directory that it made itself (0700), and etcdutl
// restores only into one that is not there yet.
const (
	ContainerVolumeDir = "/var/lib/etcd"
	ContainerDataDir   = ContainerVolumeDir + "/data"
	ContainerCertsDir  = "/etc/etcd/certs"

	ContainerDiscoveryDir = "/etc/etcd/discovery"
)

// InContainers places each member in a container of its own, reached by its
// service name. etcd refuses a name as a listen address, and an address in a
// container is not known beforehand, so it listens on all of them.
//
// A member with a machine of its own is reached by that machine's address,
// where its container's ports are published.
func InContainers(s Seat) Place {
	p := Place{
		Listen:      netip.IPv4Unspecified(),
		Host:        s.Member,
		DataDir:     ContainerDataDir,
		CertsDir:    ContainerCertsDir,
		WritableDir: ContainerVolumeDir,
		Contained:   true,
		AlsoKnownAs: []string{fmt.Sprintf("%s-%s-1", s.Cluster, s.Member)}, // Compose's container name

		DiscoveryDir: ContainerDiscoveryDir,
	}
	if !s.Host.IsValid() {
		return p.withPorts(ClientPort)
	}
	p.Host, p.PublishOn, p.Shared = s.Host.String(), s.Host, true
	if s.Host.Is6() {
		p.Listen = netip.IPv6Unspecified()
	}
	return p.withPorts(s.clientPort(ClientPort))
}

// InKnownContainers places as InContainers does, for an engine whose DNS server
// can't be kept from asking others: see Place.Known.
func InKnownContainers(s Seat) Place {
	p := InContainers(s)
	p.Known = !s.Host.IsValid()
	return p
}

// InProcesses places all members on loopback of this machine, told apart by
// their ports. The data of a member is in a folder of its own below home, and
// its certificates are where package certs puts them below certs; both are
// best given as absolute paths, with slashes.
func InProcesses(home, certs string) Placement {
	return func(s Seat) Place {
		p := Place{
			Listen:   loopback,
			Host:     loopback.String(),
			DataDir:  path.Join(home, s.Member, "data"),
			CertsDir: path.Join(certs, "members", s.Member),
			Shared:   true,
		}
		if s.Folder != "" {
			p.DataDir = path.Join(s.Folder, "data")
		}
		return p.withPorts(s.clientPort(s.usualPort()))
	}
}

// UnderSupervision places all members as InProcesses does, under a supervisor
// that also runs the stack's own discovery service or DNS server.
func UnderSupervision(home, certs string) Placement {
	place := InProcesses(home, certs)
	return func(s Seat) Place {
		p := place(s)
		p.Supervised = true
		return p
	}
}

// UnderSystemd places each member in a systemd unit of its own: on the address
// of its machine, or all on loopback of one. Nothing of it listens on any
// other address.
func UnderSystemd(s Seat) Place {
	unit := UnitName(s.Cluster, s.Member)
	p := InProcesses("", "")(s)
	p.WritableDir = or(s.Folder, path.Join(ContainerVolumeDir, unit))
	p.DataDir = path.Join(p.WritableDir, "data")
	p.CertsDir = path.Join("/etc/etcd", unit)
	p.DiscoveryDir = path.Join(p.CertsDir, "discovery")
	if s.Host.IsValid() {
		p.Listen, p.Host = s.Host, s.Host.String()
		return p.withPorts(s.clientPort(ClientPort))
	}
	return p
}

// UnitName is the name of a member's systemd unit, without its suffix, and of
// its folders.
func UnitName(cluster, member string) string { return cluster + "-" + member }

// clientPort is the port that the user gave, or fallback.
func (s Seat) clientPort(fallback int) int {
	if s.ClientPort != 0 {
		return s.ClientPort
	}
	return fallback
}

// usualPort is the member's, where members share a machine.
func (s Seat) usualPort() int {
	if s.AnyPort {
		return autoPort(s.Cluster, s.Index)
	}
	return ClientPort + s.Index*portStep
}

// withPorts gives the place three ports in a row, as etcd's own are.
func (p Place) withPorts(client int) Place {
	p.ClientPort = client
	p.PeerPort = client + PeerPort - ClientPort
	p.MetricsPort = client + MetricsPort - ClientPort
	return p
}
