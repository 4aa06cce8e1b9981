//go:build e2e

package e2e

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/internal/etcdtest"
)

// `etcdctr dns check` against servers as people run them.

// dnsFlags describe a cluster whose records somebody else serves.
var dnsFlags = []string{
	"--bootstrap", "dns", "--name", "orders", "--discovery-domain", "etcd.example.com", "--subnet", "10.251.7.0/24,fd00:251:7::/64",
}

// dnsServers start a server with the records that `etcdctr dns` prints in a
// format, on a port of 127.0.0.1.
var dnsServers = map[string]func(t *testing.T, dir string, port int) []string{
	"dnsmasq": func(t *testing.T, dir string, port int) []string {
		t.Helper()
		conf := filepath.Join(dir, "dnsmasq.conf")
		writeFile(t, conf, dnsOutput(t, "dnsmasq"))
		return []string{
			"dnsmasq", "--keep-in-foreground", "--conf-file=" + conf, "--no-resolv", "--no-hosts", "--user=root",
			"--listen-address=127.0.0.1", "--bind-interfaces", fmt.Sprintf("--port=%d", port), "--pid-file=",
		}
	},
	"coredns": func(t *testing.T, dir string, port int) []string {
		t.Helper()
		writeFile(t, filepath.Join(dir, "zone"), dnsOutput(t, "zone"))
		writeFile(t, filepath.Join(dir, "Corefile"), dnsOutput(t, "coredns"))
		return []string{"coredns", "-conf", "Corefile", "-dns.port", fmt.Sprint(port)}
	},
}

func dnsOutput(t *testing.T, format string) string {
	t.Helper()
	return run(t, t.TempDir(), etcdctrBinary(t), append([]string{"dns", "--format", format}, dnsFlags...)...)
}

func TestDNSCheckAgreesWithServersOfItsOwnRecords(t *testing.T) {
	for name, command := range dnsServers {
		t.Run(name, func(t *testing.T) {
			server := startDNS(t, command)
			dir := t.TempDir()
			check := append([]string{"dns", "check", server, "--tls", "none"}, dnsFlags...)
			out, err := try(t, dir, etcdctrBinary(t), check...) // the records are for TLS
			wantProblems(t, out, err, "_etcd-server._tcp.etcd.example.com. SRV: lacks etcd1.etcd.example.com. port 2380",
				"_etcd-server-ssl._tcp.etcd.example.com. SRV: has etcd1.etcd.example.com. port 2380: remove the record: with tls: none it is for the wrong scheme")

			check = append([]string{"dns", "check", server}, dnsFlags...)
			out, err = try(t, dir, etcdctrBinary(t), check...)
			wantProblems(t, out, err, "members/etcd1/peer certificate: is missing")

			run(t, dir, etcdctrBinary(t), append([]string{"certs", "create"}, dnsFlags...)...)
			run(t, dir, etcdctrBinary(t), check...)

			out, err = try(t, dir, etcdctrBinary(t), append(check, "--members", "4")...)
			wantProblems(t, out, err, "etcd4.etcd.example.com. A: lacks 10.251.7.14", "etcd4.etcd.example.com. AAAA: lacks fd00:251:7::e")
		})
	}
}

func wantProblems(t *testing.T, out string, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Error("nothing is found wrong")
	}
	for _, p := range parts {
		if !strings.Contains(out, p) {
			t.Errorf("%q is not in:\n%s", p, out)
		}
	}
}

// startDNS starts a server and waits until it answers.
func startDNS(t *testing.T, command func(t *testing.T, dir string, port int) []string) string {
	t.Helper()
	dir, port := t.TempDir(), etcdtest.FreePort(t)
	args := command(t, dir, port)
	var log strings.Builder
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cmd.Process.Kill(); err != nil {
			t.Error(err)
		}
		cmd.Wait() //nolint:errcheck // it was killed
		if t.Failed() {
			t.Log(log.String())
		}
	})
	server := fmt.Sprintf("127.0.0.1:%d", port)
	deadline := time.Now().Add(time.Minute)
	for {
		conn, err := net.Dial("tcp", server)
		if err == nil {
			conn.Close()
			return server
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s does not answer: %v", args[0], err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// The stack's own server is asked like any other.
func TestTheStacksOwnDNSServerHasEveryRecord(t *testing.T) {
	s := newStack(t)
	flags := append(bootstrapFlags(t, cluster.ByDNS, cluster.Mutual), "--discovery-srv-name", "orders",
		"--subnet", "10.251.8.0/24,fd00:251:8::/64")
	s.generate(flags...)
	s.upPatiently()
	s.wantOneCluster(3)
	server := s.address(cluster.DNSServerName)
	run(t, s.dir, etcdctrBinary(t), append([]string{"dns", "check", server, "--name", s.name}, flags...)...)
	if members := s.etcdctl("etcd1", "--discovery-srv", s.name+".internal", "--discovery-srv-name", "orders", "member", "list"); strings.Count(members, "started") != 3 {
		t.Errorf("a client that goes by the records finds:\n%s", members)
	}
}

func TestASubnetOfTheEnginesNetworksIsRefusedOrAvoided(t *testing.T) {
	network := uniqueName(namePrefix)
	t.Cleanup(func() {
		if _, err := output(exec.Command("docker", "network", "rm", network), os.TempDir()); err != nil {
			t.Error(err)
		}
	})
	s := newStack(t)
	taken := cluster.DefaultSubnet(s.name, 0).String()
	run(t, s.dir, "docker", "network", "create", "--subnet", taken, network)
	wantComposeRefused(t, "overlaps with "+taken+" of the engine's network "+network,
		"--name", s.name, "--bootstrap", "dns", "--subnet", taken)

	s.generate(bootstrapFlags(t, cluster.ByDNS, cluster.NoTLS)...)
	s.upPatiently()
	first := s.wantOneCluster(3)
	was := s.address("etcd1")
	s.generate(bootstrapFlags(t, cluster.ByDNS, cluster.NoTLS)...) // where it is, it stays
	s.upPatiently()
	s.wantSameCluster(first, s.wantOneCluster(3))
	if now := s.address("etcd1"); now != was {
		t.Errorf("etcd1 was at %s, now it is at %s", was, now)
	}
}

// A client who wants to verify auto-TLS can, where addresses are fixed.
func TestAutoTLSCanBeVerifiedByWhoWantsTo(t *testing.T) {
	s := newStack(t)
	s.generate("--tls", "auto", "--subnet", "10.251.9.0/24")
	s.upPatiently()
	s.wantOneCluster(3)
	const made = ":/var/lib/etcd/data/fixtures/"
	s.compose("cp", "etcd1"+made+"client/cert.pem", "etcd1.pem")
	client := []string{"--cacert", "etcd1.pem", "--endpoints", "https://10.251.9.11:2379", "endpoint", "health"}
	run(t, s.dir, etcdBinary(t, cluster.NewestMinor, "etcdctl"), client...)

	run(t, s.dir, "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-521", "-nodes", "-days", "365",
		"-subj", "/O=etcd", "-addext", "subjectAltName=IP:10.251.9.11,IP:127.0.0.1", "-addext", "extendedKeyUsage=serverAuth",
		"-keyout", "key.pem", "-out", "cert.pem")
	for _, use := range []string{"client", "peer"} {
		s.compose("cp", "key.pem", "etcd1"+made+use+"/")
		s.compose("cp", "cert.pem", "etcd1"+made+use+"/")
	}
	client[1] = "cert.pem" // the new one, without a restart
	run(t, s.dir, etcdBinary(t, cluster.NewestMinor, "etcdctl"), client...)
	s.compose("restart", "--timeout", "5", "etcd1")
	s.upPatiently()
	s.wantOneCluster(3)
}

// In a closed network nobody has CoreDNS: the stack comes with the server that
// etcdctr has itself.
func TestABundleBringsADNSServerWhereThereIsNone(t *testing.T) {
	s := newStack(t)
	if _, err := try(t, s.dir, "docker", "image", "inspect", cluster.DefaultDNSImage); err == nil {
		t.Fatalf("the engine has %s", cluster.DefaultDNSImage)
	}
	archive, there := filepath.Join(t.TempDir(), "stack.tar"), t.TempDir()
	run(t, s.dir, etcdctrBinary(t), "image", "bundle", "--name", s.name, "--image", s.ref, "--bootstrap", "dns", "--tls", "none", "--output", archive)
	run(t, s.dir, etcdctrBinary(t), "image", "load", "--output", there, archive)
	s.dir = there
	s.upPatiently()
	first := s.wantOneCluster(3)
	run(t, s.dir, etcdctrBinary(t), "dns", "check", s.address(cluster.DNSServerName), "--name", s.name, "--bootstrap", "dns", "--tls", "none")
	before := s.containers()
	s.etcdctr("up", "--bootstrap", "dns", "--tls", "none", "--dns-image", "etcdctr/relay:latest")
	s.wantUntouched(before, "etcdctr up after docker compose up")
	s.wantSameCluster(first, s.wantOneCluster(3))
}
