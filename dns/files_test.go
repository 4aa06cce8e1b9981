package dns_test

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	mdns "github.com/miekg/dns"
	"golang.org/x/tools/txtar"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/dns"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func resolve(t *testing.T, file string) *cluster.Cluster {
	t.Helper()
	spec, err := cluster.Load("etcdctr.yaml", []byte(file))
	if err != nil {
		t.Fatal(err)
	}
	c, err := cluster.Resolve(spec, cluster.InContainers)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestGolden holds testdata/*.txtar to what is written for DNS servers.
func TestGolden(t *testing.T) {
	for _, file := range []string{"testdata/in-containers.txtar", "testdata/on-machines.txtar"} {
		golden, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		c := resolve(t, string(golden.Files[0].Data))
		got := &txtar.Archive{Comment: golden.Comment, Files: []txtar.File{
			golden.Files[0],
			{Name: dns.ZoneName, Data: dns.Zone(c)},
			{Name: dns.CorefileName, Data: dns.Corefile(c, "/etc/coredns")},
			{Name: "dnsmasq.conf", Data: dns.Dnsmasq(c)},
		}}
		if *update {
			if err := os.WriteFile(file, txtar.Format(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff(string(txtar.Format(golden)), string(txtar.Format(got))); diff != "" && !*update {
			t.Errorf("%s differs (-want +got); -update rewrites it:\n%s", file, diff)
		}
	}
}

// Every record is in the zone, and it is one: it has an authority and a name
// server, and each line is what the standard allows.
func TestTheZoneIsReadBackAsTheRecords(t *testing.T) {
	c := resolve(t, "{bootstrap: dns, subnet: '10.89.1.0/24,fd00:89:1::/64', discovery-srv-name: orders}")
	wanted := map[string]bool{}
	for _, r := range c.Records() {
		wanted[r.Name+" "+r.Type+" "+dns.Value(r)] = true
	}
	var soa, ns int
	parser := mdns.NewZoneParser(strings.NewReader(string(dns.Zone(c))), "", "zone")
	for rr, ok := parser.Next(); ok; rr, ok = parser.Next() {
		switch rr.(type) {
		case *mdns.SOA:
			soa++
		case *mdns.NS:
			ns++
		}
		fields := strings.Fields(rr.String())
		delete(wanted, fields[0]+" "+fields[3]+" "+strings.Join(fields[4:], " "))
	}
	if err := parser.Err(); err != nil {
		t.Fatal(err)
	}
	if len(wanted) > 0 || soa != 1 || ns != 1 {
		t.Errorf("%d SOA, %d NS, and missing: %v", soa, ns, wanted)
	}
}
