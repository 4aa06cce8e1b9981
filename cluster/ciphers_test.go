package cluster_test

import (
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
)

func TestHTTP2WantsASuiteWith128Bits(t *testing.T) {
	const strong = "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"
	for _, c := range []struct {
		suites string
		lacks  bool
	}{
		{"", false},
		{strong, true},
		{strong + ",TLS_RSA_WITH_AES_128_GCM_SHA256", true},
		{strong + ",TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", false},
		{"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", false},
		{"NONE", false},
	} {
		if _, lacks := cluster.LacksHTTP2(c.suites); lacks != c.lacks {
			t.Errorf("%q: %t", c.suites, lacks)
		}
	}
}
