package certs_test

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr/certs"
)

// sign answers a request as a company's authority does: with what was asked for,
// usages included, unless change says otherwise.
func (p *testPKI) sign(ca, file string, change func(*x509.Certificate)) []byte {
	p.t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		p.t.Fatal(err)
	}
	block, _ := pem.Decode(data)
	csr, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		p.t.Fatal(err)
	}
	if err := csr.CheckSignature(); err != nil {
		p.t.Error(err)
	}
	issuer := p.pair(ca)
	template := &x509.Certificate{
		SerialNumber: p.serial(), RawSubject: csr.RawSubject, DNSNames: csr.DNSNames, IPAddresses: csr.IPAddresses,
		NotBefore: p.now, NotAfter: p.now.Add(90 * day), ExtraExtensions: csr.Extensions,
	}
	// Names are there already; usages are what the request's extensions say.
	template.ExtraExtensions = nil
	for _, e := range csr.Extensions {
		if !strings.HasPrefix(e.Id.String(), "2.5.29.17") {
			template.ExtraExtensions = append(template.ExtraExtensions, e)
		}
	}
	if change != nil {
		change(template)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, issuer.Leaf, csr.PublicKey, issuer.PrivateKey)
	if err != nil {
		p.t.Fatal(err)
	}
	return der
}

func TestRequestsAreAnsweredAndBroughtIn(t *testing.T) {
	company, p := newPKI(t), newPKI(t)
	company.ensure(certs.Plan{Cluster: "company"})
	files, err := p.Request(t.Context(), orders())
	if err != nil {
		t.Fatal(err)
	}
	again, err := p.Request(t.Context(), orders())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(files, again); diff != "" || len(files) != 5 {
		t.Errorf("%d requests; the second time (-first +second):\n%s", len(files), diff)
	}
	o := certs.ImportOptions{Plan: orders(), Authorities: company.read("ca/client/tls.crt"), PeerAuthorities: company.read("ca/peer/tls.crt")}
	var bundle []byte // in one file, and with others between them
	for _, f := range files {
		ca := "ca/client"
		if strings.Contains(f, "/peer/") {
			ca = "ca/peer"
		}
		der := company.sign(ca, f, nil)
		if strings.Contains(f, "etcd1") {
			o.Certificates = append(o.Certificates, der)
		} else {
			bundle = append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), bundle...)
		}
	}
	o.Certificates = append(o.Certificates, append(company.read("ca/peer/tls.crt"), bundle...))

	key := p.read("requests/members/etcd1/server/tls.key")
	p.report(p.Import(t.Context(), o))
	if string(p.read("members/etcd1/server/tls.key")) != string(key) {
		t.Error("the key is not the one that the request was made with")
	}
	if _, err := os.Stat(p.Dir + "/requests/members/etcd1/server"); !os.IsNotExist(err) {
		t.Errorf("the request waits still: %v", err)
	}
	p.want(p.ensure(orders()), "5 reused")
	for _, problem := range p.problems(certs.VerifyOptions{Plan: plan(orders())}) {
		if strings.HasPrefix(problem, "error") {
			t.Error(problem)
		}
	}
	if err := p.handshake("members/etcd1/server", "clients/root"); err != nil {
		t.Error(err)
	}
}

func TestNothingIsBroughtInUnlessAllOfItWouldDo(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*x509.Certificate)
		want   string
	}{
		"a name is missing":       {func(c *x509.Certificate) { c.DNSNames = c.DNSNames[:1] }, "members/etcd2/server: does not answer to localhost"},
		"a usage is missing":      {func(c *x509.Certificate) { c.ExtraExtensions = nil }, "members/etcd2/server: lacks the key usage serverAuth"},
		"it has ended":            {func(c *x509.Certificate) { c.NotAfter = start.Add(-day); c.NotBefore = start.Add(-2 * day) }, "members/etcd2/server: expired on 2030-02-28"},
		"it has not begun":        {func(c *x509.Certificate) { c.NotBefore = start.Add(day) }, "members/etcd2/server: is not valid before"},
		"another authority's key": {nil, "members/etcd2/server: ca.crt does not vouch for tls.crt"},
	} {
		t.Run(name, func(t *testing.T) {
			company, p := newPKI(t), newPKI(t)
			company.ensure(certs.Plan{Cluster: "company"})
			files, err := p.Request(t.Context(), orders(), "members/etcd1/server", "members/etcd2/server")
			if err != nil {
				t.Fatal(err)
			}
			ca := "ca/client"
			if test.change == nil {
				ca = "ca/peer"
			}
			o := certs.ImportOptions{Plan: orders(), Authorities: company.read("ca/client/tls.crt"), Certificates: [][]byte{
				company.sign("ca/client", files[0], nil), company.sign(ca, files[1], test.change),
			}}
			_, err = p.Import(t.Context(), o)
			wantError(t, err, test.want)
			if _, err := os.Stat(p.Dir + "/members"); !os.IsNotExist(err) {
				t.Errorf("something was written: %v", err)
			}
		})
	}
}

func TestCertificateWithoutAKeyHereIsRefused(t *testing.T) {
	company, p := newPKI(t), newPKI(t)
	company.ensure(orders())
	o := certs.ImportOptions{Plan: orders(), Certificates: [][]byte{company.read("clients/root/tls.crt")}, Authorities: company.read("ca/client/tls.crt")}
	_, err := p.Import(t.Context(), o)
	wantError(t, err, "(CN=root,O=orders, issued by CN=orders client CA,O=orders): no key here belongs to it")
	o.Keys = map[string][]byte{"clients/root": company.read("clients/root/tls.key"), "clients/../x": company.read("clients/root/tls.key")}
	_, err = p.Import(t.Context(), o)
	wantError(t, err, `"clients/../x" is no identity`)
	delete(o.Keys, "clients/../x")
	p.want(p.report(p.Import(t.Context(), o)), "1 created (clients/root: issued by CN=orders client CA,O=orders)")
	_, err = p.Import(t.Context(), certs.ImportOptions{Plan: orders(), Certificates: [][]byte{[]byte("x"), company.read("ca/client/tls.crt")}})
	wantError(t, err, "file 1 holds no certificate in PEM form")
}

func TestKeyThatWasBroughtIsPutAsideByAnother(t *testing.T) {
	company, p := newPKI(t), newPKI(t)
	company.ensure(orders())
	for range 2 {
		o := certs.ImportOptions{
			Plan: orders(), Certificates: [][]byte{company.read("clients/root/tls.crt")}, Authorities: company.read("ca/client/tls.crt"),
			Keys: map[string][]byte{"clients/root": company.read("clients/root/tls.key")},
		}
		p.report(p.Import(t.Context(), o))
		company.report(company.Renew(t.Context(), certs.RenewOptions{Names: []string{"root"}}))
	}
	kept, err := os.ReadDir(p.Dir + "/retired")
	if err != nil || len(kept) != 1 {
		t.Errorf("put aside: %v, %v", kept, err)
	}
}
