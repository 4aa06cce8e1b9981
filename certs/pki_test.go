package certs_test

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/etcdctr/etcdctr/certs"
)

// start is when every test begins: nothing here waits for a certificate to
// expire.
var start = time.Date(2030, time.March, 1, 12, 0, 0, 0, time.UTC)

const day = 24 * time.Hour

// testPKI is a PKI with a clock that is set by hand.
type testPKI struct {
	*certs.PKI
	t   *testing.T
	now time.Time
}

func newPKI(t *testing.T) *testPKI {
	t.Helper()
	p := &testPKI{t: t, now: start}
	p.PKI = &certs.PKI{Dir: filepath.Join(t.TempDir(), "certs"), Now: func() time.Time { return p.now }}
	return p
}

// orders is the plan of most tests.
func orders() certs.Plan {
	return certs.Plan{
		Cluster: "orders",
		Members: []certs.Member{{Name: "etcd1"}, {Name: "etcd2", Hosts: []string{"10.0.0.2"}}},
		Clients: []certs.ClientIdentity{{Name: "root"}},
	}
}

func (p *testPKI) ensure(plan certs.Plan) string {
	p.t.Helper()
	return p.report(p.Ensure(p.t.Context(), plan))
}

func (p *testPKI) report(r certs.Report, err error) string {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
	return r.String()
}

func (p *testPKI) want(got, want string) {
	p.t.Helper()
	if got != want {
		p.t.Errorf("got  %s\nwant %s", got, want)
	}
}

func (p *testPKI) cert(identity string) *x509.Certificate {
	p.t.Helper()
	return p.pair(identity).Leaf
}

func (p *testPKI) pair(identity string) tls.Certificate {
	p.t.Helper()
	dir := filepath.Join(p.Dir, identity)
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, certs.CertFile), filepath.Join(dir, certs.KeyFile))
	if err != nil {
		p.t.Fatal(err)
	}
	return pair
}

func (p *testPKI) read(file string) []byte {
	p.t.Helper()
	data, err := os.ReadFile(filepath.Join(p.Dir, file))
	if err != nil {
		p.t.Fatal(err)
	}
	return data
}

func (p *testPKI) write(file string, data []byte) {
	p.t.Helper()
	if err := os.WriteFile(filepath.Join(p.Dir, file), data, 0o600); err != nil {
		p.t.Fatal(err)
	}
}

func (p *testPKI) remove(file string) {
	p.t.Helper()
	if err := os.RemoveAll(filepath.Join(p.Dir, file)); err != nil {
		p.t.Fatal(err)
	}
}

// revoked lists the serial numbers on a revocation list.
func (p *testPKI) revoked(file string) []string {
	p.t.Helper()
	list, err := x509.ParseRevocationList(p.read(file))
	if err != nil {
		p.t.Fatal(err)
	}
	var serials []string
	for _, e := range list.RevokedCertificateEntries {
		serials = append(serials, e.SerialNumber.String())
	}
	slices.Sort(serials)
	return serials
}

// problems lists what Verify finds, without the remedies.
func (p *testPKI) problems(o certs.VerifyOptions) []string {
	p.t.Helper()
	findings, err := p.Verify(o)
	if err != nil {
		p.t.Fatal(err)
	}
	var list []string
	for _, f := range findings {
		if f.Remedy == "" {
			p.t.Errorf("a finding has no remedy: %+v", f)
		}
		list = append(list, string(f.Severity)+": "+f.Identity+": "+f.Problem)
	}
	return list
}

// serial is a number for a certificate that somebody else makes.
func (p *testPKI) serial() *big.Int {
	p.t.Helper()
	n, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		p.t.Fatal(err)
	}
	return n
}
