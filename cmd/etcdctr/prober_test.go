package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/stack"
)

func TestTheLeaderIsReadOffEtcdctl(t *testing.T) {
	for out, want := range map[string]bool{
		`[{"Endpoint":"e","Status":{"header":{"member_id":7},"leader":7}}]`:  true,
		`[{"Endpoint":"e","Status":{"header":{"member_id":7},"leader":8}}]`:  false,
		`[{"Status":{"header":{"member_id":7},"leader":7}},{"Status":null}]`: false,
		`[]`:                  false,
		`Error: context done`: false,
	} {
		if got := saysItLeads([]byte(out)); got != want {
			t.Errorf("%s: %v, want %v", out, got, want)
		}
	}
}

func TestTheFinalLineIsTheVerdict(t *testing.T) {
	for text, want := range map[string]string{
		"":                               "",
		"Error: unhealthy cluster\n":     "Error: unhealthy cluster",
		"{\"level\":\"warn\"}\nError: x": "Error: x",
	} {
		if got := finalLine(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestMembersAreAskedByTheSchemeThatTheySpeak(t *testing.T) {
	plain, secured := &access{}, &access{tls: &tls.Config{MinVersion: tls.VersionTLS12}}
	if got := plain.url("etcd1"); got != "http://etcd1:2379" {
		t.Errorf("plain text: %s", got)
	}
	if got := secured.url("fd00::1"); got != "https://[fd00::1]:2379" {
		t.Errorf("TLS: %s", got)
	}
}

// A member is dialled only on a network of this machine, when the engine is
// here too, and when it is known how.
func TestMembersAreDialledWhereThatWorks(t *testing.T) {
	here := stack.Container{Addresses: map[string]netip.Addr{"n": netip.MustParseAddr("127.0.0.5")}}
	elsewhere := stack.Container{Addresses: map[string]netip.Addr{"n": netip.MustParseAddr("fd00:dead:beef::1")}}
	for what, test := range map[string]struct {
		prober prober
		member stack.Container
		want   string
	}{
		"here":                    {prober{local: true, access: &access{}}, here, "127.0.0.5:2379"},
		"on a network elsewhere":  {prober{local: true, access: &access{}}, elsewhere, ""},
		"of an engine elsewhere":  {prober{access: &access{}}, here, ""},
		"without the credentials": {prober{local: true}, here, ""},
		"without an address":      {prober{local: true, access: &access{}}, stack.Container{}, ""},
	} {
		got, ok := test.prober.address(test.member)
		if got != test.want || ok != (test.want != "") {
			t.Errorf("%s: %q %v, want %q", what, got, ok, test.want)
		}
	}
}

func TestCredentialsFollowTheMode(t *testing.T) {
	var p prober
	if p.learn(cluster.NoTLS, t.TempDir()); p.access == nil || p.access.tls != nil {
		t.Errorf("plain text: %+v", p.access)
	}
	if p.learn(cluster.AutoTLS, t.TempDir()); p.access == nil || p.access.tls == nil {
		t.Errorf("auto TLS: %+v", p.access)
	}
	if p.learn(cluster.Mutual, t.TempDir()); p.access != nil {
		t.Errorf("mutual TLS without certificates: %+v", p.access)
	}
}

func TestPeersAreCountedAsLongAsAMemberLeads(t *testing.T) {
	const leader = `etcd_network_active_peers{Local="a",Remote="b"} 1
etcd_network_active_peers{Local="a",Remote="c"} 0
etcd_network_active_peers{Local="a",Remote="d"} 1
etcd_network_client_grpc_received_bytes_total 1
etcd_server_is_leader `
	for metrics, want := range map[string]int{leader + "1\n": 2, leader + "0\n": 0, "": 0} {
		if got := activePeers(strings.NewReader(metrics)); got != want {
			t.Errorf("%d peers, want %d, of\n%s", got, want, metrics)
		}
	}
}

func TestAMemberIsAskedForItsPeersWhereItIsReached(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.9:2379")
	if err != nil {
		t.Fatal(err)
	}
	etcd := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/metrics" && r.Host == "etcd1:2379" {
			fmt.Fprintln(w, "etcd_network_active_peers{} 1")
		}
	}))
	etcd.Listener.Close()
	etcd.Listener = l
	etcd.Start()
	defer etcd.Close()
	p := &prober{local: true, access: &access{}}
	c := stack.Container{Service: "etcd1", Addresses: map[string]netip.Addr{"n": netip.MustParseAddr("127.0.0.9")}}
	if got := p.Peers(t.Context(), c); got != 1 {
		t.Errorf("it has %d peers, want 1", got)
	}
	etcd.Close()
	if got := p.Peers(t.Context(), c); got != 0 {
		t.Errorf("gone, it has %d peers, want 0", got)
	}
	if err := p.ask(t.Context(), c, nil); err == nil || errors.Is(err, errOutOfReach) || errors.Is(err, context.Canceled) {
		t.Errorf("asking it: %v, want a refused connection", err)
	}
	strangers := errors.New("tls: failed to verify certificate: x509: certificate signed by unknown authority")
	if !errors.Is(foreign(strangers), errOutOfReach) || foreign(nil) != nil {
		t.Error("a member of another cluster is taken for reachable, or a reachable one is not")
	}
}
