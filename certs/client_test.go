package certs_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/etcdctr/etcdctr/certs"
)

func TestAnIdentityIsReadFromItsFolder(t *testing.T) {
	pki := &certs.PKI{Dir: t.TempDir()}
	if _, err := pki.Ensure(t.Context(), certs.Plan{Cluster: "orders", Clients: []certs.ClientIdentity{{Name: "root"}}}); err != nil {
		t.Fatal(err)
	}
	dir := certs.ClientDir(pki.Dir, "root")
	config, err := certs.TLS(dir)
	if err != nil {
		t.Fatal(err)
	}
	if name := config.Certificates[0].Leaf.Subject.CommonName; name != "root" || config.RootCAs == nil {
		t.Errorf("it shows %q", name)
	}
	if err := os.WriteFile(filepath.Join(dir, certs.CAFile), []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := certs.TLS(dir); err == nil || errors.Is(err, certs.ErrNoIdentity) {
		t.Errorf("an authority that is none gives %v", err)
	}
	if _, err := certs.TLS(t.TempDir()); !errors.Is(err, certs.ErrNoIdentity) {
		t.Errorf("an empty folder gives %v", err)
	}
}
