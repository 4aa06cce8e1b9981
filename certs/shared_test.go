package certs_test

import (
	"errors"
	"os"
	"path/filepath"
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

// What Ensure refuses is known before, and finding it out makes nothing.
func TestWhatWouldBeRefusedIsToldWithoutMakingAnything(t *testing.T) {
	dir := t.TempDir()
	pki := &certs.PKI{Dir: dir}
	plan := func(name string) certs.Plan {
		return certs.Plan{Cluster: name, Own: true, Members: []certs.Member{{Name: "etcd1", Hosts: []string{"127.0.0.1"}}}}
	}
	if err := pki.Check(t.Context(), plan("orders")); err != nil {
		t.Fatal(err)
	}
	if made, err := os.ReadDir(dir); err != nil || len(made) > 0 {
		t.Fatalf("%v was made (%v)", made, err)
	}
	if _, err := pki.Ensure(t.Context(), plan("orders")); err != nil {
		t.Fatal(err)
	}
	if err := pki.Check(t.Context(), plan("orders")); err != nil {
		t.Error(err)
	}
	if err := pki.Check(t.Context(), plan("billing")); !errors.As(err, new(*certs.SharedError)) {
		t.Errorf("%v, want a *SharedError", err)
	}
	if err := os.Remove(filepath.Join(dir, "ca", "client", certs.KeyFile)); err != nil {
		t.Fatal(err)
	}
	more := plan("orders")
	more.Clients = []certs.ClientIdentity{{Name: "app"}}
	_, want := pki.Ensure(t.Context(), more)
	if got := pki.Check(t.Context(), more); want == nil || got == nil || got.Error() != want.Error() {
		t.Errorf("Check: %v, Ensure: %v", got, want)
	}
}
