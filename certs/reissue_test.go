package certs_test

import (
	"context"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/etcdctr/etcdctr/certs"
)

const carol = "clients/carol/client"

// bringCarol has ca/client of a PKI certify a key that was made elsewhere, and puts
// both here.
func (p *testPKI) bringCarol(of *testPKI) {
	p.t.Helper()
	ca, key := of.pair("ca/client"), ecKey(p.t)
	cert := newForeign(p.t, key, &foreign{ca.Leaf, ca.PrivateKey.(crypto.Signer)}, func(c *x509.Certificate) {
		c.Subject, c.SerialNumber, c.NotAfter = pkix.Name{CommonName: "carol"}, p.serial(), start.Add(300*day)
		c.IsCA, c.ExtKeyUsage = false, []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	})
	if err := os.MkdirAll(filepath.Join(p.Dir, carol), 0o700); err != nil {
		p.t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		p.t.Fatal(err)
	}
	p.write(carol+"/tls.key", pemBlock("PRIVATE KEY", der))
	p.write(carol+"/tls.crt", certPEM(cert))
	p.write(carol+"/ca.crt", append(of.read("ca/client/tls.crt"), p.read("ca/client/tls.crt")...))
}

// An aborted authority leaves nobody behind, whoever has made the key.
func TestAbortReissuesWhateverTheOtherAuthorityHasIssued(t *testing.T) {
	p := newPKI(t)
	p.ensure(orders())
	p.bringCarol(p)
	key := p.read(carol + "/tls.key")
	p.rotate(certs.Begin)
	p.rotate(certs.Switch)
	other := p.read(carol + "/tls.crt")
	p.want(p.report(p.AbortRotation(t.Context())), "6 reissued (clients/carol, clients/root, members/etcd1/peer and 3 more: by the old authority again), "+
		"2 updated (ca/client, ca/peer: the old one issues again, and the new one is out)")
	if err := p.cert(carol).CheckSignatureFrom(p.cert("ca/client")); err != nil || string(p.read(carol+"/tls.key")) != string(key) {
		t.Errorf("the certificate is of another authority, or of another key: %v", err)
	}
	p.want(p.report(p.AbortRotation(t.Context())), "8 reused")
	p.want(p.report(p.SettleRotation(t.Context())), "6 reused, 2 updated (ca/client, ca/peer: the one that was to replace it is put away in ca/retired)")
	if got := p.problems(certs.VerifyOptions{Plan: plan(orders())}); got != nil {
		t.Errorf("findings: %q", got)
	}

	p.write(carol+"/tls.crt", other) // as an earlier release has left it
	p.wantUntrusted("clients/carol")
	p.wantFinding("error: clients/carol: was not issued by ca/client, but by CN=orders client CA,O=orders with key ")
	p.report(p.Issue(t.Context(), certs.IssueOptions{Name: "carol", Profile: certs.Client}))
	if got := p.problems(certs.VerifyOptions{Plan: plan(orders())}); got != nil || string(p.read(carol+"/tls.key")) != string(key) {
		t.Errorf("the remedy left %q, or took the key", got)
	}
}

// Names of authorities are the same in every cluster of a name.
func TestClientOfANamesakeIsNotTakenForTrusted(t *testing.T) {
	p, other := newPKI(t), newPKI(t)
	p.ensure(orders())
	other.ensure(orders())
	p.bringCarol(other)
	p.wantUntrusted("clients/carol")
	p.wantFinding("error: members/etcd1/server: does not trust clients/carol: ")
}

func (p *testPKI) wantUntrusted(names ...string) {
	p.t.Helper()
	list, err := p.List()
	if err != nil {
		p.t.Fatal(err)
	}
	for _, c := range list {
		if slices.Contains(names, c.Identity) != (c.Status == certs.Untrusted) {
			p.t.Errorf("%s is %s", c.Identity, c.Status)
		}
	}
}

func (p *testPKI) wantFinding(want string) {
	p.t.Helper()
	got := p.problems(certs.VerifyOptions{Plan: plan(orders())})
	if !slices.ContainsFunc(got, func(s string) bool { return strings.HasPrefix(s, want) }) {
		p.t.Errorf("findings %q, want %q", got, want)
	}
}

// Nobody adds an authority to what somebody else has made, and so nothing may begin
// that its owner has not been told of.
func TestReplacementWaitsForWhoHasACertificateFromElsewhere(t *testing.T) {
	f, other := newFakeMembers(t, tls.VersionTLS12), newPKI(t)
	other.ensure(certs.Plan{Cluster: "company"})
	f.bringCarol(other)
	r := f.rotation()
	r.Own = append(r.Own, "carol")
	restart, restarts := r.Restart, 0
	r.Restart = func(ctx context.Context, members []string) error {
		restarts++
		return restart(ctx, members)
	}
	untouched := func(context.Context) error { t.Error("members are stopped or started"); return nil }

	next := f.Dir + "/ca/client/next.crt"
	wantError(t, r.Run(t.Context()), "have `etcdctr certs rotate-ca --stage begin` make "+next)
	wantError(t, r.Now(t.Context(), untouched, untouched), "have `etcdctr certs rotate-ca --stage begin` make "+next)
	if c, err := f.Condition(); err != nil || c.Replacing() {
		t.Errorf("a replacement has begun: %v", err)
	}
	f.rotate(certs.Begin)
	wantError(t, r.Run(t.Context()), "does not hold "+next+", which issues next: add it to "+f.Dir+"/"+carol+"/ca.crt")
	_, err := f.RotateCA(t.Context(), certs.RotateOptions{Stage: certs.Switch})
	wantError(t, err, "does not hold "+next)
	f.wantFinding("warning: clients/carol: ca.crt was not made here, and does not hold the next authority of ca/client")
	if restarts > 0 {
		t.Error("members were restarted before that was found")
	}

	f.write(carol+"/ca.crt", append(f.read(carol+"/ca.crt"), f.read("ca/client/next.crt")...))
	if err := r.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.wantEverybodyLetIn()
}

func TestGivenAuthorityIsKnownToWhoHasACertificateFromElsewhereBeforeItComes(t *testing.T) {
	p, company, elsewhere := newPKI(t), newPKI(t), newPKI(t)
	p.ensure(orders())
	company.ensure(certs.Plan{Cluster: "company"})
	elsewhere.ensure(certs.Plan{Cluster: "elsewhere"})
	p.bringCarol(elsewhere)
	authority, err := certs.LoadAuthority(company.Dir+"/ca/client/tls.crt", company.Dir+"/ca/client/tls.key")
	if err != nil {
		t.Fatal(err)
	}
	begin := certs.RotateOptions{Stage: certs.Begin, Profiles: []certs.Profile{certs.Client}, Authority: authority}
	_, err = p.RotateCA(t.Context(), begin)
	wantError(t, err, "does not hold the given authority: add it to "+p.Dir+"/"+carol+"/ca.crt before")
	p.write(carol+"/ca.crt", append(p.read("ca/client/tls.crt"), company.read("ca/client/tls.crt")...))
	p.report(p.RotateCA(t.Context(), begin))
}
