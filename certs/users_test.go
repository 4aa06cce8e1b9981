package certs_test

import (
	"crypto/x509"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr/certs"
)

// usersOf are those of an etcd that goes by its users.
func usersOf() []certs.User {
	return []certs.User{{Name: "root"}, {Name: "orders-app"}, {Name: "billing"}, {Name: "patroni", Elsewise: true}, {Name: "etcd1"}, {Name: "etcd2"}}
}

// brings has a certificate of another authority, of any common name, in an identity's place.
func (p *testPKI) brings(company *foreign, identity, commonName string, users []certs.User) (string, error) {
	p.t.Helper()
	key := ecKey(p.t)
	leaf := newForeign(p.t, key, company, func(c *x509.Certificate) {
		c.IsCA = false
		c.Subject.CommonName, c.Subject.Organization = commonName, []string{"company"}
		c.KeyUsage, c.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}
		c.DNSNames, c.NotAfter = []string{"etcd1", "localhost"}, start.Add(300*day)
	})
	report, err := p.Import(p.t.Context(), certs.ImportOptions{
		Certificates: [][]byte{certPEM(leaf)}, Keys: map[string][]byte{identity: keyPEM(p.t, key)}, Authorities: certPEM(company), PeerAuthorities: certPEM(company), Users: users,
	})
	return report.String(), err
}

// etcd finds a user in the common name of a certificate: who brings one in which it finds
// another, or nobody, is told before anything depends on it.
func TestCertificatesAreHeldToTheUsersThatEtcdFindsInThem(t *testing.T) {
	const refused = "error"
	for _, tt := range []struct {
		identity, commonName string
		want                 certs.Severity // of what is found; empty: nothing
	}{
		{"clients/orders-app", "orders-app", ""},
		{"clients/orders-app", "", refused},
		{"clients/orders-app", "orders.example.com", refused},
		{"clients/root", "", refused},
		{"clients/root", "orders-app", refused},
		{"clients/web", "orders-app", ""}, // a folder may be called anything
		{"clients/web", "", certs.Warning},
		{"clients/web", "web", certs.Warning},
		{"clients/patroni", "", ""},
		{"clients/patroni", "anything", ""},
		{"members/etcd1/server", "etcd1", ""},
		{"members/etcd1/server", "", certs.Warning},
		{"members/etcd1/server", "etcd1.example.com", certs.Warning},
		{"members/etcd1/peer", "", ""}, // peers are no clients
		{"servers/proxy", "", ""},
	} {
		t.Run(fmt.Sprintf("%s as %q", tt.identity, tt.commonName), func(t *testing.T) {
			p, company := newPKI(t), newForeign(t, ecKey(t), nil, nil)
			if _, err := p.brings(company, tt.identity, tt.commonName, nil); err != nil {
				t.Fatal(err) // as long as etcd does not go by its users all of them do
			}
			for name, found := range map[string]func() ([]certs.Finding, error){
				"Verify":      func() ([]certs.Finding, error) { return p.Verify(certs.VerifyOptions{Users: usersOf()}) },
				"VerifyUsers": func() ([]certs.Finding, error) { return p.VerifyUsers(usersOf()) },
			} {
				all, err := found()
				if got := severities(all, tt.identity); err != nil || got != string(tt.want) {
					t.Errorf("%s has found %q, want %q (%v)", name, got, tt.want, err)
				}
			}
			if found, err := p.VerifyUsers(nil); err != nil || len(found) > 0 {
				t.Errorf("without users it has found %v, %v", found, err)
			}
			if _, err := p.brings(company, tt.identity, tt.commonName, usersOf()); (err != nil) != (tt.want == refused) {
				t.Errorf("it is brought in: %v", err)
			}
		})
	}
}

// severities are those of what was found about a certificate.
func severities(all []certs.Finding, identity string) string {
	var found []string
	for _, f := range all {
		if f.Identity == identity {
			found = append(found, string(f.Severity))
		}
	}
	return strings.Join(found, ", ")
}

func TestWhatEtcdMakesOfABroughtCertificateIsTold(t *testing.T) {
	p, company := newPKI(t), newForeign(t, ecKey(t), nil, nil)
	_, err := p.brings(company, "clients/orders-app", "", usersOf())
	wantError(t, err, "clients/orders-app: tls.crt has no common name, in which etcd finds the user: whoever shows it is not orders-app, and is refused what orders-app may do")
	got, err := p.brings(company, "clients/web", "shop", usersOf())
	if err != nil {
		t.Fatal(err)
	}
	p.want(got, `1 created (clients/web: issued by CN=foreign; tls.crt has the common name "shop", which is no user's: whoever shows it is refused every key)`)
}

// What was made here without a name is made with one by the command that is named.
func TestACertificateWithoutANameIsIssuedAgainWithOne(t *testing.T) {
	p := newPKI(t)
	p.ensure(orders())
	issue := func(name string, nameless bool) {
		t.Helper()
		p.report(p.Issue(t.Context(), certs.IssueOptions{Name: name, Profile: certs.Client, NoCommonName: nameless}))
	}
	issue("orders-app", true)
	issue("probe", false) // asks for no key, and is declared nowhere
	found, err := p.VerifyUsers(usersOf())
	want := []certs.Finding{{
		Identity: "clients/orders-app", Severity: certs.Error,
		Problem: "tls.crt has no common name, in which etcd finds the user: whoever shows it is not orders-app, and is refused what orders-app may do",
		Remedy:  "run `etcdctr certs issue orders-app --cn orders-app`",
		Command: "etcdctr certs issue orders-app --cn orders-app",
	}}
	if diff := cmp.Diff(want, found); err != nil || diff != "" {
		t.Errorf("-want +got, %v:\n%s", err, diff)
	}
	p.report(p.Issue(t.Context(), certs.IssueOptions{Name: "orders-app", Profile: certs.Client, CommonName: "orders-app"}))
	if found, err := p.VerifyUsers(usersOf()); err != nil || len(found) > 0 {
		t.Errorf("found %v, %v", found, err)
	}
}
