package certs_test

import (
	"bytes"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr/certs"
)

func TestProfilesHaveTheUsagesThatEtcdNeeds(t *testing.T) {
	server, client := x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth
	for _, key := range []certs.KeyAlgorithm{certs.ECDSAP384, certs.Ed25519, certs.RSA2048} {
		p := newPKI(t)
		wanted := orders()
		wanted.Members, wanted.Key, wanted.Authority.Key = wanted.Members[:1], key, certs.ECDSAP256
		p.ensure(wanted)
		usage := x509.KeyUsageDigitalSignature
		if key == certs.RSA2048 {
			usage |= x509.KeyUsageKeyEncipherment
		}
		for identity, want := range map[string][]x509.ExtKeyUsage{
			"members/etcd1/server": {server, client},
			"members/etcd1/peer":   {server, client},
			"clients/root":         {client},
		} {
			cert := p.cert(identity)
			if cert.IsCA || cert.KeyUsage != usage || !slices.Equal(cert.ExtKeyUsage, want) {
				t.Errorf("%s with %s: key usage %b, extended %v", identity, key, cert.KeyUsage, cert.ExtKeyUsage)
			}
		}
	}
}

func TestHostsStandWhereTheyBelong(t *testing.T) {
	p := newPKI(t)
	p.ensure(certs.Plan{
		Members:         []certs.Member{{Name: "etcd1", Hosts: []string{"ETCD1.example.com", "*.example.com", "10.0.0.1", "0:0::1", "::ffff:10.0.0.2", "etcd1"}}},
		DiscoveryDomain: "example.com",
	})
	for _, profile := range []string{"server", "peer"} {
		cert := p.cert("members/etcd1/" + profile)
		var addresses []string
		for _, ip := range cert.IPAddresses {
			addresses = append(addresses, ip.String())
		}
		if diff := cmp.Diff([]string{"etcd1", "localhost", "etcd1.example.com", "*.example.com", "example.com"}, cert.DNSNames); diff != "" {
			t.Errorf("DNS names of %s (-want +got):\n%s", profile, diff)
		}
		if diff := cmp.Diff([]string{"127.0.0.1", "::1", "10.0.0.1", "10.0.0.2"}, addresses); diff != "" {
			t.Errorf("addresses of %s (-want +got):\n%s", profile, diff)
		}
	}
}

func TestCertificateIsBackDatedAndItsSerialIsLong(t *testing.T) {
	p := newPKI(t)
	p.Random = bytes.NewReader(bytes.Repeat([]byte{0xA5}, 4096))
	p.ensure(certs.Plan{Clients: []certs.ClientIdentity{{Name: "root"}}})
	cert := p.cert("clients/root")
	if !cert.NotBefore.Equal(start.Add(-5*time.Minute)) || !cert.NotAfter.Equal(start.Add(365*day)) {
		t.Errorf("valid from %v to %v", cert.NotBefore, cert.NotAfter)
	}
	if got := cert.SerialNumber.Text(16); got != strings.Repeat("a5", 16) {
		t.Errorf("serial number %s is not the 128 bits that were drawn", got)
	}
}

// TLS itself is the judge of who trusts whom.
func TestClientCertificateIsNoPeerCertificate(t *testing.T) {
	p := newPKI(t)
	p.ensure(orders())
	for _, test := range []struct {
		server, client string
		want           bool
	}{
		{"members/etcd1/server", "clients/root", true},
		{"members/etcd1/server", "members/etcd2/server", true},
		{"members/etcd1/peer", "members/etcd2/peer", true},
		{"members/etcd1/peer", "clients/root", false},
		{"members/etcd1/server", "members/etcd2/peer", false},
	} {
		if err := p.handshake(test.server, test.client); (err == nil) != test.want {
			t.Errorf("%s with %s: %v", test.client, test.server, err)
		}
	}
}

// handshake lets one identity connect to another, each trusting its ca.crt.
func (p *testPKI) handshake(server, client string) error {
	p.t.Helper()
	pool := func(identity string) *x509.CertPool {
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(p.read(identity + "/ca.crt"))
		return roots
	}
	accepting, dialling := net.Pipe()
	defer accepting.Close()
	defer dialling.Close()
	done := make(chan error, 1)
	go func() {
		conn := tls.Server(accepting, &tls.Config{
			Certificates: []tls.Certificate{p.pair(server)},
			ClientCAs:    pool(server), ClientAuth: tls.RequireAndVerifyClientCert, Time: p.Now,
		})
		done <- conn.Handshake()
		accepting.Close()
	}()
	pair := p.pair(client)
	conn := tls.Client(dialling, &tls.Config{
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil },
		RootCAs:              pool(client), ServerName: "localhost", Time: p.Now,
	})
	err := conn.Handshake()
	dialling.Close()
	if serverErr := <-done; err == nil {
		err = serverErr
	}
	return err
}

func TestIssueMakesClientsAndServersBesideTheCluster(t *testing.T) {
	p := newPKI(t)
	p.ensure(orders())
	alice := certs.IssueOptions{Name: "alice", Profile: certs.Client, Organizations: []string{"ops", "dev"}, Lifetime: day}
	p.want(p.report(p.Issue(t.Context(), alice)), "1 created")
	p.want(p.report(p.Issue(t.Context(), alice)), "1 reused")
	if got := p.cert("clients/alice").Subject.String(); got != "CN=alice,O=dev+O=ops" {
		t.Errorf("subject %s", got)
	}
	p.want(p.report(p.Issue(t.Context(), certs.IssueOptions{Name: "nobody", Profile: certs.Client, NoCommonName: true})), "1 created")
	if got := p.cert("clients/nobody").Subject.String(); got != "O=orders" {
		t.Errorf("subject %s", got)
	}
	p.want(p.report(p.Issue(t.Context(), certs.IssueOptions{Name: "proxy", Profile: certs.Server, Hosts: []string{"db.example.com"}})), "1 created")
	if err := p.cert("servers/proxy").VerifyHostname("db.example.com"); err != nil {
		t.Error(err)
	}
	// The cluster's plan leaves them alone.
	p.want(p.ensure(orders()), "7 reused")
}

func TestEveryMistakeInIssueOptionsIsReportedAtOnce(t *testing.T) {
	err := certs.IssueOptions{Name: "a b", Profile: certs.Client, Hosts: []string{"a:1"}, CommonName: "x", NoCommonName: true, Key: "x", Lifetime: -1}.Validate()
	for _, part := range []string{"name: ", "hosts: a client has none", "common name: ", `"a:1" is neither`, "key: ", "lifetime: "} {
		wantError(t, err, part)
	}
	wantError(t, certs.IssueOptions{Name: "a", Profile: certs.Peer}.Validate(), "peers belong to members")
}

func TestRenewedCertificateSaysTheSame(t *testing.T) {
	p := newPKI(t)
	p.ensure(orders())
	p.report(p.Issue(t.Context(), certs.IssueOptions{Name: "alice", Profile: certs.Client, Organizations: []string{"ops"}, Lifetime: 10 * day}))
	before := p.cert("clients/alice")
	p.now = start.Add(9 * day)

	p.want(p.report(p.Renew(t.Context(), certs.RenewOptions{Within: 2 * day})), "5 reused, 1 renewed (clients/alice: the former expires in 24 hours)")
	after := p.cert("clients/alice")
	if after.Subject.String() != before.Subject.String() || !after.NotAfter.Equal(p.now.Add(10*day)) || cmp.Equal(after.PublicKey, before.PublicKey) {
		t.Errorf("subject %s, ends %v, same key: %v", after.Subject, after.NotAfter, cmp.Equal(after.PublicKey, before.PublicKey))
	}
	hosts := p.cert("members/etcd2/peer").IPAddresses
	p.report(p.Renew(t.Context(), certs.RenewOptions{Names: []string{"etcd2"}, KeepKey: true}))
	if got := p.cert("members/etcd2/peer"); !cmp.Equal(got.IPAddresses, hosts) || !got.NotAfter.Equal(p.now.Add(365*day)) {
		t.Errorf("addresses %v, ends %v", got.IPAddresses, got.NotAfter)
	}
}

func TestRenewKeepsKeysOrMakesThemOfAnotherKind(t *testing.T) {
	p := newPKI(t)
	p.ensure(orders())
	key := p.read("clients/root/tls.key")
	serial := p.cert("clients/root").SerialNumber
	p.report(p.Renew(t.Context(), certs.RenewOptions{Names: []string{"root"}, KeepKey: true}))
	if !bytes.Equal(p.read("clients/root/tls.key"), key) || p.cert("clients/root").SerialNumber.Cmp(serial) == 0 {
		t.Error("the key is another, or the certificate the same")
	}
	p.report(p.Renew(t.Context(), certs.RenewOptions{Names: []string{"clients/root"}, Key: certs.Ed25519}))
	if got := p.cert("clients/root").PublicKeyAlgorithm; got != x509.Ed25519 {
		t.Errorf("key algorithm %v", got)
	}
	wantError(t, certs.RenewOptions{KeepKey: true, Key: certs.Ed25519}.Validate(), "a kept key stays what it is")
}

func TestRenewWantsToKnowWhatIsMeant(t *testing.T) {
	p := newPKI(t)
	_, err := p.Renew(t.Context(), certs.RenewOptions{})
	wantError(t, err, "there is no authority here")
	p.ensure(orders())
	p.report(p.Issue(t.Context(), certs.IssueOptions{Name: "etcd1", Profile: certs.Client}))
	_, err = p.Renew(t.Context(), certs.RenewOptions{Names: []string{"etcd1", "bob"}})
	wantError(t, err, `"etcd1" may be any of clients/etcd1, members/etcd1/peer, members/etcd1/server`)
	wantError(t, err, `there is no identity "bob"`)
	p.want(p.report(p.Renew(t.Context(), certs.RenewOptions{Names: []string{"members/etcd1/"}})),
		"2 renewed (members/etcd1/peer, members/etcd1/server: the former expires in 365 days)")
}

func TestRevokeRefusesEveryCertificateOfAName(t *testing.T) {
	p := newPKI(t)
	p.ensure(orders())
	p.report(p.Issue(t.Context(), certs.IssueOptions{Name: "alice", Profile: certs.Client}))
	want := []string{p.cert("clients/alice").SerialNumber.String()}
	p.report(p.Renew(t.Context(), certs.RenewOptions{Names: []string{"alice"}}))
	want = append(want, p.cert("clients/alice").SerialNumber.String())
	slices.Sort(want)
	p.remove("clients/alice") // she took the files with her

	p.want(p.report(p.Revoke(t.Context(), certs.RevokeOptions{Names: []string{"alice"}})), "2 updated, 1 revoked (clients/alice: 2 certificates)")
	for _, file := range []string{"ca/client/crl.der", "members/etcd1/server/crl.der", "members/etcd2/server/crl.der"} {
		if diff := cmp.Diff(want, p.revoked(file)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", file, diff)
		}
	}
	if got := p.revoked("members/etcd1/peer/crl.der"); got != nil {
		t.Errorf("the peers' list holds %v", got)
	}
	p.want(p.report(p.Revoke(t.Context(), certs.RevokeOptions{Names: []string{"alice"}})), "1 reused (clients/alice: was revoked before)")
}

// elsewhere is a certificate that somebody made with the authority's key, of
// which nothing here knows.
func (p *testPKI) elsewhere(authority string, serial int64, end time.Time) *x509.Certificate {
	p.t.Helper()
	ca, key := p.pair(authority), ecKey(p.t)
	made := newForeign(p.t, key, &foreign{ca.Leaf, ca.PrivateKey.(crypto.Signer)}, func(c *x509.Certificate) {
		c.SerialNumber, c.IsCA, c.Subject.CommonName = big.NewInt(serial), false, "mallory"
		c.NotBefore, c.NotAfter = start.Add(-2*day), end
	})
	return made.cert
}

func TestRevokeRefusesACertificateThatWasIssuedElsewhere(t *testing.T) {
	p := newPKI(t)
	p.ensure(orders())
	// Its own tools number from nought.
	unknown, known := p.elsewhere("ca/client", 0, start.Add(day)), p.cert("clients/root")
	revoke := func(list ...*x509.Certificate) string {
		return p.report(p.Revoke(t.Context(), certs.RevokeOptions{Certificates: list}))
	}
	p.want(revoke(unknown), "2 updated, 1 revoked (certificates/0)")
	p.want(revoke(unknown, known), "1 reused (certificates/0: was revoked before), 2 updated, 1 revoked (clients/root)")
	want := []string{"0", known.SerialNumber.String()}
	for _, file := range []string{"ca/client/crl.der", "members/etcd2/server/crl.der"} {
		if diff := cmp.Diff(want, p.revoked(file)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", file, diff)
		}
	}
	p.want(p.ensure(orders()), "6 reused, 1 reissued (clients/root: is revoked)")

	others := newPKI(t)
	others.ensure(orders())
	_, err := p.Revoke(t.Context(), certs.RevokeOptions{Certificates: []*x509.Certificate{
		others.cert("clients/root"), p.elsewhere("ca/peer", 7, start.Add(-day)),
	}})
	wantError(t, err, "(CN=root,O=orders): was issued by another authority (CN=orders client CA,O=orders with key ")
	wantError(t, err, "certificate 7 (CN=mallory): expired on 2030-02-28, so that nobody accepts it any more")
}

func TestRevokeDuringAReplacementFindsTheOldAuthority(t *testing.T) {
	p := newPKI(t)
	p.ensure(orders())
	stray := p.elsewhere("ca/client", 99, start.Add(day))
	p.rotate(certs.Begin)
	p.rotate(certs.Switch)
	p.report(p.Revoke(t.Context(), certs.RevokeOptions{Certificates: []*x509.Certificate{stray}}))
	if got := p.revoked("members/etcd1/server/crl.der"); !slices.Equal(got, []string{"99"}) {
		t.Errorf("revoked: %q", got)
	}
}

func TestCertificateIsReadInPEMAndDER(t *testing.T) {
	p := newPKI(t)
	p.ensure(orders())
	want := p.cert("clients/root")
	both := append(p.read("clients/root/tls.crt"), p.read("ca/client/tls.crt")...)
	for name, data := range map[string][]byte{"PEM": p.read("clients/root/tls.crt"), "DER": want.Raw, "with its chain": both} {
		p.write("given", data)
		got, err := certs.LoadCertificate(filepath.Join(p.Dir, "given"))
		if err != nil || !got.Equal(want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for content, problem := range map[string]string{"nothing": "holds no certificate in PEM form", "\x30\x03abc": "holds no certificate"} {
		p.write("given", []byte(content))
		_, err := certs.LoadCertificate(filepath.Join(p.Dir, "given"))
		wantError(t, err, problem)
	}
	_, err := certs.LoadCertificates(filepath.Join(p.Dir, "given"), "missing.pem")
	wantError(t, err, "given holds no certificate")
	wantError(t, err, "missing.pem")
	p.write("given", want.Raw)
	got, err := certs.LoadCertificates(filepath.Join(p.Dir, "given"), filepath.Join(p.Dir, "clients/root/tls.crt"))
	if err != nil || len(got) != 2 || !got[0].Equal(want) || !got[1].Equal(want) {
		t.Errorf("%v, %v", got, err)
	}
}

func TestRevokedIdentityComesBackOnlyWithANewKey(t *testing.T) {
	p := newPKI(t)
	p.ensure(orders())
	p.report(p.Issue(t.Context(), certs.IssueOptions{Name: "alice", Profile: certs.Client}))
	key := p.read("clients/alice/tls.key")
	p.want(p.report(p.Revoke(t.Context(), certs.RevokeOptions{Names: []string{"alice", "members/etcd2/peer"}})),
		"3 updated, 2 revoked (clients/alice, members/etcd2/peer)")

	p.want(p.report(p.Renew(t.Context(), certs.RenewOptions{Names: []string{"clients/root"}, KeepKey: true})),
		"1 renewed (clients/root: the former expires in 365 days)")
	_, err := p.Renew(t.Context(), certs.RenewOptions{Names: []string{"alice"}})
	wantError(t, err, "clients/alice: is revoked")
	p.want(p.report(p.Renew(t.Context(), certs.RenewOptions{})),
		"2 reused (clients/alice, members/etcd2/peer: is revoked), 4 renewed (clients/root, members/etcd1/peer, members/etcd1/server and 1 more: the former expires in 365 days)")
	p.want(p.ensure(orders()), "6 reused, 1 reissued (members/etcd2/peer: is revoked)")
	p.want(p.report(p.Issue(t.Context(), certs.IssueOptions{Name: "alice", Profile: certs.Client})), "1 reissued (clients/alice: is revoked)")
	if bytes.Equal(p.read("clients/alice/tls.key"), key) {
		t.Error("the key is the revoked one")
	}
	if got := p.problems(certs.VerifyOptions{Plan: plan(orders())}); got != nil {
		t.Errorf("findings: %q", got)
	}
}

func TestRevocationListIsSignedNumberedAndLastsAsLongAsItsAuthority(t *testing.T) {
	p := newPKI(t)
	p.ensure(orders())
	p.report(p.Revoke(t.Context(), certs.RevokeOptions{Names: []string{"root"}}))
	list, err := x509.ParseRevocationList(p.read("members/etcd1/server/crl.der"))
	if err != nil {
		t.Fatal(err)
	}
	authority := p.cert("ca/client")
	if err := list.CheckSignatureFrom(authority); err != nil {
		t.Error(err)
	}
	if list.Number.Int64() != 2 || !list.NextUpdate.Equal(authority.NotAfter) {
		t.Errorf("number %v, next update %v", list.Number, list.NextUpdate)
	}
}

func TestListingTellsWhatEachCertificateIsWorth(t *testing.T) {
	p := newPKI(t)
	wanted := orders()
	wanted.Members = wanted.Members[1:]
	p.ensure(wanted)
	for name, lifetime := range map[string]time.Duration{"gone": 10 * day, "ending": 40 * day, "fine": 0, "bad": 0, "torn": 0} {
		p.report(p.Issue(t.Context(), certs.IssueOptions{Name: name, Profile: certs.Client, Lifetime: lifetime}))
	}
	p.report(p.Revoke(t.Context(), certs.RevokeOptions{Names: []string{"bad"}}))
	p.write("clients/torn/tls.crt", nil)
	p.now = start.Add(30*day + time.Hour)
	list, err := p.List()
	if err != nil {
		t.Fatal(err)
	}
	type row struct {
		Identity, Member string
		Profile          certs.Profile
		Hosts            string
		DaysLeft         int
		Status           certs.Status
	}
	var got []row
	for _, c := range list {
		got = append(got, row{c.Identity, c.Member, c.Profile, strings.Join(c.Hosts, " "), c.DaysLeft, c.Status})
	}
	hosts := "etcd2 localhost 127.0.0.1 ::1 10.0.0.2"
	want := []row{
		{"ca/client", "", certs.CA, "", 3619, certs.Valid},
		{"ca/peer", "", certs.CA, "", 3619, certs.Valid},
		{"clients/bad", "", certs.Client, "", 334, certs.IsRevoked},
		{"clients/ending", "", certs.Client, "", 9, certs.Expiring},
		{"clients/fine", "", certs.Client, "", 334, certs.Valid},
		{"clients/gone", "", certs.Client, "", -21, certs.Expired},
		{"clients/root", "", certs.Client, "", 334, certs.Valid},
		{"clients/torn", "", certs.Client, "", 0, certs.Broken},
		{"members/etcd2/peer", "etcd2", certs.Peer, hosts, 334, certs.Valid},
		{"members/etcd2/server", "etcd2", certs.Server, hosts, 334, certs.Valid},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("list (-want +got):\n%s", diff)
	}
}

func TestDueIsWhatEndsSoonForItsLifeAndCouldLiveLonger(t *testing.T) {
	for _, c := range []struct {
		due, after time.Duration
		want       int
	}{
		{30 * day, 0, 0},
		{30 * day, 61 * day, 3},
		{80 * day, 50 * day, 0}, // a third of 90 days is 30
		{10 * day, 61 * day, 0},
	} {
		p := shortLived(t)
		p.now = start.Add(c.after)
		if got := p.renewDue(c.due); got != c.want {
			t.Errorf("due in %s, after %s: %d renewed, want %d", c.due, c.after, got, c.want)
		}
	}
	p := shortLived(t)
	p.now = start.Add(61 * day)
	p.renewDue(30 * day)
	p.now = start.Add(99 * day)
	if got := p.renewDue(30 * day); got != 0 {
		t.Errorf("%d were renewed that end with their authority", got)
	}
}

// shortLived has leaves for 90 days under authorities for 100.
func shortLived(t *testing.T) *testPKI {
	t.Helper()
	p := newPKI(t)
	p.ensure(certs.Plan{
		Members: []certs.Member{{Name: "etcd1"}}, Clients: []certs.ClientIdentity{{Name: "root"}},
		Lifetime: 90 * day, Authority: certs.AuthorityPlan{Lifetime: 100 * day},
	})
	return p
}

func (p *testPKI) renewDue(due time.Duration) int {
	p.t.Helper()
	report, err := p.Renew(p.t.Context(), certs.RenewOptions{Due: due})
	if err != nil {
		p.t.Fatal(err)
	}
	return report.Count(certs.Renewed)
}
