//go:build e2e

package e2e

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/etcdctr/etcdctr/certs"
	"github.com/etcdctr/etcdctr/cluster"
)

// Certificates, proven by the etcd that reads them.

// eachMinor runs a test for every supported minor of etcd.
func eachMinor(t *testing.T, test func(t *testing.T, minor int)) {
	t.Helper()
	for _, minor := range supportedMinors() {
		t.Run(fmt.Sprintf("3.%d", minor), func(t *testing.T) { test(t, minor) })
	}
}

func TestSmokeCertsStartACluster(t *testing.T) {
	c := newTLSCluster(t, cluster.NewestMinor)
	c.start()
	c.wantServing()
}

func TestCertsOfEveryKeyAlgorithmWorkWithEveryEtcd(t *testing.T) {
	eachMinor(t, func(t *testing.T, minor int) {
		for _, algorithm := range certs.KeyAlgorithms() {
			t.Run(string(algorithm), func(t *testing.T) {
				c := newTLSCluster(t, minor, "--key-algorithm", string(algorithm))
				c.start()
				c.wantServing()
				wantGateway(t, c)
			})
		}
	})
}

// wantGateway wants the JSON gateway to answer, for which a member dials itself
// with its server certificate.
func wantGateway(t *testing.T, c *tlsCluster) {
	t.Helper()
	pair, roots := c.identity("clients/root")
	m := c.members[0]
	response, err := httpsClient(&pair, roots, m.name).Post("https://"+m.client+"/v3/kv/range", "application/json", strings.NewReader(`{"key":"a2V5"}`))
	if err != nil {
		t.Fatalf("the gateway: %v", err)
	}
	defer response.Body.Close()
	if body, err := io.ReadAll(response.Body); err != nil || response.StatusCode != http.StatusOK {
		t.Errorf("the gateway: %s, %v\n%s", response.Status, err, body)
	}
}

func TestRenewedCertificateIsShownAtTheNextHandshake(t *testing.T) {
	eachMinor(t, func(t *testing.T, minor int) {
		c := newTLSCluster(t, minor)
		c.start()
		m := c.members[0]
		for _, args := range [][]string{{"renew", m.name}, {"renew", m.name, "--keep-key"}, {"renew"}} {
			c.certs(args...)
			wantShown(t, c, m, "server", c.askClientPort, "clients/root")
			wantShown(t, c, m, "peer", c.askPeerPort, "members/etcd2/peer")
		}
		c.wantServing()
	})
}

// wantShown wants a member to show the certificate that is in its files now.
func wantShown(t *testing.T, c *tlsCluster, m *tlsMember, profile string, ask func(*tlsMember, *tls.Certificate) (*x509.Certificate, error), as string) {
	t.Helper()
	pair, _ := c.identity(as)
	want, _ := c.identity("members/" + m.name + "/" + profile)
	got, err := ask(m, &pair)
	if err != nil {
		t.Fatalf("the %s port of %s: %v", profile, m.name, err)
	}
	if !got.Equal(want.Leaf) {
		t.Errorf("%s shows the %s certificate %X, its file holds %X", m.name, profile, got.SerialNumber, want.Leaf.SerialNumber)
	}
}

func TestRevokedIsRefusedFromTheNextConnectionOn(t *testing.T) {
	eachMinor(t, func(t *testing.T, minor int) {
		c := newTLSCluster(t, minor)
		c.certs("issue", "alice")
		c.start()
		alice, _ := c.identity("clients/alice")
		c.certs("renew", "alice") // the certificate before is revoked with the one after
		renewed, _ := c.identity("clients/alice")
		peer, _ := c.identity("members/etcd3/peer")
		for _, m := range c.members[:2] {
			wantAccepted(t, "alice", first(c.askClientPort(m, &alice)))
			wantAccepted(t, "etcd3's peer certificate", first(c.askPeerPort(m, &peer)))
		}

		c.certs("revoke", "alice", "members/etcd3/peer")
		for _, m := range c.members[:2] {
			wantRefused(t, "revoked alice", first(c.askClientPort(m, &alice)))
			wantRefused(t, "revoked alice, renewed", first(c.askClientPort(m, &renewed)))
			wantRefused(t, "etcd3's revoked peer certificate", first(c.askPeerPort(m, &peer)))
		}
		c.certs("create")
		peer, _ = c.identity("members/etcd3/peer")
		wantAccepted(t, "etcd3's new peer certificate", first(c.askPeerPort(c.members[0], &peer)))
		c.wantServing()
	})
}

// first drops what a question was answered with.
func first(_ *x509.Certificate, err error) error { return err }

func wantAccepted(t *testing.T, who string, err error) {
	t.Helper()
	if err != nil {
		t.Errorf("%s is refused: %v", who, err)
	}
}

func wantRefused(t *testing.T, who string, err error) {
	t.Helper()
	if err == nil {
		t.Errorf("%s is accepted", who)
	}
}

func TestClientCertificateDoesNotOpenThePeerPort(t *testing.T) {
	eachMinor(t, func(t *testing.T, minor int) {
		c := newTLSCluster(t, minor)
		c.start()
		m := c.members[0]
		for _, identity := range []string{"clients/root", "members/etcd2/server"} {
			pair, _ := c.identity(identity)
			wantAccepted(t, identity+" on the client port", first(c.askClientPort(m, &pair)))
			wantRefused(t, identity+" on the peer port", first(c.askPeerPort(m, &pair)))
		}
		pair, _ := c.identity("members/etcd2/peer")
		wantAccepted(t, "a peer on the peer port", first(c.askPeerPort(m, &pair)))
		wantRefused(t, "a peer on the client port", first(c.askClientPort(m, &pair)))
	})
}

func TestAuthorityIsReplacedWhileTheClusterServes(t *testing.T) {
	eachMinor(t, func(t *testing.T, minor int) {
		c := newTLSCluster(t, minor)
		c.start()
		before, _ := c.identity("clients/root")
		c.certs("rotate-ca", "--stage", "begin")
		c.restartOneByOne()
		c.certs("rotate-ca", "--stage", "switch", "--restarted")
		c.wantServing()
		wantShown(t, c, c.members[0], "server", c.askClientPort, "clients/root")
		wantAccepted(t, "a client of the old authority, before the last stage", first(c.askClientPort(c.members[0], &before)))
		c.certs("rotate-ca", "--stage", "finish")
		c.restartOneByOne()
		c.wantServing()
		wantRefused(t, "a client of the old authority", first(c.askClientPort(c.members[0], &before)))
	})
}

// What etcd makes of a revocation list that is not as it should be. The product
// relies on the first two lines: a list whose NextUpdate has passed still
// counts, and an empty one refuses nobody.
func TestRevocationListsAsEtcdReadsThem(t *testing.T) {
	eachMinor(t, func(t *testing.T, minor int) {
		c := newTLSCluster(t, minor)
		c.certs("issue", "alice")
		c.start()
		m := c.members[0]
		path := filepath.Join(c.pki, "members", m.name, "server", certs.CRLFile)
		empty, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		root, _ := c.identity("clients/root")
		alice, _ := c.identity("clients/alice")
		outdated := craftCRL(t, c, alice.Leaf, time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour))
		for _, test := range []struct {
			list        string
			data        []byte
			root, alice bool // accepted
		}{
			{"empty", empty, true, true},
			{"with alice, its NextUpdate passed", outdated, true, false},
			{"in PEM", pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: outdated}), minor == 5, false},
			{"no list at all", []byte("nonsense"), false, false},
		} {
			writeFile(t, path, string(test.data))
			for _, who := range []struct {
				name     string
				pair     tls.Certificate
				accepted bool
			}{{"root", root, test.root}, {"alice", alice, test.alice}} {
				err := first(c.askClientPort(m, &who.pair))
				if accepted := err == nil; accepted != who.accepted {
					t.Errorf("list %s: %s accepted: %v, wanted %v (%v)", test.list, who.name, accepted, who.accepted, err)
				}
			}
		}
	})
}

func TestAuthorityOfCFSSLIsUsedThroughout(t *testing.T) {
	eachMinor(t, func(t *testing.T, minor int) {
		for _, key := range []string{`{"algo": "ecdsa", "size": 256}`, `{"algo": "rsa", "size": 2048}`} {
			t.Run(key, func(t *testing.T) {
				dir := cfsslSetup(t, key)
				c := newTLSCluster(t, minor, "--from-cfssl", dir, "--single-ca")
				c.start()
				c.wantServing()
				// Who got a certificate from cfssl before keeps it.
				theirs, err := tls.LoadX509KeyPair(filepath.Join(dir, "old.pem"), filepath.Join(dir, "old-key.pem"))
				if err != nil {
					t.Fatal(err)
				}
				wantAccepted(t, "a client of cfssl's", first(c.askClientPort(c.members[0], &theirs)))
				wantCFSSLAndOpenSSLContent(t, c, dir)
			})
		}
	})
}

// cfsslSetup makes an authority and a client with cfssl, as etcd's how-tos do.
func cfsslSetup(t *testing.T, key string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"ca-csr.json":     `{"CN": "old CA", "key": ` + key + `, "names": [{"O": "orders"}], "ca": {"expiry": "43800h"}}`,
		"ca-config.json":  `{"signing": {"default": {"expiry": "8760h", "usages": ["signing", "key encipherment", "client auth"]}}}`,
		"server-csr.json": `{"CN": "etcd", "key": ` + key + `, "hosts": ["etcd.example.com"], "names": [{"O": "orders", "C": "NL"}]}`,
		"client-csr.json": `{"CN": "old", "key": ` + key + `, "hosts": [""]}`,
	} {
		writeFile(t, filepath.Join(dir, name), text)
	}
	run(t, dir, "sh", "-euc", `
		cfssl gencert -initca ca-csr.json | cfssljson -bare ca
		cfssl gencert -ca=ca.pem -ca-key=ca-key.pem -config=ca-config.json client-csr.json | cfssljson -bare old`)
	return dir
}

func wantCFSSLAndOpenSSLContent(t *testing.T, c *tlsCluster, cfsslDir string) {
	t.Helper()
	ca := filepath.Join(cfsslDir, "ca.pem")
	for _, identity := range []string{"members/etcd1/server", "members/etcd1/peer", "clients/root"} {
		cert := filepath.Join(c.pki, identity, certs.CertFile)
		var info struct {
			Subject struct{ Organization, Country string }
		}
		if err := json.Unmarshal([]byte(run(t, "", "cfssl", "certinfo", "-cert", cert)), &info); err != nil {
			t.Errorf("cfssl certinfo: %v", err)
		}
		if info.Subject.Organization != "orders" || info.Subject.Country != "NL" {
			t.Errorf("%s: cfssl reads the subject %+v", identity, info.Subject)
		}
		run(t, "", "openssl", "verify", "-x509_strict", "-CAfile", ca, cert)
	}
	crl := filepath.Join(c.pki, "members/etcd1/server", certs.CRLFile)
	run(t, "", "openssl", "crl", "-inform", "der", "-in", crl, "-CAfile", ca, "-noout", "-verify")
}
