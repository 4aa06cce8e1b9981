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
	"slices"
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

// loaded is an authority as somebody hands it over.
func loaded(t *testing.T, ca *foreign) *certs.Authority {
	t.Helper()
	authority, err := load(t, certPEM(ca), keyPEM(t, ca.key))
	if err != nil {
		t.Fatal(err)
	}
	return authority
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
	weak, weakKey := weakAuthority(t)
	belowWeak := newForeign(t, ecKey(t), weak, nil)
	last := newForeign(t, ecKey(t), nil, func(c *x509.Certificate) { c.MaxPathLenZero = true })
	below := newForeign(t, ecKey(t), last, nil)
	for name, test := range map[string]struct {
		cert, key []byte
		want      string
	}{
		"a server's certificate": {certPEM(newForeign(t, key, nil, func(c *x509.Certificate) { c.IsCA = false })), keyPEM(t, key), "basicConstraints lacks CA:TRUE"},
		"no signer":              {certPEM(newForeign(t, key, nil, func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCRLSign })), keyPEM(t, key), "keyUsage lacks keyCertSign"},
		"another key":            {certPEM(ca), keyPEM(t, ecKey(t)), "belongs to another private key"},
		"a broken chain":         {certPEM(ca, newForeign(t, ecKey(t), nil, nil)), keyPEM(t, key), "its certificate 1 was not signed by number 2"},
		"a weak key":             {certPEM(weak), weakKey, "has an RSA key of 1024 bits: 2048 are the least: use another authority"},
		"a weak root": {
			certPEM(belowWeak, weak), keyPEM(t, belowWeak.key), "certificate 2 of its chain has an RSA key of 1024 bits",
		},
		"for servers only": {
			certPEM(newForeign(t, key, nil, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} })),
			keyPEM(t, key), "may not vouch for members (extendedKeyUsage lacks clientAuth)",
		},
		"a root that allows no authority below": {
			certPEM(below, last), keyPEM(t, below.key), "its certificate 2 allows 0 authorities below it (pathlen:0)",
		},
		"an encrypted key":   {certPEM(ca), pemBlock("ENCRYPTED PRIVATE KEY", []byte("x")), "is encrypted: decrypt it"},
		"no key":             {certPEM(ca), certPEM(ca), "holds no private key"},
		"a torn key":         {certPEM(ca), pemBlock("PRIVATE KEY", []byte("x")), "cannot be read"},
		"no certificate":     {keyPEM(t, key), keyPEM(t, key), "holds no certificate"},
		"a torn certificate": {pemBlock("CERTIFICATE", []byte("x")), keyPEM(t, key), "cannot be read"},
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

// weakAuthority is one that nobody should use any more, and its key in PEM.
func weakAuthority(t *testing.T) (*foreign, []byte) {
	t.Helper()
	t.Setenv("GODEBUG", "rsa1024min=0")
	key, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	return newForeign(t, key, nil, func(c *x509.Certificate) { c.SerialNumber = big.NewInt(7) }), keyPEM(t, key)
}

func TestAuthorityOutsideItsTimeIsRefused(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*x509.Certificate)
		want   string
	}{
		"expired":       {func(c *x509.Certificate) { c.NotAfter = start }, "the given one expired on 2030-03-01 12:00 UTC: give another"},
		"not valid yet": {func(c *x509.Certificate) { c.NotBefore = start.Add(day) }, "the given one is not valid before 2030-03-02T12:00:00Z: set this machine's clock right"},
	} {
		t.Run(name, func(t *testing.T) {
			ca := newForeign(t, ecKey(t), nil, test.change)
			authority := loaded(t, ca)
			p := newPKI(t)
			wanted := orders()
			wanted.Authority.Client = authority
			_, err := p.Ensure(t.Context(), wanted)
			wantError(t, err, "authority ca/client: "+test.want)
			if left, err := os.ReadDir(p.Dir); err == nil {
				t.Errorf("left behind: %v", left)
			}
			p.ensure(orders())
			_, err = p.RotateCA(t.Context(), certs.RotateOptions{Stage: certs.Begin, Profiles: []certs.Profile{certs.Peer}, Authority: authority})
			wantError(t, err, "authority ca/peer: "+test.want)
		})
	}
}

func TestAuthorityThatIsThereStopsIssuingWhenItCannot(t *testing.T) {
	weak, key := weakAuthority(t)
	p := newPKI(t)
	p.ensure(orders())
	before := p.read("ca/peer/tls.crt")
	p.now = start.Add(-day)
	_, err := p.Renew(t.Context(), certs.RenewOptions{})
	wantError(t, err, "is not valid before 2030-03-01T11:55:00Z: set this machine's clock right")
	if got := p.problems(certs.VerifyOptions{}); !slices.Contains(got, "error: ca/peer: is not valid before 2030-03-01T11:55:00Z") {
		t.Errorf("findings: %q", got)
	}

	p.now = start
	p.write("ca/client/tls.crt", certPEM(weak))
	p.write("ca/client/tls.key", key)
	p.remove("ca/client/crl.der") // which the weak one did not sign
	_, err = p.Renew(t.Context(), certs.RenewOptions{})
	wantError(t, err, "authority ca/client: has an RSA key of 1024 bits: 2048 are the least: use another authority, or have one made, see `etcdctr certs rotate-ca`")
	p.remove("members") // which the weak one did not issue
	p.remove("clients")
	p.rotate(certs.Begin)
	p.rotate(certs.Switch)
	if got := p.cert("ca/client").PublicKeyAlgorithm; got != x509.ECDSA {
		t.Errorf("the new authority has a key for %s", got)
	}
	if string(before) == string(p.read("ca/peer/tls.crt")) {
		t.Error("the peers' authority is the old one")
	}
}

func TestAuthorityIsHeldToTheNamesThatItMayVouchFor(t *testing.T) {
	ca := newForeign(t, ecKey(t), nil, func(c *x509.Certificate) {
		c.PermittedDNSDomainsCritical, c.PermittedDNSDomains = true, []string{"example.com"}
	})
	authority := loaded(t, ca)
	p := newPKI(t)
	wanted := orders()
	wanted.Authority.Client = authority
	_, err := p.Ensure(t.Context(), wanted)
	wantError(t, err, "/server: authority ca/client may not vouch for this certificate")
	wantError(t, err, `"etcd`)
	wanted.Members = nil
	p.want(p.ensure(wanted), "3 created (ca/client: from an existing authority)")
}

func TestOneAuthorityForTwoPlacesIsRefused(t *testing.T) {
	ca := newForeign(t, ecKey(t), nil, nil)
	authority := loaded(t, ca)
	wanted := orders()
	wanted.Authority.Client, wanted.Authority.Peer = authority, authority
	wantError(t, wanted.Validate(), "peer authority: is the one for clients, so that any client certificate would open the peer port")
	wanted.Authority.Peer, wanted.SingleCA = nil, true
	if err := wanted.Validate(); err != nil {
		t.Error(err)
	}
}

func TestAuthorityThatIsThereIsNotReplacedByTheWay(t *testing.T) {
	p := newPKI(t)
	p.ensure(orders())
	ca := newForeign(t, ecKey(t), nil, nil)
	authority := loaded(t, ca)
	wanted := orders()
	wanted.Authority.Peer = authority
	_, err := p.Ensure(t.Context(), wanted)
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
