package dns

import (
	"fmt"
	"strings"

	"github.com/etcdctr/etcdctr/cluster"
)

// Names of the files that a stack's DNS server finds in its folder.
const (
	CorefileName = "Corefile"
	ZoneName     = "zone"
)

// ttl is short, so that nobody keeps records of a cluster that has changed.
const ttl = 60 // seconds

// Zone gives the records as a zone file (RFC 1035, section 5). Its name server
// is the stack's own where there is one; others put theirs in.
func Zone(c *cluster.Cluster) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "$ORIGIN %s.\n$TTL %d\n", c.DNS.Domain, ttl)
	server := cluster.DNSServerName
	if len(c.DNS.Addresses) == 0 {
		server = "localhost."
	}
	if len(c.DNS.Addresses) == 0 && c.DNS.Server == nil {
		b.WriteString("; put your own name server in the place of localhost\n")
	}
	fmt.Fprintf(&b, "@ IN SOA %[1]s hostmaster 1 3600 600 86400 %[2]d\n@ IN NS %[1]s\n", server, ttl)
	for _, a := range c.DNS.Addresses {
		fmt.Fprintf(&b, "%s IN %s %s\n", cluster.DNSServerName, cluster.AddressType(a), a)
	}
	for _, r := range c.Records() {
		fmt.Fprintf(&b, "%s IN %s %s\n", r.Name, r.Type, Value(r))
	}
	return []byte(b.String())
}

// Value gives what a record says, as in a zone file.
func Value(r cluster.Record) string {
	if r.Type == "SRV" {
		return fmt.Sprintf("0 100 %d %s", r.Port, r.Target)
	}
	return r.Address.String()
}

// Record is a record of a cluster as people and scripts read it.
type Record struct {
	Name  string `json:"name"`
	Type  string `json:"type"`
	Value string `json:"value"`
}

// Records gives those of a cluster; none where it does without.
func Records(c *cluster.Cluster) []Record {
	var list []Record
	for _, r := range c.Records() {
		list = append(list, Record{r.Name, r.Type, Value(r)})
	}
	return list
}

// Corefile gives CoreDNS's configuration for serving the zone from dir.
func Corefile(c *cluster.Cluster, dir string) []byte {
	return fmt.Appendf(nil, `%s {
    file %s/%s
    errors
}
`, c.DNS.Domain, dir, ZoneName)
}

// Dnsmasq gives the records as lines of dnsmasq's configuration. A host record
// brings the reverse record along.
func Dnsmasq(c *cluster.Cluster) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "local=/%s/\n", c.DNS.Domain)
	for _, r := range c.Records() {
		if r.Type == "SRV" {
			fmt.Fprintf(&b, "srv-host=%s,%s,%d,0,100\n", bare(r.Name), bare(r.Target), r.Port)
		}
	}
	for _, m := range c.Members {
		fmt.Fprintf(&b, "host-record=%s", m.Place.Host)
		for _, a := range m.Place.Addresses {
			fmt.Fprintf(&b, ",%s", a)
		}
		fmt.Fprintf(&b, ",%d\n", ttl)
	}
	return []byte(b.String())
}

func bare(name string) string { return strings.TrimSuffix(name, ".") }
