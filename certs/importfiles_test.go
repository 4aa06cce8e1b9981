package certs_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr/certs"
)

func TestFilesToImportAreReadOrNamed(t *testing.T) {
	dir := t.TempDir()
	file := func(name string) string {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
		return filepath.Join(dir, name)
	}
	files := certs.ImportFiles{Certificates: []string{file("cert")}, Keys: map[string]string{"clients/app": file("key")}, CA: file("ca"), CRL: file("crl"), PeerCRL: file("peers")}
	got, err := files.Read()
	if err != nil {
		t.Fatal(err)
	}
	want := certs.ImportOptions{
		Certificates: [][]byte{[]byte("cert")}, Keys: map[string][]byte{"clients/app": []byte("key")},
		Authorities: []byte("ca"), PeerAuthorities: []byte("ca"), List: []byte("crl"), PeerList: []byte("peers"),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	files.CA, files.Keys["clients/app"], files.Certificates[0] = "no-ca", "no-key", "no-cert"
	_, err = files.Read()
	wantError(t, err, "ca: open no-ca")
	wantError(t, err, "key clients/app: open no-key")
	wantError(t, err, "FILE: open no-cert")
}
