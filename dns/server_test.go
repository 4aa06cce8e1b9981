package dns_test

import (
	"errors"
	"net"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr/dns"
)

// What etcd does at its first start: the SRV records, then the targets. Nine
// members don't fit into the shortest answer by UDP.
func TestAResolverFindsEveryMemberAtTheServer(t *testing.T) {
	c := resolve(t, "{members: 9, bootstrap: dns, subnet: '10.89.1.0/24,fd00:89:1::/64'}")
	r := dns.Resolver(serve(t, string(dns.Zone(c))))
	_, targets, err := r.LookupSRV(t.Context(), "etcd-server-ssl", "tcp", c.DNS.Domain)
	if err != nil || len(targets) != 9 {
		t.Fatalf("%v, %v", targets, err)
	}
	for _, m := range c.Members {
		addresses, err := r.LookupNetIP(t.Context(), "ip", m.Place.Host)
		if err != nil || len(addresses) != 2 {
			t.Errorf("%s: %v, %v", m.Name, addresses, err)
		}
	}
}

func TestANameWithoutIPv6IsFoundByItsIPv4(t *testing.T) {
	r := dns.Resolver(serve(t, string(dns.Zone(resolve(t, orders)))))
	got, err := r.LookupHost(t.Context(), "etcd2.orders.internal")
	if diff := cmp.Diff([]string{"10.89.1.12"}, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

func TestOtherNamesDoNotExist(t *testing.T) {
	r := dns.Resolver(serve(t, string(dns.Zone(resolve(t, orders)))))
	_, err := r.LookupHost(t.Context(), "etcd4.orders.internal")
	if missing := (*net.DNSError)(nil); !errors.As(err, &missing) || !missing.IsNotFound {
		t.Errorf("got %v", err)
	}
}

func TestWhatIsNoZoneIsNotServed(t *testing.T) {
	if _, err := dns.Listen("127.0.0.1:0", []byte("etcd1 is at 127.0.0.1\n")); err == nil {
		t.Error("it is served")
	}
}
