package cluster_test

import (
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
)

func TestConnectionsAreSecuredMutuallyUnlessSomethingElseIsSaid(t *testing.T) {
	for said, want := range map[string]cluster.TLSMode{"": cluster.Mutual, "auto": cluster.AutoTLS, "none": cluster.NoTLS} {
		if got := (cluster.Spec{TLS: said}).TLSMode(); got != want {
			t.Errorf("tls: %q is %s, want %s", said, got, want)
		}
	}
}
