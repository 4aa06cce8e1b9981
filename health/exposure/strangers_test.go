package exposure

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestStrangersAreAllThatMutualTLSRefuses(t *testing.T) {
	want := []string{
		"plain text", "no certificate", "a wrong authority's certificate", "an expired certificate, on the client port",
		"TLS 1.1", "a client's certificate, on the peer port",
	}
	if diff := cmp.Diff(want, Strangers()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
