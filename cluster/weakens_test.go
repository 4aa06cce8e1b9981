package cluster_test

import (
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
)

func TestWeakensKnowsTheWorseOfTwoValues(t *testing.T) {
	for _, c := range []struct{ name, better, worse string }{
		{"quota-backend-bytes", "8589934592", "2147483648"},
		{"quota-backend-bytes", "8589934592", ""}, // etcd's default is 2 GiB
		{"quota-backend-bytes", "0", "16777216"},
		{"unsafe-no-fsync", "", "true"},
		{"client-cert-auth", "true", ""},
		{"peer-client-cert-auth", "true", "false"},
		{"trusted-ca-file", "/etc/etcd/certs/client/ca.crt", ""},
		{"published", "", "127.0.0.1:2379->2379"},
		{"published", "127.0.0.1:2379->2379", "10.0.0.1:2379->2379"},
		{"published", "127.0.0.1:2379->2379", "0.0.0.0:2379->2379"},
		{"published", "127.0.0.1:2379->2379", ":2379->2379"}, // as engines write every address
		{"published", "::1:2379->2379", "fd00::1:2379->2379"},
		{"published", "10.0.0.1:2379->2379", "203.0.113.1:2379->2379"},
		{"published", "203.0.113.1:2379->2379", ":::2379->2379"},
		{"published", "10.0.0.1:2379->2379, 10.0.0.1:2380->2380", "0.0.0.0:2380->2380, 10.0.0.1:2379->2379"},
		{"published", "127.0.0.1:2379->2379", "2379->2379 on every node"},
		{"data", "volume", "memory"},
		{"profile", "production", "dev"},
	} {
		if !cluster.Weakens(c.name, c.better, c.worse) {
			t.Errorf("%s: %q → %q is not taken for weaker", c.name, c.better, c.worse)
		}
		if cluster.Weakens(c.name, c.worse, c.better) {
			t.Errorf("%s: %q → %q is taken for weaker", c.name, c.worse, c.better)
		}
	}
	for _, c := range []struct{ name, was, is string }{
		{"log-level", "warn", "info"},
		{"published", "127.0.0.1:2379->2379", "127.0.0.1:3379->2379"},
		{"published", "", ""},
	} {
		if cluster.Weakens(c.name, c.was, c.is) {
			t.Errorf("%s: %q → %q is taken for weaker", c.name, c.was, c.is)
		}
	}
}
