package certs_test

import (
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr/certs"
)

func TestVerifyFindsWhatIsWrong(t *testing.T) {
	for name, test := range map[string]struct {
		damage func(p *testPKI, o *certs.VerifyOptions)
		want   []string
	}{
		"nothing": {func(*testPKI, *certs.VerifyOptions) {}, nil},
		"a member is missing": {
			func(_ *testPKI, o *certs.VerifyOptions) {
				o.Plan.Members = append(o.Plan.Members, certs.Member{Name: "etcd3"})
			},
			[]string{"error: members/etcd3/server: is missing", "error: members/etcd3/peer: is missing"},
		},
		"hosts are missing": {
			func(_ *testPKI, o *certs.VerifyOptions) { o.Plan.Members[0].Hosts = []string{"10.0.0.1", "db"} },
			[]string{"error: members/etcd1/server: does not answer to 10.0.0.1, db", "error: members/etcd1/peer: does not answer to 10.0.0.1, db"},
		},
		"everything is missing": {
			func(p *testPKI, o *certs.VerifyOptions) { p.remove("."); o.Plan = nil },
			[]string{"error: ca/client: is missing", "error: ca/peer: is missing"},
		},
		"certificates end": {
			func(p *testPKI, o *certs.VerifyOptions) { p.now, o.Within = start.Add(350*day), 10*day },
			[]string{
				"warning: clients/root: expires in 15 days",
				"warning: members/etcd1/peer: expires in 15 days",
				"warning: members/etcd1/server: expires in 15 days",
			},
		},
		"certificates end within what is asked for": {
			func(p *testPKI, o *certs.VerifyOptions) {
				p.now, o.Within, o.Plan = start.Add(350*day), 20*day, nil
				p.remove("members")
			},
			[]string{"error: clients/root: expires in 15 days"},
		},
		"certificates have ended, and authorities are about to": {
			func(p *testPKI, o *certs.VerifyOptions) {
				p.now = start.Add(3640 * day)
				p.remove("members")
				o.Plan = nil
			},
			[]string{
				"warning: ca/client: expires in 10 days: what it issues ends with it",
				"warning: ca/peer: expires in 10 days: what it issues ends with it",
				"error: clients/root: expired on 2031-03-01",
			},
		},
		"an authority has ended": {
			func(p *testPKI, o *certs.VerifyOptions) {
				p.now = start.Add(3650 * day)
				p.remove("members")
				p.remove("clients")
				o.Plan = nil
			},
			[]string{
				"error: ca/client: expired on 2040-02-27 12:00 UTC, and all that it issued",
				"error: ca/peer: expired on 2040-02-27 12:00 UTC, and all that it issued",
			},
		},
		"the clock is wrong": {
			func(p *testPKI, o *certs.VerifyOptions) { p.now = start.Add(-day); p.remove("members"); o.Plan = nil },
			[]string{
				"error: ca/client: is not valid before 2030-03-01T11:55:00Z",
				"error: ca/peer: is not valid before 2030-03-01T11:55:00Z",
				"error: clients/root: is not valid before 2030-03-01T11:55:00Z",
			},
		},
		"files are lost and torn": {
			func(p *testPKI, _ *certs.VerifyOptions) {
				p.remove("members/etcd1/server/tls.key")
				p.write("members/etcd1/server/tls.crt", []byte("torn"))
				p.remove("members/etcd1/peer/crl.der")
				p.write("ca/client/issued.json", []byte(`[{"serial": "x"}]`))
			},
			[]string{
				`error: ca/client: issued.json cannot be read: "x" is no serial number in hexadecimal digits`,
				"error: members/etcd1/peer: crl.der is missing: etcd refuses every client",
				"error: members/etcd1/server: tls.crt holds no certificate in PEM form",
				"error: members/etcd1/server: tls.key is missing",
			},
		},
		"files are mixed up": {
			func(p *testPKI, _ *certs.VerifyOptions) {
				p.write("clients/root/tls.key", p.read("members/etcd1/peer/tls.key"))
				p.write("members/etcd1/server/ca.crt", p.read("ca/peer/tls.crt"))
				p.write("members/etcd1/peer/crl.der", pemBlock("X509 CRL", p.read("ca/peer/crl.der")))
			},
			[]string{
				"error: clients/root: tls.key is not the key of tls.crt: etcd does not start with them",
				"error: members/etcd1/peer: crl.der is no revocation list in DER form: etcd 3.6 and later refuse every client",
				"error: members/etcd1/server: ca.crt does not vouch for tls.crt: certificate signed by unknown authority",
				"error: members/etcd1/server: ca.crt is not what ca/client says now",
			},
		},
		"a list is old": {
			func(p *testPKI, _ *certs.VerifyOptions) {
				old := p.read("members/etcd1/server/crl.der")
				p.report(p.Revoke(p.t.Context(), certs.RevokeOptions{Names: []string{"root"}}))
				p.write("members/etcd1/server/crl.der", old)
			},
			[]string{
				"error: clients/root: was revoked on 2030-03-01",
				"error: members/etcd1/server: crl.der is not what ca/client says now: revoked certificates may be accepted",
			},
		},
		"others may read and write": {
			func(p *testPKI, _ *certs.VerifyOptions) {
				p.chmod("clients/root/tls.key", 0o640)
				p.chmod("ca/peer/tls.key", 0o604)
				p.chmod("members/etcd1/peer", 0o777)
			},
			[]string{
				"error: ca/peer: others may read tls.key (mode 0604)",
				"error: clients/root: others may read tls.key (mode 0640)",
				"error: members/etcd1/peer: others may write to the folder (mode 0777)",
			},
		},
		"a replacement is under way": {
			func(p *testPKI, _ *certs.VerifyOptions) {
				p.report(p.RotateCA(p.t.Context(), certs.RotateOptions{Stage: certs.Begin}))
				p.report(p.RotateCA(p.t.Context(), certs.RotateOptions{Stage: certs.Switch, Profiles: []certs.Profile{certs.Peer}}))
			},
			[]string{
				"warning: ca/client: is being replaced: both authorities are trusted, the old one issues",
				"warning: ca/peer: is being replaced: the new authority issues, the old one is trusted still",
			},
		},
		"one authority stands in for the other": {
			func(p *testPKI, o *certs.VerifyOptions) {
				p.remove("members")
				p.write("ca/peer/tls.crt", p.read("ca/client/tls.crt"))
				p.write("ca/peer/tls.key", p.read("ca/client/tls.key"))
				o.Plan = nil
			},
			[]string{"error: ca/peer: has the key of another authority: any client certificate opens the peer port"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPKI(t)
			wanted := orders()
			wanted.Members = wanted.Members[:1]
			p.ensure(wanted)
			options := certs.VerifyOptions{Plan: &wanted}
			test.damage(p, &options)
			if diff := cmp.Diff(test.want, p.problems(options)); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

func (p *testPKI) chmod(file string, mode os.FileMode) {
	p.t.Helper()
	if err := os.Chmod(filepath.Join(p.Dir, file), mode); err != nil {
		p.t.Fatal(err)
	}
}

// The cases of etcd's fixtures that this package does not make itself.
func TestVerifyFindsWhatOthersHaveMadeWrong(t *testing.T) {
	server, client := x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth
	for name, test := range map[string]struct {
		identity string
		change   func(*x509.Certificate)
		want     []string
	}{
		"server only, for a server": {
			"members/etcd1/server", func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{server} },
			[]string{"lacks the key usage clientAuth: etcd's JSON gateway dials the member with its server certificate"},
		},
		"client only, for a peer": {
			"members/etcd1/peer", func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{client} },
			[]string{"lacks the key usage serverAuth: a member both accepts and dials with its peer certificate"},
		},
		"server only, for a client": {
			"clients/root", func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{server} },
			[]string{"lacks the key usage clientAuth: members refuse it"},
		},
		"no hosts": {
			"members/etcd1/server", func(c *x509.Certificate) { c.DNSNames, c.IPAddresses = nil, nil },
			[]string{
				"answers to no name and no address (it has no subject alternative names): nobody can verify it",
				"does not answer to etcd1, localhost, 127.0.0.1, ::1",
			},
		},
		"wildcards only": {
			"members/etcd1/peer", func(c *x509.Certificate) { c.DNSNames, c.IPAddresses = []string{"*.example.com"}, nil },
			[]string{
				"answers to wildcards only: other members refuse it unless every address has a PTR record",
				"does not answer to etcd1, localhost, 127.0.0.1, ::1",
			},
		},
		"another name": {
			"members/etcd1/peer", func(c *x509.Certificate) { c.Subject = pkix.Name{} },
			[]string{`has common name "", wanted "etcd1"`},
		},
		"longer than its authority": {
			"clients/root", func(c *x509.Certificate) { c.NotAfter = start.Add(4000 * day) },
			[]string{"outlives its authority: nobody accepts it after 2040-02-27"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPKI(t)
			wanted := orders()
			wanted.Members = wanted.Members[:1]
			p.ensure(wanted)
			p.forge(test.identity, test.change)
			for i := range test.want {
				test.want[i] = "error: " + test.identity + ": " + test.want[i]
			}
			if diff := cmp.Diff(test.want, p.problems(certs.VerifyOptions{Plan: &wanted})); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
			if test.identity == "clients/root" && name == "longer than its authority" {
				return // renewal is the remedy, which certs renew does
			}
			p.ensure(wanted)
			if got := p.problems(certs.VerifyOptions{Plan: &wanted}); got != nil {
				t.Errorf("the remedy left: %q", got)
			}
		})
	}
}

// forge has an identity's certificate signed again with a change.
func (p *testPKI) forge(identity string, change func(*x509.Certificate)) {
	p.t.Helper()
	ca := p.pair("ca/client")
	if filepath.Base(identity) == "peer" {
		ca = p.pair("ca/peer")
	}
	pair := p.pair(identity)
	template := *pair.Leaf
	template.RawSubject = nil
	change(&template)
	der, err := x509.CreateCertificate(rand.Reader, &template, ca.Leaf, pair.Leaf.PublicKey, ca.PrivateKey)
	if err != nil {
		p.t.Fatal(err)
	}
	p.write(identity+"/tls.crt", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func TestVerifyFindsWeakKeysAndSingleAuthorities(t *testing.T) {
	weak, key := weakAuthority(t)
	p := newPKI(t)
	p.ensure(certs.Plan{SingleCA: true})
	p.write("ca/single/tls.crt", certPEM(weak))
	p.write("ca/single/tls.key", key)
	want := []string{
		"error: ca/single: has an RSA key of 1024 bits: 2048 are the least",
		"warning: ca/single: vouches for clients and peers: any client certificate opens the peer port",
	}
	if got := p.problems(certs.VerifyOptions{}); !slices.Equal(got, want) {
		t.Errorf("findings: %q", got)
	}
}

func TestOnlyErrorsAmongFindingsAreAVerdict(t *testing.T) {
	warning, wrong := certs.Finding{Severity: certs.Warning}, certs.Finding{Severity: certs.Error}
	if err := certs.Verdict([]certs.Finding{warning}); err != nil {
		t.Errorf("a warning is one: %v", err)
	}
	for want, findings := range map[string][]certs.Finding{
		"1 error was found":   {warning, wrong},
		"2 errors were found": {wrong, warning, wrong},
	} {
		if err := certs.Verdict(findings); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
