//go:build e2e

package e2e

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/etcdctr/etcdctr/certs"
)

// The cases of etcd's own test fixtures: what a client or a server may show,
// and what becomes of it.

func TestClientsAsEtcdJudgesThem(t *testing.T) {
	eachMinor(t, func(t *testing.T, minor int) {
		c := newTLSCluster(t, minor)
		c.certs("issue", "nobody", "--no-cn")
		c.start()
		m := c.members[0]
		ca := c.authority("ca/client")
		stranger := craftAuthority(t)
		hour := time.Hour
		clientOnly := []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
		for _, test := range []struct {
			name     string
			pair     func() *tls.Certificate
			accepted bool
		}{
			{"none at all", func() *tls.Certificate { return nil }, false},
			{"client only", func() *tls.Certificate { return c.pair("clients/root") }, true},
			{"no common name", func() *tls.Certificate { return c.pair("clients/nobody") }, true},
			{"server and client, of a member", func() *tls.Certificate { return c.pair("members/etcd2/server") }, true},
			{"server only", func() *tls.Certificate {
				return ca.craft(t, -hour, hour, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth})
			}, false},
			{"expired", func() *tls.Certificate { return ca.craft(t, -2*hour, -hour, clientOnly) }, false},
			{"not yet valid", func() *tls.Certificate { return ca.craft(t, hour, 2*hour, clientOnly) }, false},
			{"of the wrong authority", func() *tls.Certificate { return stranger.craft(t, -hour, hour, clientOnly) }, false},
			{"of the peers' authority", func() *tls.Certificate { return c.authority("ca/peer").craft(t, -hour, hour, clientOnly) }, false},
		} {
			_, err := c.askClientPort(m, test.pair())
			if accepted := err == nil; accepted != test.accepted {
				t.Errorf("%s: accepted: %v, wanted %v (%v)", test.name, accepted, test.accepted, err)
			}
		}
	})
}

func TestServersAsEtcdctlJudgesThem(t *testing.T) {
	hour := time.Hour
	both := []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	eachMinor(t, func(t *testing.T, minor int) {
		c := newTLSCluster(t, minor)
		c.start()
		ca := c.authority("ca/client")
		if err := c.etcdctl("endpoint", "health"); err != nil {
			t.Fatal(err)
		}
		for name, pair := range map[string]*tls.Certificate{
			"client only":     ca.craft(t, -hour, hour, both[1:], "127.0.0.1"),
			"expired":         ca.craft(t, -2*hour, -hour, both, "127.0.0.1"),
			"not yet valid":   ca.craft(t, hour, 2*hour, both, "127.0.0.1"),
			"another host":    ca.craft(t, -hour, hour, both, "10.0.0.1", "elsewhere"),
			"wrong authority": craftAuthority(t).craft(t, -hour, hour, both, "127.0.0.1"),
		} {
			for _, m := range c.members {
				c.replaceServer(m, pair)
			}
			if err := c.etcdctl("--command-timeout=2s", "endpoint", "health"); err == nil {
				t.Errorf("etcdctl accepts a server certificate: %s", name)
			}
		}
	})
}

func TestWildcardAndIPv6HostsAreAnsweredFor(t *testing.T) {
	eachMinor(t, func(t *testing.T, minor int) {
		c := newTLSCluster(t, minor, "--host", "*.etcd.example.com")
		c.host = "::1"
		c.start()
		c.wantServing()
		pair, roots := c.identity("clients/root")
		for _, name := range []string{"any.etcd.example.com", "::1", "localhost", "etcd1", "etcd-etcd1-1"} {
			if _, err := askVersion(c.members[0].client, httpsClient(&pair, roots, name)); err != nil {
				t.Errorf("etcd1 does not answer for %s: %v", name, err)
			}
		}
		if _, err := askVersion(c.members[0].client, httpsClient(&pair, roots, "elsewhere.example.com")); err == nil {
			t.Error("etcd1 answers for elsewhere.example.com")
		}
	})
}

// crafter makes certificates that the product refuses to make.
type crafter struct {
	cert *x509.Certificate
	key  crypto.PrivateKey
}

func (c *tlsCluster) authority(name string) crafter {
	c.t.Helper()
	dir := filepath.Join(c.pki, name)
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, certs.CertFile), filepath.Join(dir, certs.KeyFile))
	if err != nil {
		c.t.Fatal(err)
	}
	return crafter{pair.Leaf, pair.PrivateKey}
}

func craftAuthority(t *testing.T) crafter {
	t.Helper()
	pki := &certs.PKI{Dir: t.TempDir()}
	if _, err := pki.Ensure(t.Context(), certs.Plan{}); err != nil {
		t.Fatal(err)
	}
	c := &tlsCluster{t: t, pki: pki.Dir}
	return c.authority("ca/client")
}

// craft makes a certificate with a life from now+from to now+to.
func (a crafter) craft(t *testing.T, from, to time.Duration, usages []x509.ExtKeyUsage, hosts ...string) *tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		Subject:      pkix.Name{CommonName: "crafted"},
		NotBefore:    time.Now().Add(from),
		NotAfter:     time.Now().Add(to),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  usages,
	}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, h)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func (c *tlsCluster) pair(identity string) *tls.Certificate {
	c.t.Helper()
	pair, _ := c.identity(identity)
	return &pair
}

// replaceServer puts a crafted certificate in the place of a member's.
func (c *tlsCluster) replaceServer(m *tlsMember, pair *tls.Certificate) {
	c.t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		c.t.Fatal(err)
	}
	dir := filepath.Join(c.pki, "members", m.name, "server")
	writeFile(c.t, filepath.Join(dir, certs.CertFile), encodePEM("CERTIFICATE", pair.Certificate[0]))
	writeFile(c.t, filepath.Join(dir, certs.KeyFile), encodePEM("PRIVATE KEY", der))
}

func encodePEM(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// craftCRL makes a list with one certificate and dates of its own.
func craftCRL(t *testing.T, c *tlsCluster, revoked *x509.Certificate, thisUpdate, nextUpdate time.Time) []byte {
	t.Helper()
	ca := c.authority("ca/client")
	der, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
		Number:     big.NewInt(2),
		ThisUpdate: thisUpdate,
		NextUpdate: nextUpdate,
		RevokedCertificateEntries: []x509.RevocationListEntry{
			{SerialNumber: revoked.SerialNumber, RevocationTime: thisUpdate},
		},
	}, ca.cert, ca.key.(crypto.Signer))
	if err != nil {
		t.Fatal(err)
	}
	return der
}
