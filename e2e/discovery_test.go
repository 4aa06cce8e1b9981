//go:build e2e

package e2e

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
)

// A member that has lost its data would join under its old ID, and panic.

func TestAMemberWithoutItsDataIsRefusedByItsStack(t *testing.T) {
	for minor := cluster.OldestMinor; minor <= cluster.NewestMinor; minor++ {
		t.Run(cluster.KnownPatches[minor].String(), func(t *testing.T) {
			s := newStack(t)
			s.ref = etcdImage(t, minor)
			s.generate(bootstrapFlags(t, cluster.ByDiscovery, cluster.Mutual)...)
			s.upPatiently()
			s.wantCarriedOver("etcd1", "etcd2", "kept")

			// while the others run
			s.wipe("etcd3")
			s.wantNoStart("etcd3")
			s.wantTheOthersToServe("kept")
			log := s.compose("logs", "--no-color", "etcd3")
			wantOneOf(t, log, "discovery: size key not found", "key exists", "duplicate id")

			// and when everything was down
			s.compose("down", "--timeout", "5")
			s.wantNoStart("etcd3")
			s.wantTheOthersToServe("kept")
			for _, m := range []string{"etcd1", "etcd2", "etcd3"} {
				if log := s.compose("logs", "--no-color", m); strings.Contains(log, "panic") {
					t.Errorf("%s panics:\n%s", m, log)
				}
			}
		})
	}
}

// wipe takes a member's data away.
func (s *stack) wipe(member string) {
	s.t.Helper()
	s.compose("rm", "--stop", "--force", member)
	run(s.t, s.dir, "docker", "volume", "rm", s.name+"_"+member+"-data")
}

// wantNoStart brings the stack up and wants a member not to get healthy.
func (s *stack) wantNoStart(member string) {
	s.t.Helper()
	if out, err := try(s.t, s.dir, "docker-compose", "up", "--detach", "--wait", "--wait-timeout", "60"); err == nil {
		s.t.Fatalf("the stack came up with %s:\n%s", member, out)
	}
	if health := s.dockerHealth(member); health == "healthy" {
		s.t.Errorf("%s is healthy", member)
	}
}

// dockerHealth is what the engine's health check says of a service.
func (s *stack) dockerHealth(service string) string {
	s.t.Helper()
	id := strings.TrimSpace(s.compose("ps", "--all", "--quiet", service))
	return strings.TrimSpace(run(s.t, s.dir, "docker", "inspect", "--format", "{{.State.Health.Status}}", id))
}

func (s *stack) wantTheOthersToServe(value string) {
	s.t.Helper()
	s.wantValue("etcd1", value)
	s.wantValue("etcd2", value)
}

func wantOneOf(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if strings.Contains(text, p) {
			return
		}
	}
	t.Errorf("none of %q in:\n%s", parts, text)
}

// discoveryService is an etcd that serves as an existing discovery service, on a Docker
// network of its own.
type discoveryService struct {
	t       *testing.T
	name    string // of its container and of its network
	address string // which both the members and this machine reach
	url     string
	args    []string // for etcdctl in it
}

// newDiscoveryService makes the network. Its first container gets the second address.
func newDiscoveryService(t *testing.T, scheme string) *discoveryService {
	t.Helper()
	r := &discoveryService{t: t, name: uniqueName(namePrefix)}
	t.Cleanup(r.remove)
	run(t, "", "docker", "network", "create", r.name)
	subnet := run(t, "", "docker", "network", "inspect", "--format", "{{(index .IPAM.Config 0).Subnet}}", r.name)
	r.address = netip.MustParsePrefix(strings.TrimSpace(subnet)).Addr().Next().Next().String()
	r.url = scheme + "://" + r.address + ":2379"
	return r
}

func (r *discoveryService) remove() {
	for _, args := range [][]string{{"rm", "--force", "--volumes", r.name}, {"network", "rm", r.name}} {
		if _, err := output(exec.Command("docker", args...), os.TempDir()); err != nil {
			r.t.Error(err)
		}
	}
}

// start runs etcd and waits until it serves.
func (r *discoveryService) start(minor int, dockerArgs []string, etcdArgs ...string) {
	r.t.Helper()
	listen := strings.Replace(r.url, r.address, "0.0.0.0", 1)
	args := append([]string{"run", "--detach", "--name", r.name, "--network", r.name}, dockerArgs...)
	args = append(args, etcdImage(r.t, minor), "etcd", "--data-dir=/var/lib/etcd/data",
		"--listen-client-urls="+listen, "--advertise-client-urls="+r.url)
	run(r.t, "", "docker", append(args, etcdArgs...)...)
	r.etcdctl("endpoint", "health", "--command-timeout", "30s", "--dial-timeout", "30s")
}

// etcdctl runs etcdctl in the registry's container.
func (r *discoveryService) etcdctl(args ...string) string {
	r.t.Helper()
	all := append([]string{"exec", r.name, "etcdctl", "--endpoints", r.url}, r.args...)
	return run(r.t, "", "docker", append(all, args...)...)
}

// discovery runs `etcdctr discovery` and gives what it prints.
func discovery(t *testing.T, args ...string) string {
	t.Helper()
	return strings.TrimSpace(run(t, t.TempDir(), etcdctrBinary(t), append([]string{"discovery"}, args...)...))
}

func TestAnExistingServiceFromItsTokenToItsCluster(t *testing.T) {
	r := newDiscoveryService(t, "http")
	r.start(cluster.NewestMinor, nil)
	token := discovery(t, "new", "--size", "3", "--discovery-endpoints", r.url)
	s := newStack(t)
	s.generate("--bootstrap", "discovery", "--discovery-token", token,
		"--discovery-endpoints", r.url, "--discovery-network", r.name)
	s.upPatiently()
	s.wantOneCluster(3)
	s.wantCarriedOver("etcd1", "etcd2", "kept")

	status := discovery(t, "status", token, "--discovery-endpoints", r.url)
	for _, m := range []string{"etcd1", "etcd2", "etcd3"} {
		wantOneOf(t, status, m+" ")
	}
	s.generate("--bootstrap", "discovery", "--discovery-token", token, // again: it is its own
		"--discovery-endpoints", r.url, "--discovery-network", r.name)
	wantComposeRefused(t, "the token is used by another cluster", "--bootstrap", "discovery", "--members", "3", "--tls", "none",
		"--discovery-token", token, "--discovery-endpoints", r.url)

	s.wipe("etcd3")
	s.wantNoStart("etcd3")
	s.wantTheOthersToServe("kept")

	discovery(t, "rm", token, "--discovery-endpoints", r.url)
	wantComposeRefused(t, "the token is not known", "--bootstrap", "discovery", "--discovery-token", token, "--discovery-endpoints", r.url)
}

// wantComposeRefused wants `etcdctr compose` to fail with a reason and to write
// nothing.
func wantComposeRefused(t *testing.T, reason string, flags ...string) {
	t.Helper()
	dir := t.TempDir()
	out, err := try(t, dir, etcdctrBinary(t), append([]string{"compose"}, flags...)...)
	if err == nil || !strings.Contains(err.Error(), reason) {
		t.Errorf("compose %s: got %v\n%s, want %q", strings.Join(flags, " "), err, out, reason)
	}
	if files, _ := filepath.Glob(dir + "/*"); len(files) > 0 {
		t.Errorf("compose %s: refused, and wrote %v", strings.Join(flags, " "), files)
	}
}

func TestWhatWouldFailAtAnExistingServiceIsRefusedBefore(t *testing.T) {
	r := newDiscoveryService(t, "http")
	r.start(cluster.NewestMinor, nil)
	token := discovery(t, "new", "--size", "3", "--discovery-endpoints", r.url)
	at := []string{"--bootstrap", "discovery", "--discovery-endpoints", r.url, "--discovery-token"}
	wantComposeRefused(t, "the token is for another number of members: 3, and the cluster has 4", append(at, token, "--members", "4")...)
	wantComposeRefused(t, "the token is for another number of members: 3, and the cluster has 1", append(at, token, "--members", "1")...)
	wantComposeRefused(t, "the token is not known", append(at, "0123456789abcdef0123456789abcdef")...)
	secure := "https" + strings.TrimPrefix(r.url, "http")
	wantComposeRefused(t, "seems to speak plain text: write http",
		"--bootstrap", "discovery", "--discovery-endpoints", secure, "--discovery-token", token)
	password := filepath.Join(t.TempDir(), "password")
	writeFile(t, password, "wrong\n")
	wantComposeRefused(t, "no discovery service answers", "--bootstrap", "discovery", "--discovery-token", token,
		"--discovery-endpoints", "http://127.0.0.1:1", "--discovery-user", "orders", "--discovery-password-file", password)
}

// A dead service may be one that only the members reach, so that it takes a
// look at the members to know.
func TestMembersWaitForAServiceThatIsDead(t *testing.T) {
	s := newStack(t)
	args := []string{
		"compose", "--name", s.name, "--image", etcdImage(t, cluster.NewestMinor), "--bootstrap", "discovery", "--tls", "none",
		"--discovery-token", "0123456789abcdef", "--discovery-endpoints", "http://127.0.0.1:1",
	}
	_, err := try(t, s.dir, etcdctrBinary(t), append(args, "-o", "docker-compose.yml")...)
	if err != nil {
		t.Fatal(err)
	}
	if out, err := try(t, s.dir, "docker-compose", "up", "--detach", "--wait", "--wait-timeout", "10"); err == nil {
		t.Fatalf("the stack came up:\n%s", out)
	}
	wantOneOf(t, s.compose("logs", "--no-color", "etcd1"), "retry connecting to discovery service")
}

// users switches authentication on: root, and a user who may use the registry
// and nothing else.
func (r *discoveryService) users(user, password string) {
	r.t.Helper()
	r.etcdctl("role", "add", "registry")
	r.etcdctl("role", "grant-permission", "registry", "--prefix=true", "readwrite", "/_etcd/registry/")
	r.etcdctl("user", "add", user+":"+password)
	r.etcdctl("user", "grant-role", user, "registry")
	r.etcdctl("user", "add", "root:root")
	r.etcdctl("user", "grant-role", "root", "root")
	r.etcdctl("auth", "enable")
}

// The password is nobody's but etcdctr's.
func TestAPasswordOfADiscoveryServiceStaysWithEtcdctr(t *testing.T) {
	const secret = "correct-horse-battery"
	r := newDiscoveryService(t, "http")
	r.start(cluster.NewestMinor, nil)
	r.users("orders", secret)
	password := filepath.Join(t.TempDir(), "password")
	writeFile(t, password, secret+"\n")
	access := []string{"--discovery-endpoints", r.url, "--discovery-user", "orders", "--discovery-password-file", password}
	token := discovery(t, append([]string{"new", "--size", "3"}, access...)...)

	s := newStack(t)
	s.generate(append(access, "--bootstrap", "discovery", "--discovery-token", token)...)
	s.upPatiently()
	first := s.wantOneCluster(3)
	wantOneOf(t, discovery(t, append([]string{"status", token}, access...)...), "etcd3 ")
	s.generate(append(access, "--bootstrap", "discovery", "--discovery-token", token)...)
	s.upPatiently()
	s.wantSameCluster(first, s.wantOneCluster(3))

	seen := run(t, s.dir, "cat", "docker-compose.yml") + s.compose("logs", "--no-color")
	for _, m := range []string{"etcd1", "etcd2", "etcd3"} {
		id := strings.TrimSpace(s.compose("ps", "--quiet", m))
		seen += run(t, s.dir, "docker", "inspect", id)
	}
	if strings.Contains(seen, secret) {
		t.Error("the password is in the Compose file, a log or a container's configuration")
	}

	writeFile(t, password, "wrong\n")
	wantComposeRefused(t, "does not take this user with this password", append(access, "--bootstrap", "discovery", "--discovery-token", token)...)

	s.wipe("etcd3")
	s.wantNoStart("etcd3")
	wantOneOf(t, s.compose("logs", "--no-color", "etcd3"), "has already been bootstrapped")
}

// The common name of a certificate is a user too, and there is no password for
// etcd to print.
func TestMembersShowADiscoveryServiceTheirCertificate(t *testing.T) {
	r := newDiscoveryService(t, "https")
	pki := t.TempDir()
	run(t, pki, etcdctrBinary(t), "certs", "create", "--members", "1", "--client", "root", "--client", "orders")
	run(t, pki, etcdctrBinary(t), "certs", "issue", "registry", "--server", "--host", r.address)
	certs := filepath.Join(pki, "certs")
	r.args = []string{"--cacert=/certs/ca.crt", "--cert=/client/tls.crt", "--key=/client/tls.key"}
	r.start(cluster.NewestMinor,
		[]string{"--volume", filepath.Join(certs, "servers", "registry") + ":/certs:ro", "--volume", filepath.Join(certs, "clients", "root") + ":/client:ro"},
		"--cert-file=/certs/tls.crt", "--key-file=/certs/tls.key", "--client-cert-auth", "--trusted-ca-file=/certs/ca.crt")
	r.users("orders", "unused")

	orders := filepath.Join(certs, "clients", "orders")
	access := []string{
		"--discovery-endpoints", r.url, "--discovery-cacert", filepath.Join(orders, "ca.crt"),
		"--discovery-cert", filepath.Join(orders, "tls.crt"), "--discovery-key", filepath.Join(orders, "tls.key"),
	}
	token := discovery(t, append([]string{"new", "--size", "3"}, access...)...)
	for _, tls := range []cluster.TLSMode{cluster.Mutual, cluster.NoTLS} {
		t.Run("tls "+string(tls), func(t *testing.T) {
			s := newStack(t)
			token := discovery(t, append([]string{"new", "--size", "3"}, access...)...)
			s.generate(append(access, "--tls", string(tls), "--bootstrap", "discovery", "--discovery-token", token, "--discovery-network", r.name)...)
			s.upPatiently()
			s.wantOneCluster(3)
			if log := s.compose("logs", "--no-color", cluster.DiscoveryGuardName); strings.Contains(log, "rror") {
				t.Errorf("the guard is not let in:\n%s", log)
			}
		})
	}
	wantComposeRefused(t, "speaks TLS: write https", "--bootstrap", "discovery", "--discovery-token", token,
		"--discovery-endpoints", strings.Replace(r.url, "https", "http", 1))
	wantComposeRefused(t, "unknown authority", "--bootstrap", "discovery", "--discovery-token", token, "--discovery-endpoints", r.url)
}

// The v2 protocol, which etcd 3.5 serves and members of 3.5 and 3.6 speak.
func TestAV2ServiceFromItsTokenToItsCluster(t *testing.T) {
	r := newDiscoveryService(t, "http")
	r.start(5, nil, "--enable-v2")
	for _, minor := range []int{5, 6} {
		t.Run(cluster.KnownPatches[minor].String(), func(t *testing.T) {
			url := discovery(t, "new", "--v2", "--size", "3", "--discovery-endpoints", r.url)
			s := newStack(t)
			s.ref = etcdImage(t, minor)
			s.generate("--bootstrap", "discovery", "--discovery-url", url, "--discovery-network", r.name)
			s.upPatiently()
			s.wantOneCluster(3)
			s.wantCarriedOver("etcd1", "etcd2", "kept")
			wantOneOf(t, discovery(t, "status", url), "etcd3 ")
			s.ref = etcdImage(t, minor)
			s.generate("--bootstrap", "discovery", "--discovery-url", url, "--discovery-network", r.name)
			wantComposeRefused(t, "the token is used by another cluster", "--etcd", "3.6", "--tls", "none", "--bootstrap", "discovery", "--discovery-url", url)
			refusal := cluster.Judge(cluster.ByDiscoveryV2, cluster.Mutual, cluster.NewestMinor).Refusal
			wantComposeRefused(t, refusal, "--bootstrap", "discovery", "--discovery-url", url)

			s.wipe("etcd3") // v2 refuses a second registration by itself
			s.wantNoStart("etcd3")
			s.wantTheOthersToServe("kept")
			discovery(t, "rm", url)
		})
	}
}

// The guard waits for the members, which come back after what they need.
func TestATakenDownStackWithItsDiscoveryServiceComesBackGuarded(t *testing.T) {
	s := newStack(t)
	s.etcdctr("up", "--bootstrap", "discovery")
	s.etcdctr("etcdctl", "put", "name", "kept")
	for _, pause := range []string{"stop", "down"} {
		s.etcdctr(pause)
		s.etcdctr("up")
		if got := s.etcdctr("etcdctl", "get", "name", "--print-value-only"); got != "kept\n" {
			t.Errorf("after %s and up the value is %q, want kept", pause, got)
		}
		waitUntil(t, engineTimeout, func() error {
			if health := s.dockerHealth("discovery-guard"); health != "healthy" {
				return fmt.Errorf("after %s and up the guard is %s", pause, health)
			}
			return nil
		})
	}
}
