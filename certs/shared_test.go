package certs_test

import (
	"errors"
	"testing"

	"github.com/etcdctr/etcdctr/certs"
)

// A folder that is one cluster's own vouches for no other, unless both are meant.
func TestAuthoritiesOfOneClusterAreNotAnothersByAccident(t *testing.T) {
	pki := &certs.PKI{Dir: t.TempDir()}
	plan := func(name string, own bool) certs.Plan {
		return certs.Plan{Cluster: name, Own: own, Members: []certs.Member{{Name: "etcd1", Hosts: []string{"127.0.0.1"}}}}
	}
	for _, tt := range []struct {
		plan certs.Plan
		of   string // whose they are, where that is an error
	}{
		{plan("orders", true), ""},
		{plan("orders", true), ""},
		{plan("billing", true), "orders"},
		{plan("billing", false), ""},
		{plan("orders", true), ""},
	} {
		_, err := pki.Ensure(t.Context(), tt.plan)
		shared := (*certs.SharedError)(nil)
		switch {
		case tt.of == "" && err != nil:
			t.Errorf("%s: %v", tt.plan.Cluster, err)
		case tt.of != "" && (!errors.As(err, &shared) || shared.Of != tt.of || shared.By != tt.plan.Cluster):
			t.Errorf("%s: %v, want an error that names %s", tt.plan.Cluster, err, tt.of)
		}
	}
}
