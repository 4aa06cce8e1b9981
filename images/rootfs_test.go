package images

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"flag"
	"os"
	"testing"

	"golang.org/x/crypto/x509roots/fallback/bundle"
)

var update = flag.Bool("update", false, "rewrite the files that tests compare with")

// The certificates in the repository are those of the pinned module, without
// the ones whose trust has limits that a PEM file cannot tell.
func TestRootCertificatesAreThoseOfThePinnedModule(t *testing.T) {
	const file = "rootfs/etc/ssl/certs/ca-certificates.crt"
	var want bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint != nil {
			continue
		}
		cert, err := x509.ParseCertificate(root.Certificate)
		if err != nil {
			t.Fatal(err)
		}
		want.WriteString("# " + cert.Subject.String() + "\n")
		if err := pem.Encode(&want, &pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}); err != nil {
			t.Fatal(err)
		}
	}
	if *update {
		if err := os.WriteFile(file, want.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want.Bytes()) {
		t.Errorf("%s differs from golang.org/x/crypto/x509roots/fallback/bundle: run go test ./images -run Root -update", file)
	}
}

// The Dockerfile adds everything but the program from one archive, which keeps
// owners and modes through any builder and any umask.
func TestRootfsArchiveOfTheDockerfileIsWhatImagesHave(t *testing.T) {
	const file = "rootfs.tar"
	entries, err := baseEntries()
	if err != nil {
		t.Fatal(err)
	}
	var want bytes.Buffer
	if err := writeTar(&want, append(entries, multicallLinks()...)); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(file, want.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want.Bytes()) {
		t.Errorf("%s is not what images are made of: run go test ./images -run Root -update", file)
	}
}
