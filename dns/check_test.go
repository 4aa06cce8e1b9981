package dns_test

import (
	"context"
	"net"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr/dns"
)

// serve answers with the records of a zone and gives its address.
func serve(t *testing.T, zone string) string {
	t.Helper()
	server, err := dns.Listen("127.0.0.1:0", []byte(zone))
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ctx) }()
	t.Cleanup(func() {
		end()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return server.Address()
}

const orders = "{name: orders, bootstrap: dns, subnet: 10.89.1.0/24}"

func TestCheckFindsNothingWrongWithTheWrittenZone(t *testing.T) {
	c := resolve(t, orders)
	findings, err := dns.Check(t.Context(), serve(t, string(dns.Zone(c))), c)
	if err != nil || len(findings) > 0 {
		t.Errorf("%v, %v", findings, err)
	}
}

func TestCheckNamesEachRecordThatWouldSplitTheCluster(t *testing.T) {
	c := resolve(t, orders)
	const server = "_etcd-server-ssl._tcp.orders.internal."
	for name, tt := range map[string]struct {
		change func(zone string) string
		want   string
	}{
		"a target without an address": {
			without("etcd2.orders.internal. IN A 10.89.1.12"), "etcd2.orders.internal. A: lacks 10.89.1.12",
		},
		"a wrong address": {
			replace("10.89.1.13", "10.89.1.99"),
			"etcd3.orders.internal. A: lacks 10.89.1.13\netcd3.orders.internal. A: has 10.89.1.99 too",
		},
		"an address of the other kind": {
			with("etcd1.orders.internal. IN AAAA fd00::1"), "etcd1.orders.internal. AAAA: has fd00::1 too",
		},
		"a member too few": {
			without(server + " IN SRV 0 100 2380 etcd1.orders.internal."), server + " SRV: lacks etcd1.orders.internal. port 2380",
		},
		"a member too many": {
			with(server + " IN SRV 0 100 2380 etcd4.orders.internal."), server + " SRV: has etcd4.orders.internal. port 2380 too",
		},
		"a wrong port": {
			replace("2380 etcd1.", "2379 etcd1."),
			server + " SRV: lacks etcd1.orders.internal. port 2380\n" + server + " SRV: has etcd1.orders.internal. port 2379 too",
		},
		"a record for the wrong scheme": {
			with("_etcd-server._tcp.orders.internal. IN SRV 0 100 2380 etcd1.orders.internal."),
			"_etcd-server._tcp.orders.internal. SRV: has etcd1.orders.internal. port 2380",
		},
		"priorities, weights and capitals do not matter": {
			replace("SRV 0 100 2380 etcd1.orders", "SRV 5 7 2380 ETCD1.orders"), "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			findings, err := dns.Check(t.Context(), serve(t, tt.change(string(dns.Zone(c)))), c)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range findings {
				got = append(got, f.Name+" "+f.Type+": "+f.Problem)
				if f.Remedy == "" {
					t.Errorf("no remedy: %+v", f)
				}
			}
			if diff := cmp.Diff(tt.want, strings.Join(got, "\n")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func without(line string) func(string) string { return replace(line+"\n", "") }

func with(line string) func(string) string {
	return func(zone string) string { return zone + line + "\n" }
}

func replace(old, by string) func(string) string {
	return func(zone string) string { return strings.Replace(zone, old, by, 1) }
}

func TestCheckSaysWhichServerDoesNotAnswer(t *testing.T) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := conn.LocalAddr().String()
	_ = conn.Close()
	_, err = dns.Check(t.Context(), address, resolve(t, orders))
	if err == nil || !strings.Contains(err.Error(), "no answer from the DNS server "+address) {
		t.Errorf("got %v", err)
	}
}
