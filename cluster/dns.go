package cluster

import (
	"net/netip"
	"regexp"

	"github.com/distribution/reference"
)

// DNS says by which records the members of a new cluster, and its clients,
// find each other.
type DNS struct {
	Domain      string
	ServiceName string // suffix of the services' names; usually empty
	Image       string // of the stack's DNS server
	// Addresses of the stack's DNS server; none when the cluster is not in
	// containers.
	Addresses []netip.Addr
	// Server is where the DNS server of supervised members is; nil when the
	// stack has none, or has it in a container.
	Server *Place
}

// Record is one DNS record. Names end in a dot.
type Record struct {
	Name string
	Type string // A, AAAA or SRV
	// Address of an A or AAAA record.
	Address netip.Addr
	// Target and Port of an SRV record. Priority and weight are always 0 and
	// 100: etcd looks at neither.
	Target string
	Port   int
}

// Records gives every record that the cluster needs: where servers and clients
// are, then what the targets' addresses are. etcd drops, without a word, a
// target whose address it can't look up, so both belong together.
func (c *Cluster) Records() []Record {
	if c.DNS == nil {
		return nil
	}
	var servers, clients, addresses []Record
	for _, m := range c.Members {
		host := m.Place.Host + "."
		servers = append(servers, Record{Name: c.DNS.service("server", c.TLS), Type: "SRV", Target: host, Port: m.Place.PeerPort})
		clients = append(clients, Record{Name: c.DNS.service("client", c.TLS), Type: "SRV", Target: host, Port: m.Place.ClientPort})
		for _, a := range m.Place.Addresses {
			addresses = append(addresses, Record{Name: host, Type: AddressType(a), Address: a})
		}
	}
	return append(append(servers, clients...), addresses...)
}

// OtherScheme gives the names that must have no records, because they would
// name members that speak the other of TLS and plain text.
func (d *DNS) OtherScheme(tls TLSMode) []string {
	other := NoTLS
	if tls == NoTLS {
		other = Mutual
	}
	return []string{d.service("server", other), d.service("client", other)}
}

// service gives the name that etcd looks up (client/pkg/srv): -ssl for TLS,
// then the suffix.
func (d *DNS) service(side string, tls TLSMode) string {
	name := "_etcd-" + side
	if tls != NoTLS {
		name += "-ssl"
	}
	if d.ServiceName != "" {
		name += "-" + d.ServiceName
	}
	return name + "._tcp." + d.Domain + "."
}

// AddressType is the type of the record that holds an address.
func AddressType(a netip.Addr) string {
	if a.Is4() {
		return "A"
	}
	return "AAAA"
}

// DefaultDNSImage is CoreDNS's official image, of the release that the project
// is tested with.
const DefaultDNSImage = "coredns/coredns:1.15.0"

// DNSServerName is the service name of the DNS server that a stack brings
// along.
const DNSServerName = "dns"

var domainPattern = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]*[a-z0-9])?$`)

// dns decides domain and server. The default domain is below .internal, which
// ICANN has set aside for private use.
func (r *resolver) dns(c *Cluster, place Placement) {
	if c.Bootstrap != ByDNS {
		r.refuseKeys("has no effect without bootstrap: dns: set that, or leave it out",
			"discovery-domain", "discovery-srv-name", "dns-image")
		return
	}
	s := r.spec
	c.DNS = &DNS{
		Domain:      or(s.DiscoveryDomain, c.Name+".internal"),
		ServiceName: s.DiscoverySRVName,
		Image:       or(s.DNSImage, DefaultDNSImage),
		Addresses:   address(c.Subnets, dnsOffset),
	}
	if supervised(c) {
		server := c.placeBeside(DNSServerName, place)
		c.DNS.Server = &server
	}
	r.dnsNames(c.DNS)
	for i := range c.Members {
		m := &c.Members[i]
		m.Place.AlsoKnownAs = append(m.Place.AlsoKnownAs, m.Place.Host)
		m.Place.Host = m.Name + "." + c.DNS.Domain
	}
	if _, err := reference.ParseNormalizedNamed(c.DNS.Image); err != nil {
		r.report("dns-image", "%q is not an image reference such as %s: %s", c.DNS.Image, DefaultDNSImage, err)
	}
}

func (r *resolver) dnsNames(d *DNS) {
	if len(d.Domain) > 253-1-maxMemberLength || !domainPattern.MatchString(d.Domain) {
		r.report("discovery-domain", "%q must be a domain in lower case with at least two labels, such as etcd.example.com", d.Domain)
	}
	const longest = 63 - len("_etcd-server-ssl-")
	if d.ServiceName != "" && (!isLabel(d.ServiceName) || len(d.ServiceName) > longest) {
		r.report("discovery-srv-name", "%q must be lower-case letters, digits and inner hyphens, at most %d characters", d.ServiceName, longest)
	}
}

// dnsSettings tell a member where to look at its first start; later ones go by
// the data.
func dnsSettings(c *Cluster) Settings {
	s := Settings{{"discovery-srv", c.DNS.Domain}}
	if c.DNS.ServiceName != "" {
		s = append(s, Setting{"discovery-srv-name", c.DNS.ServiceName})
	}
	return append(s, Settings{{"initial-cluster-state", "new"}, {"initial-cluster-token", c.Token}}...)
}
