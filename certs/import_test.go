package certs_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr/certs"
)

// foreign is an authority as others make them.
type foreign struct {
	cert *x509.Certificate
	key  crypto.Signer
}

// newForeign makes an authority that parent vouches for, or a root without one.
func newForeign(t *testing.T, key crypto.Signer, parent *foreign, change func(*x509.Certificate)) *foreign {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "foreign"},
		NotBefore: start.Add(-day), NotAfter: start.Add(1000 * day),
		BasicConstraintsValid: true, IsCA: true,
	}
	if parent != nil {
		template.Subject.CommonName = "foreign intermediate"
	}
	if change != nil {
		change(template)
	}
	signer := &foreign{template, key}
	if parent != nil {
		signer = parent
	}
	der, err := x509.CreateCertificate(rand.Reader, template, signer.cert, key.Public(), signer.key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &foreign{cert, key}
}

func ecKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func pemBlock(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func certPEM(chain ...*foreign) []byte {
	var out []byte
	for _, f := range chain {
		out = append(out, pemBlock("CERTIFICATE", f.cert.Raw)...)
	}
	return out
}

func keyPEM(t *testing.T, key crypto.Signer) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pemBlock("PRIVATE KEY", der)
}

func load(t *testing.T, cert, key []byte) (*certs.Authority, error) {
	t.Helper()
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "ca-key.pem")
	for file, data := range map[string][]byte{certFile: cert, keyFile: key} {
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certs.LoadAuthority(certFile, keyFile)
}

func TestAuthorityOfAnyMakeIsUsed(t *testing.T) {
	ec := ecKey(t)
	sec1, err := x509.MarshalECPrivateKey(ec)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p521, err := ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	parameters := pemBlock("EC PARAMETERS", []byte{6, 8, 42, 134, 72, 206, 61, 3, 1, 7})
	for name, test := range map[string]struct {
		key crypto.Signer
		pem []byte
	}{
		"ECDSA, PKCS#8":          {ec, keyPEM(t, ec)},
		"ECDSA, SEC 1":           {ec, pemBlock("EC PRIVATE KEY", sec1)},
		"ECDSA, with parameters": {ec, append(parameters, pemBlock("EC PRIVATE KEY", sec1)...)},
		"ECDSA P-521":            {p521, keyPEM(t, p521)},
		"RSA, PKCS#1":            {rsaKey, pemBlock("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey))},
		"RSA, PKCS#8":            {rsaKey, keyPEM(t, rsaKey)},
		"Ed25519":                {edKey, keyPEM(t, edKey)},
	} {
		t.Run(name, func(t *testing.T) {
			ca := newForeign(t, test.key, nil, nil)
			authority, err := load(t, certPEM(ca), test.pem)
			if err != nil {
				t.Fatal(err)
			}
			p := newPKI(t)
			wanted := orders()
			wanted.Authority.Client = authority
			p.want(p.ensure(wanted), "7 created (ca/client: from an existing authority)")
			p.want(p.ensure(wanted), "7 reused")
			if err := p.cert("members/etcd1/server").CheckSignatureFrom(ca.cert); err != nil {
				t.Error(err)
			}
			if got, want := p.cert("clients/root").NotAfter, start.Add(365*day); !got.Equal(want) {
				t.Errorf("ends %v, wanted %v", got, want)
			}
			if err := p.handshake("members/etcd1/server", "clients/root"); err != nil {
				t.Error(err)
			}
			if got := p.problems(certs.VerifyOptions{Plan: &wanted}); got != nil {
				t.Errorf("findings: %q", got)
			}
		})
	}
}

func TestIntermediateVouchesForItsOwnAndTheRootForNobody(t *testing.T) {
	root := newForeign(t, ecKey(t), nil, nil)
	ours, theirs := newForeign(t, ecKey(t), root, nil), newForeign(t, ecKey(t), root, nil)
	authority := func(f *foreign) *certs.Authority {
		a, err := load(t, certPEM(f, root), keyPEM(t, f.key))
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	p := newPKI(t)
	wanted := orders()
	wanted.Authority.Client, wanted.Authority.Peer = authority(ours), authority(theirs)
	p.ensure(wanted)
	for _, test := range []struct {
		file string
		want []*foreign
	}{
		{"members/etcd1/server/tls.crt", []*foreign{nil, ours}},
		{"members/etcd1/server/ca.crt", []*foreign{ours}},
		{"members/etcd1/peer/ca.crt", []*foreign{theirs}},
		{"clients/root/ca.crt", []*foreign{ours, root}},
	} {
		got := p.trusted(test.file)
		if len(got) != len(test.want) {
			t.Fatalf("%s holds %d certificates, wanted %d", test.file, len(got), len(test.want))
		}
		for i, f := range test.want {
			if f != nil && got[i] != f.cert.SerialNumber.String() {
				t.Errorf("%s: certificate %d is not the one wanted", test.file, i+1)
			}
		}
	}
	if err := p.handshake("members/etcd1/server", "clients/root"); err != nil {
		t.Error(err)
	}
	if err := p.handshake("members/etcd1/peer", "clients/root"); err == nil {
		t.Error("a client of the sister authority is let in")
	}
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	roots.AddCert(root.cert)
	between.AppendCertsFromPEM(p.read("members/etcd1/server/tls.crt"))
	if _, err := p.cert("members/etcd1/server").Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, CurrentTime: start}); err != nil {
		t.Errorf("whoever trusts the root cannot verify a member: %v", err)
	}
}

func TestWhatCannotBeAnAuthorityIsRefused(t *testing.T) {
	key := ecKey(t)
	ca := newForeign(t, key, nil, nil)
	for name, test := range map[string]struct {
		cert, key []byte
		want      string
	}{
		"a server's certificate": {certPEM(newForeign(t, key, nil, func(c *x509.Certificate) { c.IsCA = false })), keyPEM(t, key), "basicConstraints lacks CA:TRUE"},
		"no signer":              {certPEM(newForeign(t, key, nil, func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCRLSign })), keyPEM(t, key), "keyUsage lacks keyCertSign"},
		"another key":            {certPEM(ca), keyPEM(t, ecKey(t)), "belongs to another private key"},
		"a broken chain":         {certPEM(ca, newForeign(t, ecKey(t), nil, nil)), keyPEM(t, key), "its certificate 1 was not signed by number 2"},
		"an encrypted key":       {certPEM(ca), pemBlock("ENCRYPTED PRIVATE KEY", []byte("x")), "is encrypted: decrypt it"},
		"no key":                 {certPEM(ca), certPEM(ca), "holds no private key"},
		"a torn key":             {certPEM(ca), pemBlock("PRIVATE KEY", []byte("x")), "cannot be read"},
		"no certificate":         {keyPEM(t, key), keyPEM(t, key), "holds no certificate"},
		"a torn certificate":     {pemBlock("CERTIFICATE", []byte("x")), keyPEM(t, key), "cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := load(t, test.cert, test.key)
			wantError(t, err, test.want)
		})
	}
	_, err := certs.LoadAuthority("missing.pem", "missing-key.pem")
	wantError(t, err, "missing.pem")
	wantError(t, err, "missing-key.pem")
}

func TestAuthorityThatIsThereIsNotReplacedByTheWay(t *testing.T) {
	p := newPKI(t)
	p.ensure(orders())
	ca := newForeign(t, ecKey(t), nil, nil)
	authority, err := load(t, certPEM(ca), keyPEM(t, ca.key))
	if err != nil {
		t.Fatal(err)
	}
	wanted := orders()
	wanted.Authority.Peer = authority
	_, err = p.Ensure(t.Context(), wanted)
	wantError(t, err, "authority ca/peer: there is another one already")

	single := newPKI(t)
	wanted = orders()
	wanted.SingleCA = true
	single.ensure(wanted)
	wanted.SingleCA, wanted.Authority.Peer = false, authority
	_, err = single.Ensure(t.Context(), wanted)
	wantError(t, err, "has a single authority already")
	if diff := cmp.Diff(1, len(single.trusted("members/etcd1/peer/ca.crt"))); diff != "" {
		t.Error(diff)
	}
}
