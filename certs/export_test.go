package certs_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	jks "github.com/pavlo-v-chernykh/keystore-go/v4"
	"software.sslmate.com/src/go-pkcs12"

	"github.com/etcdctr/etcdctr/certs"
)

func TestKeystoresHoldTheIdentityAndWhomItTrusts(t *testing.T) {
	p := newPKI(t)
	p.ensure(orders())
	dir := t.TempDir()
	read := func(name string) []byte {
		t.Helper()
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	for range 2 { // the second time replaces what the first has written, with its password
		for _, format := range []certs.Format{certs.PKCS12, certs.JKS} {
			if _, err := p.Export(certs.ExportOptions{Name: "clients/root", Format: format, Dir: dir}); err != nil {
				t.Fatal(err)
			}
		}
		password := strings.TrimSpace(string(read(certs.PasswordFile)))
		key, cert, _, err := pkcs12.DecodeChain(read("keystore.p12"), password)
		if err != nil || key == nil || !cert.Equal(p.cert("clients/root")) {
			t.Errorf("keystore.p12: %v", err)
		}
		trusted, err := pkcs12.DecodeTrustStore(read("truststore.p12"), password)
		if err != nil || len(trusted) != 1 || !trusted[0].Equal(p.cert("ca/client")) {
			t.Errorf("truststore.p12: %v, %v", trusted, err)
		}
		store := jks.New()
		if err := store.Load(bytes.NewReader(read("keystore.jks")), []byte(password)); err != nil {
			t.Fatal(err)
		}
		e, err := store.GetPrivateKeyEntry("client", []byte(password))
		if err != nil || !bytes.Equal(e.CertificateChain[0].Content, p.cert("clients/root").Raw) {
			t.Errorf("keystore.jks: %v", err)
		}
		p.report(p.Renew(t.Context(), certs.RenewOptions{Names: []string{"root"}}))
	}
	for file, want := range map[string]os.FileMode{"keystore.p12": 0o600, "keystore.jks": 0o600, certs.PasswordFile: 0o600, "truststore.p12": 0o644} {
		if info, err := os.Stat(filepath.Join(dir, file)); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", file, info, err)
		}
	}
}

func TestExportReplacesNoKeyThatWasNotMadeHere(t *testing.T) {
	p, company := newPKI(t), newPKI(t)
	p.ensure(orders())
	company.ensure(orders())
	dir := t.TempDir()
	for _, o := range []certs.ExportOptions{
		{Name: "clients/root", Format: certs.PEM, Dir: dir},
		{Name: "clients/root", Format: certs.PKCS12, Dir: dir, Password: "changeit"},
		{Name: "clients/root", Format: certs.JKS, Dir: dir, Password: "changeit"},
	} {
		if _, err := company.Export(o); err != nil {
			t.Fatal(err)
		}
		_, err := p.Export(o)
		wantError(t, err, "another key, which was not made here: move it away")
	}
	_, err := p.Export(certs.ExportOptions{Name: "clients/root", Format: certs.JKS, Dir: dir, Password: "another"})
	wantError(t, err, "keystore.jks cannot be opened with this password: move it away")
	_, err = p.Export(certs.ExportOptions{Name: "clients/root", Format: certs.JKS, Dir: dir, Password: "short"})
	wantError(t, err, "password: is shorter than 6 characters")
	_, err = p.Export(certs.ExportOptions{Name: "clients/nobody", Format: certs.PEM, Dir: dir})
	wantError(t, err, `there is no identity "clients/nobody"`)
}
