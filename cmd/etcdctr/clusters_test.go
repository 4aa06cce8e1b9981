package main

import (
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
)

// A spec is checked before the token is read that is kept for it, or made.
func TestASpecIsCheckedWithoutItsToken(t *testing.T) {
	if err := checked(cluster.Spec{Bootstrap: "discovery"}); err != nil {
		t.Error(err)
	}
	if checked(cluster.Spec{Bootstrap: "discovery", TLS: "perhaps"}) == nil {
		t.Error("TLS can be perhaps")
	}
}
