//go:build e2e

package e2e

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/internal/etcdtest"
)

// The main job: what `etcdctr compose` prints, the real Compose plugin starts.

func TestSmokeComposeStartsAHealthyClosedAuthenticatedCluster(t *testing.T) {
	s := newStack(t)
	s.generate()
	s.up()
	s.wantMembers(3)
	for _, member := range []string{"etcd1", "etcd2", "etcd3"} {
		wantUnpublished(t, s.inspect(member))
		wantCertificateDemanded(t, s, s.address(member))
	}
}

// wantUnpublished wants the engine to bind no port of the host to c.
func wantUnpublished(t *testing.T, c inspected) {
	t.Helper()
	if len(c.HostConfig.PortBindings) > 0 {
		t.Errorf("ports are bound: %v", c.HostConfig.PortBindings)
	}
	for port, bindings := range c.NetworkSettings.Ports {
		if len(bindings) > 0 {
			t.Errorf("%s is published: %v", port, bindings)
		}
	}
}

// wantCertificateDemanded wants both ports of the member at ip to refuse whom
// they do not know, and the client port to serve whom it does.
func wantCertificateDemanded(t *testing.T, s *stack, ip string) {
	t.Helper()
	client, peer := net.JoinHostPort(ip, "2379"), net.JoinHostPort(ip, "2380")
	known, nobody := s.clientTLS("clients/root"), &tls.Config{InsecureSkipVerify: true} //nolint:gosec // a stranger does not verify
	stranger := known.Clone()
	stranger.RootCAs, stranger.InsecureSkipVerify = nil, true
	known.ServerName = "localhost"
	if err := handshake(client, known); err != nil {
		t.Errorf("the client port refuses the root client: %v", err)
	}
	for what, err := range map[string]error{
		"the client port, no certificate":         handshake(client, nobody),
		"the peer port, no certificate":           handshake(peer, nobody),
		"the peer port, a client's certificate":   handshake(peer, stranger),
		"the client port, plain text":             plainText(client),
		"the peer port, plain text":               plainText(peer),
		"the client port, TLS 1.1 and no service": handshake(client, tls11(known)),
	} {
		if err == nil {
			t.Errorf("%s: was let in", what)
		}
	}
}

func tls11(config *tls.Config) *tls.Config {
	old := config.Clone()
	old.MinVersion, old.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	return old
}

// handshake reports whether a server lets a client with this configuration in.
// With TLS 1.3 a server's refusal comes with the first read, so nothing to
// read in time means that it was let in.
func handshake(addr string, config *tls.Config) error {
	conn, err := tls.DialWithDialer(&net.Dialer{Timeout: 5 * time.Second}, "tcp", addr, config)
	if err != nil {
		return err
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET /version HTTP/1.1\r\nHost: localhost\r\n\r\n")
	_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	_, err = conn.Read(make([]byte, 1))
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil
	}
	return err
}

// plainText reports whether a server answers plain HTTP with 200.
func plainText(addr string) error {
	conn, err := net.DialTimeout("tcp", addr, 5*time.Second)
	if err != nil {
		return err
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET /version HTTP/1.0\r\nHost: localhost\r\n\r\n")
	_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	answer, err := io.ReadAll(io.LimitReader(conn, 1024))
	if strings.Contains(string(answer), " 200 ") {
		return nil
	}
	return fmt.Errorf("answered %q, %w", answer, err)
}

func TestComposeStartsEverySize(t *testing.T) {
	for _, n := range []int{1, 5} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			s := newStack(t)
			s.generate("--members", fmt.Sprint(n))
			s.up()
			s.wantMembers(n)
		})
	}
}

func TestComposeStartsEveryProfileAndPlainText(t *testing.T) {
	for name, flags := range map[string][]string{
		"production": {"--profile", "production"},
		"ci":         {"--profile", "ci"},
		"plain text": {"--tls", "none"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStack(t)
			s.generate(flags...)
			s.up()
			s.wantMembers(3)
			wantUnpublished(t, s.inspect("etcd1"))
		})
	}
}

func TestComposeStartsEverySupportedEtcd(t *testing.T) {
	for minor := range cluster.KnownPatches {
		t.Run(fmt.Sprintf("3.%d", minor), func(t *testing.T) {
			s := newStack(t)
			s.ref = etcdImage(t, minor)
			s.generate()
			s.up()
			s.wantMembers(3)
			wantCertificateDemanded(t, s, s.address("etcd1"))
		})
	}
}

func TestPublishedPortsAreOnLoopbackAndNowhereElse(t *testing.T) {
	s := newStack(t)
	ports := freePorts(t, 3)
	writeFile(t, filepath.Join(s.dir, "etcdctr.yaml"), fmt.Sprintf(`publish: loopback
members:
  - {name: etcd1, client-port: %d}
  - {name: etcd2, client-port: %d}
  - {name: etcd3, client-port: %d}
`, ports[0], ports[1], ports[2]))
	s.generate()
	s.up()
	s.wantMembers(3)

	var endpoints []string
	for _, port := range ports {
		endpoints = append(endpoints, fmt.Sprintf("https://127.0.0.1:%d", port))
	}
	roundTrip(t, clientv3.Config{Endpoints: endpoints, TLS: s.clientTLS("clients/root")})
	for _, ip := range otherAddresses(t) {
		conn, err := net.DialTimeout("tcp", net.JoinHostPort(ip, fmt.Sprint(ports[0])), time.Second)
		if err == nil {
			conn.Close()
			t.Errorf("the published port answers on %s too", ip)
		}
	}
}

// roundTrip writes and reads a key.
func roundTrip(t *testing.T, config clientv3.Config) {
	t.Helper()
	client, err := clientv3.New(config)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := client.Put(ctx, "key", "value"); err != nil {
		t.Fatal(err)
	}
	got, err := client.Get(ctx, "key")
	if err != nil || len(got.Kvs) != 1 || string(got.Kvs[0].Value) != "value" {
		t.Fatalf("got %v, %v", got, err)
	}
}

// otherAddresses are the host's IPv4 addresses that are not loopback's.
func otherAddresses(t *testing.T) []string {
	t.Helper()
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	var ips []string
	for _, a := range addrs {
		if ip, ok := a.(*net.IPNet); ok && ip.IP.To4() != nil && !ip.IP.IsLoopback() {
			ips = append(ips, ip.IP.String())
		}
	}
	if len(ips) == 0 {
		t.Fatal("the host has no address besides loopback: nothing to test against")
	}
	return ips
}

func freePorts(t *testing.T, n int) []int {
	t.Helper()
	var ports []int
	for range n {
		ports = append(ports, etcdtest.FreePort(t))
	}
	return ports
}

func TestDataSurvivesDownAndUp(t *testing.T) {
	s := newStack(t)
	s.generate()
	s.up()
	s.etcdctl("etcd1", "put", "key", "value")
	s.compose("down")
	s.up()
	if got := s.etcdctl("etcd3", "get", "key", "--print-value-only"); got != "value\n" {
		t.Errorf("got %q", got)
	}
	s.wantMembers(3)
}

// TestAwkwardValuesReachTheContainer sends values that YAML, Compose and
// shells would each like to interpret, in the file and through --env-dir.
func TestAwkwardValuesReachTheContainer(t *testing.T) {
	want := []string{`DOLLARS=$HOME ${HOME} $$`, `QUOTES=it's "so"`, "LINES=one\ntwo", "SPACES=  two  ", `HASH=a #b`}
	for name, flags := range map[string][]string{"in the file": nil, "in environment files": {"--env-dir", "env"}} {
		t.Run(name, func(t *testing.T) {
			s := newStack(t)
			writeFile(t, filepath.Join(s.dir, "etcdctr.yaml"), `members: 1
environment:
  DOLLARS: '$HOME ${HOME} $$'
  QUOTES: it's "so"
  LINES: "one\ntwo"
  SPACES: "  two  "
  HASH: "a #b"
`)
			s.generate(flags...)
			s.up()
			s.wantMembers(1)
			got := s.inspect("etcd1").Config.Env
			for _, variable := range want {
				if !slices.Contains(got, variable) {
					t.Errorf("%q is not in the container's environment: %q", variable, got)
				}
			}
		})
	}
}

// TestKeysAreReadableInTheContainerAndForTheirOwnerOnly generates the stack as
// root and as an ordinary user. Compose runs as the caller both times: what
// reads the key is the container.
func TestKeysAreReadableInTheContainerAndForTheirOwnerOnly(t *testing.T) {
	const ordinary, stranger = 1000, 1001
	owners := []int{os.Getuid()}
	if os.Getuid() == 0 {
		owners = append(owners, ordinary)
	}
	for _, owner := range owners {
		t.Run(fmt.Sprintf("uid %d", owner), func(t *testing.T) {
			s := newStack(t)
			s.dir = ownedDir(t, owner)
			cmd := exec.CommandContext(t.Context(), etcdctrBinary(t), "compose", "--name", s.name,
				"--image", etcdImage(t, cluster.NewestMinor), "-o", "docker-compose.yml")
			actAs(cmd, owner)
			if _, err := output(cmd, s.dir); err != nil {
				t.Fatal(err)
			}
			s.up()
			s.wantMembers(3)
			wantPrivate(t, filepath.Join(s.dir, "certs"), owner)
			if os.Getuid() == 0 {
				read := exec.CommandContext(t.Context(), "cat", filepath.Join(s.dir, "certs/members/etcd1/server/tls.key"))
				actAs(read, stranger)
				if out, err := output(read, "/"); err == nil {
					t.Errorf("another user reads the key: %d bytes", len(out))
				}
			}
		})
	}
}

// ownedDir makes a folder that anyone can enter and uid owns.
func ownedDir(t *testing.T, uid int) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "etcdctr-e2e-") //nolint:usetesting // t.TempDir lets nobody else in
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := errors.Join(os.Chmod(dir, 0o755), os.Chown(dir, uid, -1)); err != nil {
		t.Fatal(err)
	}
	return dir
}

func actAs(cmd *exec.Cmd, uid int) {
	if uid == os.Getuid() {
		return
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}}
}

// wantPrivate wants every key below dir to be its owner's only.
func wantPrivate(t *testing.T, dir string, owner int) {
	t.Helper()
	keys := 0
	err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".key" {
			return err
		}
		keys++
		info, err := os.Stat(path) // of a link, what it leads to
		if err != nil {
			return err
		}
		if uid := int(info.Sys().(*syscall.Stat_t).Uid); info.Mode().Perm() != 0o600 || uid != owner {
			t.Errorf("%s has mode %v and owner %d, want 0600 and %d", path, info.Mode().Perm(), uid, owner)
		}
		return nil
	})
	if err != nil || keys == 0 {
		t.Errorf("%d keys, %v", keys, err)
	}
}
