package cluster_test

import (
	"flag"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	etcdversion "go.etcd.io/etcd/api/v3/version"
	"go.etcd.io/etcd/server/v3/embed"

	"github.com/etcdctr/etcdctr/cluster"
)

func resolve(t *testing.T, spec cluster.Spec) *cluster.Cluster {
	t.Helper()
	c, err := cluster.Resolve(spec, cluster.InContainers)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAMemberHasAllItsSettingsInReadingOrder(t *testing.T) {
	c := resolve(t, cluster.Spec{Name: "orders", Members: cluster.Count(1)})
	want := []string{
		"--name=etcd1",
		"--data-dir=/var/lib/etcd/data",
		"--listen-client-urls=https://0.0.0.0:2379",
		"--advertise-client-urls=https://etcd1:2379",
		"--listen-peer-urls=https://0.0.0.0:2380",
		"--initial-advertise-peer-urls=https://etcd1:2380",
		"--initial-cluster=etcd1=https://etcd1:2380",
		"--initial-cluster-state=new",
		"--initial-cluster-token=orders",
		"--cert-file=/etc/etcd/certs/server/tls.crt",
		"--key-file=/etc/etcd/certs/server/tls.key",
		"--client-cert-auth=true",
		"--trusted-ca-file=/etc/etcd/certs/server/ca.crt",
		"--client-crl-file=/etc/etcd/certs/server/crl.der",
		"--peer-cert-file=/etc/etcd/certs/peer/tls.crt",
		"--peer-key-file=/etc/etcd/certs/peer/tls.key",
		"--peer-client-cert-auth=true",
		"--peer-trusted-ca-file=/etc/etcd/certs/peer/ca.crt",
		"--peer-crl-file=/etc/etcd/certs/peer/crl.der",
		"--listen-metrics-urls=http://127.0.0.1:2381",
		"--heartbeat-interval=100",
		"--election-timeout=1000",
		"--quota-backend-bytes=2147483648",
		"--auto-compaction-mode=periodic",
		"--auto-compaction-retention=1h",
		"--snapshot-count=10000",
		"--log-level=info",
	}
	if diff := cmp.Diff(want, c.Members[0].Settings.Flags()); diff != "" {
		t.Error(diff)
	}
}

func TestAVariableIsTheFlagInCapitals(t *testing.T) {
	s := cluster.Setting{Name: "initial-advertise-peer-urls", Value: "x"}
	if got, want := s.Env(), "ETCD_INITIAL_ADVERTISE_PEER_URLS"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestAMembersOwnSettingsWinOverTheClusters(t *testing.T) {
	c := resolve(t, cluster.Spec{
		Members: cluster.Members{List: []cluster.MemberSpec{
			{Name: "a", Settings: map[string]string{"max-txn-ops": "256"}, Environment: map[string]string{"GOGC": "200"}},
			{Name: "b"},
			{Name: "c"},
		}},
		Settings:    map[string]string{"max-txn-ops": "512"},
		Environment: map[string]string{"GOGC": "50"},
	})
	for i, want := range []string{"256/200", "512/50", "512/50"} {
		m := c.Members[i]
		if got := m.Settings.Get("max-txn-ops") + "/" + m.Environment["GOGC"]; got != want {
			t.Errorf("%s: got %s, want %s", m.Name, got, want)
		}
	}
}

func TestHeartbeatAndElectionBringEachOtherAlong(t *testing.T) {
	for _, tt := range []struct{ heartbeat, election, wantHeartbeat, wantElection string }{
		{"", "", "100", "1000"},
		{"250ms", "", "250", "2500"},
		{"", "5s", "500", "5000"},
		{"50ms", "5s", "50", "5000"},
	} {
		c := resolve(t, cluster.Spec{HeartbeatInterval: tt.heartbeat, ElectionTimeout: tt.election})
		s := c.Members[0].Settings
		got := s.Get("heartbeat-interval") + "/" + s.Get("election-timeout")
		if want := tt.wantHeartbeat + "/" + tt.wantElection; got != want {
			t.Errorf("%q and %q: got %s, want %s", tt.heartbeat, tt.election, got, want)
		}
	}
}

func TestSizesAreBytes(t *testing.T) {
	for size, want := range map[string]string{
		"16777216": "16777216", "16777216B": "16777216", "16MiB": "16777216", "20MB": "20000000",
		"2GiB": "2147483648", "2GB": "2000000000", "1TiB": "1099511627776",
	} {
		c := resolve(t, cluster.Spec{QuotaBackendBytes: size})
		if got := c.Members[0].Settings.Get("quota-backend-bytes"); got != want {
			t.Errorf("%s: got %s, want %s", size, got, want)
		}
	}
}

func TestVersions(t *testing.T) {
	for written, want := range map[string]string{
		"v3.7.3": "v3.7.3", "3.7.0": "v3.7.0", "3.5": "v3.5.35", "v3.6": "v3.6.16", "3.6.0-rc.1": "v3.6.0-rc.1",
		"3.4": "", fmt.Sprintf("3.%d.0", cluster.NewestMinor+1): "", "v3": "", "3.7.3.1": "", "": "", "v3.7.x": "",
	} {
		v, err := cluster.ParseVersion(written)
		if want == "" {
			if err == nil {
				t.Errorf("%q: got %s, want an error", written, v)
			}
			continue
		}
		if err != nil || v.String() != want {
			t.Errorf("%q: got %s, %v, want %s", written, v, err, want)
		}
	}
}

func TestACertificateIsForEveryNameOfItsMember(t *testing.T) {
	c := resolve(t, cluster.Spec{Name: "orders"})
	want := []string{"etcd2", "orders-etcd2-1", "localhost", "127.0.0.1", "::1"}
	if diff := cmp.Diff(want, c.Members[1].Hosts()); diff != "" {
		t.Error(diff)
	}
}

func TestTheSameSpecGivesTheSameCluster(t *testing.T) {
	spec := cluster.Spec{
		Settings:    map[string]string{"max-txn-ops": "1", "pre-vote": "true", "max-wals": "3", "cors": "*"},
		Environment: map[string]string{"A": "1", "B": "2", "C": "3"},
	}
	first := resolve(t, spec)
	for range 20 {
		for i, m := range resolve(t, spec).Members {
			if diff := cmp.Diff(first.Members[i].Variables(), m.Variables()); diff != "" {
				t.Fatal(diff)
			}
		}
	}
}

// TestTheNewestCatalogueIsEtcds compares what the catalogue says of the newest
// release with the flags of the etcd that is linked in.
func TestTheNewestCatalogueIsEtcds(t *testing.T) {
	flags := flag.NewFlagSet("etcd", flag.ContinueOnError)
	embed.NewConfig().AddFlags(flags)
	flags.VisitAll(func(f *flag.Flag) {
		spec := cluster.Spec{Settings: map[string]string{f.Name: "\x00"}}
		_, err := cluster.Resolve(spec, cluster.InContainers)
		if err == nil || strings.Contains(err.Error(), "is not a setting of etcd") || strings.Contains(err.Error(), "does not know") {
			t.Errorf("etcd %s has --%s, the catalogue does not: %v", cluster.DefaultVersion, f.Name, err)
		}
	})
}

func TestTheDefaultReleaseIsTheOneLinkedIn(t *testing.T) {
	if got, want := cluster.DefaultVersion, cluster.KnownPatches[cluster.NewestMinor]; got != want {
		t.Errorf("default %s, newest known %s", got, want)
	}
	if got, want := cluster.DefaultVersion.String(), "v"+etcdversion.Version; got != want {
		t.Errorf("default %s, linked in %s", got, want)
	}
}

func TestInProcessesMembersShareLoopbackAndDifferInPortsAndFolders(t *testing.T) {
	spec := cluster.Spec{TLS: "none", Members: cluster.Members{List: []cluster.MemberSpec{{Name: "a"}, {Name: "b", ClientPort: "5000"}}}}
	c, err := cluster.Resolve(spec, cluster.InProcesses("/home", "/certs"))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"--name=b",
		"--data-dir=/home/b/data",
		"--listen-client-urls=http://127.0.0.1:5000",
		"--advertise-client-urls=http://127.0.0.1:5000",
		"--listen-peer-urls=http://127.0.0.1:5001",
		"--initial-advertise-peer-urls=http://127.0.0.1:5001",
		"--initial-cluster=a=http://127.0.0.1:2380,b=http://127.0.0.1:5001",
		"--initial-cluster-state=new",
		"--initial-cluster-token=etcd",
		"--listen-metrics-urls=http://127.0.0.1:5002",
	}
	if diff := cmp.Diff(want, c.Members[1].Settings.Flags()[:len(want)]); diff != "" {
		t.Error(diff)
	}
}

func TestInProcessesPortsThatClashAreRefused(t *testing.T) {
	spec := cluster.Spec{
		ListenMetricsURLs: "http://127.0.0.1:9999",
		Members:           cluster.Members{List: []cluster.MemberSpec{{Name: "a"}, {Name: "b", ClientPort: "2381"}}},
	}
	_, err := cluster.Resolve(spec, cluster.InProcesses("/home", "/certs"))
	want := `listen-metrics-urls: "http://127.0.0.1:9999" can't be the address of 2 members on one machine: leave it out, and each gets its own
members[1].client-port: 2381 is the port of a too: give each member its own`
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestUnderSupervisionTheServicesHavePortsThatNoMemberHas(t *testing.T) {
	place := cluster.UnderSupervision("/home", "/certs")
	members := cluster.Members{List: []cluster.MemberSpec{{Name: "a"}, {Name: "b", ClientPort: "2580"}}}
	c, err := cluster.Resolve(cluster.Spec{Bootstrap: "discovery", DiscoveryToken: "0123456789", Members: members}, place)
	if err != nil {
		t.Fatal(err)
	}
	const service = "https://127.0.0.1:2679" // 2579 to 2581 meet b's
	if got := c.Discovery.Server.ClientURL(); got != service {
		t.Errorf("discovery is at %s, want %s", got, service)
	}
	if got := c.Members[0].Settings.Get("discovery-endpoints"); got != service {
		t.Errorf("members look for it at %s, want %s", got, service)
	}
	c, err = cluster.Resolve(cluster.Spec{Bootstrap: "dns", Members: members}, place)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.DNS.Server.ClientPort; got != 2679 {
		t.Errorf("DNS is at port %d", got)
	}
	if got, want := c.Records()[1], (cluster.Record{
		Name: "_etcd-server-ssl._tcp.etcd.internal.", Type: "SRV", Target: "b.etcd.internal.", Port: 2581,
	}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestUnderSystemdAMemberListensOnItsHostOnly(t *testing.T) {
	spec := cluster.Spec{Members: cluster.Members{List: []cluster.MemberSpec{{Name: "a", Host: "192.0.2.1"}}}}
	c, err := cluster.Resolve(spec, cluster.UnderSystemd)
	if err != nil {
		t.Fatal(err)
	}
	m := c.Members[0]
	for name, want := range map[string]string{
		"listen-client-urls":  "https://192.0.2.1:2379",
		"listen-peer-urls":    "https://192.0.2.1:2380",
		"listen-metrics-urls": "http://127.0.0.1:2381",
		"data-dir":            "/var/lib/etcd/etcd-a/data",
		"cert-file":           "/etc/etcd/etcd-a/server/tls.crt",
	} {
		if got := m.Settings.Get(name); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
	if diff := cmp.Diff([]string{"a", "192.0.2.1", "localhost", "127.0.0.1", "::1"}, m.Hosts()); diff != "" {
		t.Error(diff)
	}
}
