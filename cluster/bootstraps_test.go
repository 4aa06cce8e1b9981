package cluster_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
)

// combinations calls f for every way, TLS mode and etcd minor.
func combinations(f func(w cluster.Way, tls cluster.TLSMode, minor int)) {
	for _, w := range cluster.Ways() {
		for _, tls := range cluster.TLSModes() {
			for minor := cluster.OldestMinor; minor <= cluster.NewestMinor; minor++ {
				f(w, tls, minor)
			}
		}
	}
}

// specOf asks for one combination.
func specOf(w cluster.Way, tls cluster.TLSMode, minor int) cluster.Spec {
	s := cluster.Spec{Etcd: fmt.Sprintf("v3.%d", minor), Bootstrap: string(w.Bootstrap), TLS: string(tls)}
	const token = "3f1c0e9b7a8d4c2f9e6b5a4d3c2b1a09"
	switch w {
	case cluster.ByOwnDiscovery:
		s.DiscoveryToken = token
	case cluster.ByDiscoveryV3:
		s.DiscoveryToken, s.DiscoveryEndpoints = token, "https://discovery.example.com:2379"
	case cluster.ByDiscoveryV2:
		s.DiscoveryURL = "https://discovery.example.com/" + token
	}
	return s
}

func TestEveryCombinationWorksOrIsRefusedAsTheTableSays(t *testing.T) {
	combinations(func(w cluster.Way, tls cluster.TLSMode, minor int) {
		t.Run(fmt.Sprintf("%s, tls %s, etcd 3.%d", w.Title, tls, minor), func(t *testing.T) {
			v := cluster.Judge(w, tls, minor)
			c, err := cluster.Resolve(specOf(w, tls, minor), cluster.InContainers)
			if v.Refusal != "" {
				want := w.Key + ": " + v.Refusal
				if err == nil || err.Error() != want {
					t.Errorf("got %v, want %s", err, want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, remark := range v.Remarks {
				if !slices.ContainsFunc(c.Warnings, func(p cluster.Problem) bool { return p.Message == remark }) {
					t.Errorf("nothing says: %s", remark)
				}
			}
		})
	})
}

// A setting that the release does not know is ignored with a warning, which is
// how three members become three clusters.
func TestNoMemberIsToldWhatItsReleaseDoesNotKnow(t *testing.T) {
	combinations(func(w cluster.Way, tls cluster.TLSMode, minor int) {
		if cluster.Judge(w, tls, minor).Refusal != "" {
			return
		}
		c := resolve(t, specOf(w, tls, minor))
		members := c.Members
		if c.Discovery != nil && c.Discovery.Server != nil {
			members = append(slices.Clone(members), *c.Discovery.Server)
		}
		for _, m := range members {
			for _, s := range m.Settings {
				if !cluster.Knows(minor, s.Name) {
					t.Errorf("%s, tls %s, etcd 3.%d: %s is told --%s", w.Title, tls, minor, m.Name, s.Name)
				}
			}
		}
	})
}

// A token is what tells one new cluster from another.
func TestAStackOfItsOwnNeedsAFreshToken(t *testing.T) {
	if !(cluster.Spec{Bootstrap: "discovery"}).WantsFreshToken() {
		t.Error("a service in the stack wants no fresh token")
	}
	for _, s := range []cluster.Spec{
		{},
		{Bootstrap: "dns"},
		{Bootstrap: "discovery", DiscoveryToken: "3f1c0e9b"},
		{Bootstrap: "discovery", DiscoveryEndpoints: "https://discovery.example.com:2379"},
		{Bootstrap: "discovery", DiscoveryURL: "https://discovery.example.com/3f1c0e9b"},
	} {
		if s.WantsFreshToken() {
			t.Errorf("%+v wants a fresh token", s)
		}
	}
}
