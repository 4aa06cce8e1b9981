package cluster_test

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr/cluster"
)

func TestFixedAddressesAndTheEnginesShareASubnetWithoutMeeting(t *testing.T) {
	for _, subnet := range []string{"10.89.1.0/24", "10.89.1.64/26", "172.20.0.0/14", "fd00:89:1::/64", "fd00::/122"} {
		prefix := netip.MustParsePrefix(subnet)
		dynamic := cluster.Dynamic(prefix)
		if !prefix.Contains(dynamic.Addr()) || dynamic.Bits() != prefix.Bits()+1 {
			t.Errorf("%s: the engine gets %s", subnet, dynamic)
		}
		c := resolve(t, cluster.Spec{Bootstrap: "dns", Subnet: subnet, Members: cluster.Count(cluster.MaxMembers)})
		taken := map[netip.Addr]string{prefix.Addr(): "the subnet", prefix.Addr().Next(): "the gateway"}
		for _, m := range c.Members {
			for _, a := range m.Place.Addresses {
				if !prefix.Contains(a) || dynamic.Contains(a) || taken[a] != "" {
					t.Errorf("%s: %s of %s is not in it, not its own (%q) or in %s", subnet, a, m.Name, taken[a], dynamic)
				}
				taken[a] = m.Name
			}
		}
		if a := c.DNS.Addresses[0]; !prefix.Contains(a) || dynamic.Contains(a) || taken[a] != "" {
			t.Errorf("%s: the DNS server's %s is not in it, %q's or in %s", subnet, a, taken[a], dynamic)
		}
	}
}

func TestDefaultSubnetsDifferByNameAndAttempt(t *testing.T) {
	seen := map[netip.Prefix]bool{}
	for _, name := range []string{"etcd", "orders", "orders2"} {
		for attempt := range 3 {
			s := cluster.DefaultSubnet(name, attempt)
			if !netip.MustParsePrefix("10.224.0.0/11").Contains(s.Addr()) || s.Bits() != 24 || s != s.Masked() {
				t.Errorf("%s, attempt %d: %s", name, attempt, s)
			}
			seen[s] = true
		}
	}
	if len(seen) != 9 {
		t.Errorf("9 attempts, and only %d subnets", len(seen))
	}
}

func TestAutoTLSListensOnWhatItsCertificateCanBeVerifiedFor(t *testing.T) {
	for name, tt := range map[string]struct {
		spec                cluster.Spec
		listen, advertise   string
		wantWarningOfNobody bool
	}{
		"addresses that may change": {
			cluster.Spec{TLS: "auto"}, "https://0.0.0.0:2379", "https://etcd1:2379", true,
		},
		"fixed addresses": {
			cluster.Spec{TLS: "auto", Subnet: "10.89.1.0/24"},
			"https://10.89.1.11:2379,https://127.0.0.1:2379", "https://10.89.1.11:2379", false,
		},
		"a published port arrives elsewhere": {
			cluster.Spec{TLS: "auto", Subnet: "10.89.1.0/24", Publish: "loopback"}, "https://0.0.0.0:2379", "https://etcd1:2379", true,
		},
	} {
		c := resolve(t, tt.spec)
		s := c.Members[0].Settings
		got := []string{s.Get("listen-client-urls"), s.Get("advertise-client-urls")}
		if diff := cmp.Diff([]string{tt.listen, tt.advertise}, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if warned := len(c.Warnings) == 2; warned != tt.wantWarningOfNobody {
			t.Errorf("%s: warnings are %v", name, c.Warnings)
		}
	}
}

func TestRecordsAreCompleteForBothKindsOfConnection(t *testing.T) {
	c := resolve(t, cluster.Spec{
		Bootstrap: "dns", TLS: "none", DiscoveryDomain: "etcd.example.com", DiscoverySRVName: "orders",
		Subnet: "10.89.1.0/24,fd00:89:1::/64", Members: cluster.Count(1),
	})
	want := []cluster.Record{
		{Name: "_etcd-server-orders._tcp.etcd.example.com.", Type: "SRV", Target: "etcd1.etcd.example.com.", Port: 2380},
		{Name: "_etcd-client-orders._tcp.etcd.example.com.", Type: "SRV", Target: "etcd1.etcd.example.com.", Port: 2379},
		{Name: "etcd1.etcd.example.com.", Type: "A", Address: netip.MustParseAddr("10.89.1.11")},
		{Name: "etcd1.etcd.example.com.", Type: "AAAA", Address: netip.MustParseAddr("fd00:89:1::b")},
	}
	if diff := cmp.Diff(want, c.Records(), cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
		t.Error(diff)
	}
	other := []string{"_etcd-server-ssl-orders._tcp.etcd.example.com.", "_etcd-client-ssl-orders._tcp.etcd.example.com."}
	if diff := cmp.Diff(other, c.DNS.OtherScheme(cluster.NoTLS)); diff != "" {
		t.Error(diff)
	}
}

func TestACertificateIsForTheNamesAndAddressesOfTheRecords(t *testing.T) {
	c := resolve(t, cluster.Spec{Name: "orders", Bootstrap: "dns", Subnet: "10.89.1.0/24"})
	want := []string{"etcd2", "etcd2.orders.internal", "orders-etcd2-1", "10.89.1.12", "localhost", "127.0.0.1", "::1"}
	if diff := cmp.Diff(want, c.Members[1].Hosts()); diff != "" {
		t.Error(diff)
	}
}
