package exposure_test

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/etcd/server/v3/etcdmain"

	"github.com/etcdctr/etcdctr/certs"
	"github.com/etcdctr/etcdctr/health/exposure"
	"github.com/etcdctr/etcdctr/internal/etcdtest"
)

func TestMain(m *testing.M) {
	if etcdtest.CalledAsEtcd() {
		etcdmain.Main(os.Args)
		return
	}
	os.Exit(m.Run())
}

func TestMutualTLSRefusesEverybodyWithoutTheRightCertificate(t *testing.T) {
	m := startMember(t, "https", mutual()...)
	want(t, m.try(t, exposure.Mutual),
		"client, a client's certificate: let in",
		"client, plain text: refused",
		"client, no certificate: refused",
		"client, a wrong authority's certificate: refused",
		"client, an expired certificate: refused",
		"client, TLS 1.1: refused",
		"peer, the member's certificate: shown",
		"peer, plain text: refused",
		"peer, no certificate: refused",
		"peer, a client's certificate: refused",
		"peer, a wrong authority's certificate: refused",
		"peer, TLS 1.1: refused",
	)
}

func TestAMemberThatAsksForNoCertificateIsASurprise(t *testing.T) {
	m := startMember(t, "https",
		"--cert-file={certs}/server/tls.crt", "--key-file={certs}/server/tls.key",
		"--peer-cert-file={certs}/peer/tls.crt", "--peer-key-file={certs}/peer/tls.key",
		"--peer-trusted-ca-file={certs}/peer/ca.crt", "--peer-client-cert-auth")
	want(t, surprises(m.try(t, exposure.Mutual)),
		"client, no certificate: let in",
		"client, a wrong authority's certificate: let in",
		"client, an expired certificate: let in",
	)
}

func TestOneAuthorityForBothOpensThePeerPortToClients(t *testing.T) {
	flags := mutual()
	for i := range flags {
		flags[i] = strings.Replace(flags[i], "peer-trusted-ca-file={certs}/peer/", "peer-trusted-ca-file={certs}/server/", 1)
	}
	m := startMember(t, "https", flags...)
	want(t, surprises(m.try(t, exposure.Mutual)), "peer, a client's certificate: let in")
}

func TestAPeerPortWithAnotherClustersCertificateIsASurprise(t *testing.T) {
	m := startMember(t, "https", mutual()...)
	m.peersFile = "clients/root/ca.crt"
	want(t, surprises(m.try(t, exposure.Mutual)), "peer, the member's certificate: refused")
}

func TestAutoTLSEncryptsAndLetsEverybodyIn(t *testing.T) {
	m := startMember(t, "https", "--auto-tls", "--peer-auto-tls")
	want(t, m.try(t, exposure.Auto),
		"client, plain text: refused",
		"client, no certificate: let in",
		"client, TLS 1.1: refused",
		"peer, plain text: refused",
		"peer, no certificate: let in",
		"peer, TLS 1.1: refused",
	)
}

func TestPlainTextIsLetInWhereItIsPromised(t *testing.T) {
	m := startMember(t, "http")
	want(t, m.try(t, exposure.None), "client, plain text: let in", "peer, plain text: let in")
}

func TestAPortThatNobodyServesKeepsNoPromise(t *testing.T) {
	m := startMember(t, "http")
	m.process.Kill()
	want(t, surprises(m.try(t, exposure.None)), ", is there to be tried: away")
}

func TestAMemberWithoutOneOfItsPortsIsNotAway(t *testing.T) {
	m := startMember(t, "http")
	m.member.ClientAddr = fmt.Sprintf("127.0.0.1:%d", etcdtest.FreePort(t))
	want(t, surprises(m.try(t, exposure.None)), "client, plain text: no answer")
}

func TestAPortThatShouldBeClosedAndIsNotIsASurprise(t *testing.T) {
	m := startMember(t, "http")
	m.member.ClosedAddr = m.member.ClientAddr
	want(t, surprises(m.try(t, exposure.None)), "metrics, any connection: let in")
}

func TestWithoutTheAuthoritysKeyTheExpiredCertificateIsNotTried(t *testing.T) {
	m := startMember(t, "https", mutual()...)
	m.withoutAuthority = true
	r := find(m.try(t, exposure.Mutual), "an expired certificate")
	if r.Seen != exposure.NotTried || !r.AsPromised() || r.Detail == "" {
		t.Errorf("got %+v, want it not tried, with the reason", r)
	}
}

func mutual() []string {
	const certs = "{certs}"
	return []string{
		"--cert-file=" + certs + "/server/tls.crt", "--key-file=" + certs + "/server/tls.key",
		"--client-cert-auth", "--trusted-ca-file=" + certs + "/server/ca.crt",
		"--peer-cert-file=" + certs + "/peer/tls.crt", "--peer-key-file=" + certs + "/peer/tls.key",
		"--peer-client-cert-auth", "--peer-trusted-ca-file=" + certs + "/peer/ca.crt",
	}
}

// member is a running one-member cluster with its PKI.
type member struct {
	dir              string
	member           exposure.Member
	process          *etcdtest.Process
	withoutAuthority bool
	peersFile        string // who is to vouch for peers
}

// startMember starts etcd with flags in which {certs} is the folder of its
// certificates.
func startMember(t *testing.T, scheme string, flags ...string) *member {
	t.Helper()
	m := &member{dir: t.TempDir(), peersFile: "members/etcd1/peer/ca.crt"}
	pki := certs.PKI{Dir: m.dir}
	_, err := pki.Ensure(t.Context(), certs.Plan{
		Members: []certs.Member{{Name: "etcd1"}}, Clients: []certs.ClientIdentity{{Name: "root"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	m.member = exposure.Member{Name: "etcd1", ClientAddr: address(t), PeerAddr: address(t)}
	client, peer := scheme+"://"+m.member.ClientAddr, scheme+"://"+m.member.PeerAddr
	for i := range flags {
		flags[i] = strings.ReplaceAll(flags[i], "{certs}", filepath.Join(m.dir, "members/etcd1"))
	}
	m.process = etcdtest.Start(t, nil, append([]string{
		"--name=etcd1", "--data-dir=data", "--unsafe-no-fsync",
		"--listen-client-urls=" + client, "--advertise-client-urls=" + client,
		"--listen-peer-urls=" + peer, "--initial-advertise-peer-urls=" + peer,
		"--initial-cluster=etcd1=" + peer,
	}, flags...)...)
	m.awaitServing(t)
	return m
}

func address(t *testing.T) string {
	t.Helper()
	return net.JoinHostPort("127.0.0.1", fmt.Sprint(etcdtest.FreePort(t)))
}

// awaitServing waits until the client port is open and served.
func (m *member) awaitServing(t *testing.T) {
	t.Helper()
	const ready = "ready to serve client requests"
	for deadline := time.Now().Add(30 * time.Second); !strings.Contains(m.process.Log(), ready); {
		if time.Now().After(deadline) {
			t.Fatalf("etcd is not ready:\n%s", m.process.Log())
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func (m *member) try(t *testing.T, mode exposure.Mode) []exposure.Result {
	t.Helper()
	c := exposure.Cluster{Mode: mode, Now: time.Now()}
	if mode == exposure.Mutual {
		issuer := m.pair(t, "ca/client")
		c.Client, c.Servers = m.pair(t, "clients/root"), m.pool(t, "clients/root/ca.crt")
		m.member.Peers = m.pool(t, m.peersFile)
		if !m.withoutAuthority {
			c.Issuer = &issuer
		}
	}
	c.Members = []exposure.Member{m.member}
	results, err := c.Try(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return results
}

func (m *member) pair(t *testing.T, identity string) tls.Certificate {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(filepath.Join(m.dir, identity, "tls.crt"), filepath.Join(m.dir, identity, "tls.key"))
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

func (m *member) pool(t *testing.T, file string) *x509.CertPool {
	t.Helper()
	pem, err := os.ReadFile(filepath.Join(m.dir, file))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	return pool
}

func surprises(results []exposure.Result) []exposure.Result {
	var found []exposure.Result
	for _, r := range results {
		if !r.AsPromised() {
			found = append(found, r)
		}
	}
	return found
}

func find(results []exposure.Result, attempt string) exposure.Result {
	for _, r := range results {
		if r.Attempt == attempt {
			return r
		}
	}
	return exposure.Result{}
}

// want compares what was tried and seen.
func want(t *testing.T, results []exposure.Result, lines ...string) {
	t.Helper()
	var got []string
	for _, r := range results {
		got = append(got, fmt.Sprintf("%s, %s: %s", r.Port, r.Attempt, r.Seen))
	}
	if diff := cmp.Diff(lines, got); diff != "" {
		t.Errorf("attempts (-want +got):\n%s", diff)
		for _, r := range results {
			t.Logf("%s, %s: %s", r.Port, r.Attempt, r.Detail)
		}
	}
}
