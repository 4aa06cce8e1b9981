//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/etcdctr/etcdctr/certs"
	"github.com/etcdctr/etcdctr/internal/etcdtest"
)

// tlsCluster is a three-member cluster of local processes whose certificates
// are those in pki.
type tlsCluster struct {
	t       *testing.T
	minor   int
	pki     string // the folder that `etcdctr certs` works in
	host    string // an address of this machine
	members []*tlsMember
}

type tlsMember struct {
	name         string
	client, peer string // addresses, host:port
	dir          string
	process      *exec.Cmd
	log          bytes.Buffer
}

// newTLSCluster makes certificates with `etcdctr certs create` and the given
// further arguments.
func newTLSCluster(t *testing.T, minor int, createArgs ...string) *tlsCluster {
	t.Helper()
	dir := t.TempDir()
	c := &tlsCluster{t: t, minor: minor, pki: filepath.Join(dir, "certs"), host: "127.0.0.1"}
	c.certs(append([]string{"create"}, createArgs...)...)
	for _, name := range []string{"etcd1", "etcd2", "etcd3"} {
		c.members = append(c.members, &tlsMember{name: name, dir: filepath.Join(dir, name)})
	}
	return c
}

// certs runs `etcdctr certs` on the cluster's PKI.
func (c *tlsCluster) certs(args ...string) {
	c.t.Helper()
	args = append([]string{"certs", args[0], "--certs-dir", c.pki}, args[1:]...)
	run(c.t, "", etcdctrBinary(c.t), args...)
}

// start starts all members and waits until all are healthy.
func (c *tlsCluster) start() {
	c.t.Helper()
	for _, m := range c.members {
		m.client, m.peer = etcdtest.FreeAddress(c.t, c.host), etcdtest.FreeAddress(c.t, c.host)
	}
	for _, m := range c.members {
		c.startMember(m)
	}
	c.waitHealthy()
}

func (c *tlsCluster) startMember(m *tlsMember) {
	c.t.Helper()
	var initial []string
	for _, each := range c.members {
		initial = append(initial, each.name+"=https://"+each.peer)
	}
	certs := filepath.Join(c.pki, "members", m.name)
	cmd := exec.Command(etcdBinary(c.t, c.minor, "etcd"))
	cmd.Env = append(os.Environ(),
		"ETCD_NAME="+m.name,
		"ETCD_DATA_DIR="+m.dir,
		"ETCD_LISTEN_CLIENT_URLS=https://"+m.client,
		"ETCD_ADVERTISE_CLIENT_URLS=https://"+m.client,
		"ETCD_LISTEN_PEER_URLS=https://"+m.peer,
		"ETCD_INITIAL_ADVERTISE_PEER_URLS=https://"+m.peer,
		"ETCD_INITIAL_CLUSTER="+strings.Join(initial, ","),
		"ETCD_UNSAFE_NO_FSYNC=true",
		"ETCD_CERT_FILE="+filepath.Join(certs, "server/tls.crt"),
		"ETCD_KEY_FILE="+filepath.Join(certs, "server/tls.key"),
		"ETCD_TRUSTED_CA_FILE="+filepath.Join(certs, "server/ca.crt"),
		"ETCD_CLIENT_CRL_FILE="+filepath.Join(certs, "server/crl.der"),
		"ETCD_CLIENT_CERT_AUTH=true",
		"ETCD_PEER_CERT_FILE="+filepath.Join(certs, "peer/tls.crt"),
		"ETCD_PEER_KEY_FILE="+filepath.Join(certs, "peer/tls.key"),
		"ETCD_PEER_TRUSTED_CA_FILE="+filepath.Join(certs, "peer/ca.crt"),
		"ETCD_PEER_CRL_FILE="+filepath.Join(certs, "peer/crl.der"),
		"ETCD_PEER_CLIENT_CERT_AUTH=true",
	)
	m.log.Reset()
	cmd.Stdout, cmd.Stderr = &m.log, &m.log
	c.t.Cleanup(func() { c.stopped(m, cmd) })
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	m.process = cmd
}

// stopped makes sure that a member's process is gone when its test is, and
// shows its log when the test has failed.
func (c *tlsCluster) stopped(m *tlsMember, cmd *exec.Cmd) {
	if cmd.Process != nil && cmd.ProcessState == nil {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // its error is the kill
	}
	if c.t.Failed() {
		c.t.Logf("log of %s:\n%s", m.name, tail(m.log.String()))
	}
}

// restartOneByOne restarts every member, waiting for the cluster in between.
func (c *tlsCluster) restartOneByOne() {
	c.t.Helper()
	for _, m := range c.members {
		if err := m.process.Process.Signal(syscall.SIGTERM); err != nil {
			c.t.Fatal(err)
		}
		_ = m.process.Wait() // etcd ends by the signal itself
		c.startMember(m)
		c.waitHealthy()
	}
}

func (c *tlsCluster) waitHealthy() {
	c.t.Helper()
	waitUntil(c.t, time.Minute, func() error {
		return c.etcdctl("endpoint", "health")
	})
}

// waitUntil retries until there is no error any more.
func waitUntil(t *testing.T, limit time.Duration, try func() error) {
	t.Helper()
	deadline := time.Now().Add(limit)
	for {
		err := try()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// etcdctl runs etcdctl on all members.
func (c *tlsCluster) etcdctl(args ...string) error {
	var endpoints []string
	for _, m := range c.members {
		endpoints = append(endpoints, "https://"+m.client)
	}
	dir := filepath.Join(c.pki, "clients/root")
	ctx, cancel := context.WithTimeout(c.t.Context(), 20*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, etcdBinary(c.t, c.minor, "etcdctl"), args...)
	cmd.Env = append(os.Environ(),
		"ETCDCTL_ENDPOINTS="+strings.Join(endpoints, ","),
		"ETCDCTL_CACERT="+filepath.Join(dir, certs.CAFile),
		"ETCDCTL_CERT="+filepath.Join(dir, certs.CertFile),
		"ETCDCTL_KEY="+filepath.Join(dir, certs.KeyFile),
	)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("etcdctl %s: %w\n%s", strings.Join(args, " "), err, tail(string(out)))
	}
	return nil
}

// wantServing wants reads and writes through every member to succeed.
func (c *tlsCluster) wantServing() {
	c.t.Helper()
	for _, args := range [][]string{{"put", "key", "value"}, {"get", "key"}, {"endpoint", "health", "--cluster"}} {
		if err := c.etcdctl(args...); err != nil {
			c.t.Error(err)
		}
	}
}

// identity reads the files of an identity.
func (c *tlsCluster) identity(name string) (tls.Certificate, *x509.CertPool) {
	c.t.Helper()
	return readIdentity(c.t, filepath.Join(c.pki, name))
}

func readIdentity(t *testing.T, dir string) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, certs.CertFile), filepath.Join(dir, certs.KeyFile))
	if err != nil {
		t.Fatal(err)
	}
	pem, err := os.ReadFile(filepath.Join(dir, certs.CAFile))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		t.Fatalf("%s holds no certificate", dir)
	}
	return pair, pool
}

// httpsClient shows a certificate, if given one, and opens a new connection for
// every question.
func httpsClient(pair *tls.Certificate, roots *x509.CertPool, serverName string) *http.Client {
	config := &tls.Config{RootCAs: roots, ServerName: serverName}
	if pair != nil {
		// tls.Config.Certificates would not even be offered to a server that
		// names another authority.
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return pair, nil }
	}
	return &http.Client{
		Transport: &http.Transport{TLSClientConfig: config, DisableKeepAlives: true},
		Timeout:   20 * time.Second,
	}
}

// askVersion asks a server for etcd's version and returns what certificate it
// has shown. With TLS 1.3 a client learns of its rejection only by reading, so
// that a handshake alone proves nothing.
func askVersion(address string, client *http.Client) (*x509.Certificate, error) {
	response, err := client.Get("https://" + address + "/version")
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", address, response.Status)
	}
	return response.TLS.PeerCertificates[0], nil
}

// askClientPort asks a member as the given client.
func (c *tlsCluster) askClientPort(m *tlsMember, pair *tls.Certificate) (*x509.Certificate, error) {
	c.t.Helper()
	_, roots := c.identity("clients/root")
	return askVersion(m.client, httpsClient(pair, roots, m.name))
}

// askPeerPort asks a member as another member would.
func (c *tlsCluster) askPeerPort(m *tlsMember, pair *tls.Certificate) (*x509.Certificate, error) {
	c.t.Helper()
	_, roots := c.identity("members/" + m.name + "/peer")
	return askVersion(m.peer, httpsClient(pair, roots, m.name))
}
