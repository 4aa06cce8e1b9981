package compose

import (
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
)

func TestEveryTLSModeHasWords(t *testing.T) {
	for _, mode := range cluster.TLSModes() {
		if tlsWords[mode] == "" {
			t.Errorf("the head of a Compose file has no words for tls: %s", mode)
		}
	}
}
