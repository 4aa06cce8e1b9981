//go:build e2e && linux

package e2e

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/etcdctr/etcdctr/cluster"
)

// A cluster on three machines: three Docker engines, each in a network
// namespace with an address of its own, and each the first process of a process
// namespace, so that killing it is what a power cut is to a machine. They and a
// fourth namespace, for what a company network has besides, hang on one switch.

// lan is a switch with a namespace for a server on it.
type lan struct {
	addressing
	t         *testing.T
	namespace string
	dir       string
	boot      string // what its machines do when their power comes on
}

// addressing is how a network's machines are addressed.
type addressing struct {
	server  string
	machine string // with a place for its number
	length  string // of the prefix
	config  string // of the machines' engines
}

var (
	ipv4 = addressing{server: "10.77.0.254", machine: "10.77.0.%d", length: "/24", config: "{}"}
	// An engine of 2020 forwards no ports to IPv6 by itself, and wants to be
	// told every network's subnet: this is for today's.
	ipv6 = addressing{server: "fd77::fe", machine: "fd77::%d", length: "/64", config: todaysConfig}
)

func newLAN(t *testing.T, a addressing) *lan {
	t.Helper()
	n := &lan{addressing: a, t: t, namespace: uniqueName(namePrefix), dir: t.TempDir(), boot: boot}
	n.addNamespace(n.namespace)
	n.ip("-n", n.namespace, "link", "add", "switch", "type", "bridge")
	n.address(n.namespace, n.server, "switch")
	n.ip("-n", n.namespace, "link", "set", "switch", "up")
	return n
}

func (n *lan) addNamespace(name string) {
	n.t.Helper()
	n.t.Cleanup(func() {
		if _, err := output(exec.Command("ip", "netns", "del", name), ""); err != nil {
			n.t.Error(err)
		}
	})
	n.ip("netns", "add", name)
	n.ip("-n", name, "link", "set", "lo", "up")
}

// address gives a device an address that it can use at once, without asking
// around whether another has it.
func (n *lan) address(namespace, address, device string) {
	n.t.Helper()
	args := []string{"-n", namespace, "addr", "add", address + n.length, "dev", device}
	if strings.Contains(address, ":") {
		args = append(args, "nodad")
	}
	n.ip(args...)
}

func (n *lan) ip(args ...string) {
	n.t.Helper()
	run(n.t, "", "ip", args...)
}

// inside gives a command that runs on the server of the network.
func (n *lan) inside(program string, args ...string) *exec.Cmd {
	return exec.Command("nsenter", append([]string{"--net=/run/netns/" + n.namespace, program}, args...)...)
}

// serve runs a program on the server until the test ends.
func (n *lan) serve(program string, args ...string) {
	n.t.Helper()
	background(n.t, n.dir, n.inside(program, args...))
}

// background runs a program until the test ends, and shows what it said if the
// test failed. It gives the way to kill it.
func background(t *testing.T, dir string, cmd *exec.Cmd) (kill func()) {
	t.Helper()
	log, err := os.CreateTemp(dir, filepath.Base(cmd.Path))
	if err != nil {
		t.Fatal(err)
	}
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, log, log
	kill = func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		kill()
		if t.Failed() {
			said, _ := os.ReadFile(log.Name())
			t.Logf("%s said:\n%s", cmd, said[max(0, len(said)-4000):])
		}
	})
	return kill
}

// machine is a Docker engine with an address of its own.
type machine struct {
	*lan
	member    string
	address   string
	namespace string
	disk      string
	cutPower  func()
}

// addMachine installs a machine and starts it.
func (n *lan) addMachine(i int) *machine {
	n.t.Helper()
	m := n.installMachine(i)
	m.powerOn()
	return m
}

// installMachine installs one that is switched off.
func (n *lan) installMachine(i int) *machine {
	n.t.Helper()
	m := &machine{
		lan: n, member: fmt.Sprintf("etcd%d", i), address: fmt.Sprintf(n.machine, i),
		namespace: uniqueName(namePrefix), disk: filepath.Join(n.dir, strconv.Itoa(i)),
	}
	n.addNamespace(m.namespace)
	port := "port" + strconv.Itoa(i)
	n.ip("link", "add", port, "netns", n.namespace, "type", "veth", "peer", "name", "eth0", "netns", m.namespace)
	n.ip("-n", n.namespace, "link", "set", port, "master", "switch", "up")
	n.address(m.namespace, m.address, "eth0")
	n.ip("-n", m.namespace, "link", "set", "eth0", "up")
	n.ip("-n", m.namespace, "route", "add", "default", "via", n.server)
	if err := os.MkdirAll(m.disk, 0o700); err != nil {
		n.t.Fatal(err)
	}
	writeFile(n.t, filepath.Join(m.disk, "daemon.json"), n.config)
	writeFile(n.t, filepath.Join(m.disk, "resolv.conf"), "nameserver "+n.server+"\n")
	return m
}

// boot is what a machine does when its power comes on, with its disk as $0. What
// is in /run does not survive that it is off.
const boot = `mount -t tmpfs tmpfs /run
mount --bind $0/resolv.conf /etc/resolv.conf
exec dockerd --log-level error --config-file $0/daemon.json --host unix://$0/engine.sock \
	--data-root $0/data --storage-driver vfs --exec-root /run/docker --pidfile /run/docker.pid`

func (m *machine) powerOn() {
	m.t.Helper()
	m.cutPower = background(m.t, m.disk, exec.Command("nsenter", "--net=/run/netns/"+m.namespace,
		"unshare", "--mount", "--uts", "--pid", "--fork", "--mount-proc", "--kill-child", "sh", "-ec", m.boot, m.disk))
	eventually(m.t, "the engine of "+m.member, func() error { return m.engine("version").Run() })
}

// engine is a command that asks the machine's engine.
func (m *machine) engine(args ...string) *exec.Cmd { return m.command("docker", args...) }

func (m *machine) command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), "DOCKER_HOST=unix://"+m.disk+"/engine.sock", "COMPOSE=docker-compose")
	return cmd
}

// wipe deletes what the engine's filters find, behind the back of everybody.
func (m *machine) wipe(t *testing.T, containers, volumes string) {
	t.Helper()
	for _, id := range strings.Fields(succeed(t, m.engine("ps", "--all", "--quiet", "--filter", containers), "")) {
		succeed(t, m.engine("rm", "--force", id), "")
	}
	for _, volume := range strings.Fields(succeed(t, m.engine("volume", "ls", "--quiet", "--filter", volumes), "")) {
		succeed(t, m.engine("volume", "rm", volume), "")
	}
}

// load puts an image of the test's own engine on the machine.
func (m *machine) load(archive string) {
	m.t.Helper()
	succeed(m.t, m.engine("load", "--quiet", "--input", archive), "")
}

// etcdctl runs etcdctl beside the machine's member.
func (m *machine) etcdctl(stack string, args ...string) (string, error) {
	return output(m.engine(append([]string{"exec", stack + "-" + m.member + "-1", "etcdctl"}, args...)...), "")
}

func succeed(t *testing.T, cmd *exec.Cmd, dir string) string {
	t.Helper()
	out, err := output(cmd, dir)
	if err != nil {
		t.Fatalf("%s: %v", cmd, err)
	}
	return out
}

// eventually waits until something succeeds.
func eventually(t *testing.T, what string, try func() error) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); ; {
		err := try()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s: %v", what, err)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func TestThreeMachinesFormOneClusterAndOneOfThemIsLostAndComesBack(t *testing.T) {
	formAndSurvive(t, ipv4)
}

func TestThreeMachinesWithIPv6FormOneClusterAndOneOfThemIsLostAndComesBack(t *testing.T) {
	useTodaysEngine(t)
	formAndSurvive(t, ipv6)
}

func formAndSurvive(t *testing.T, a addressing) {
	t.Helper()
	n := newLAN(t, a)
	var machines []*machine
	for i := range 3 {
		machines = append(machines, n.addMachine(i+1))
	}
	image := etcdImage(t, cluster.NewestMinor)
	archive := filepath.Join(t.TempDir(), "image.tar")
	run(t, "", "docker", "save", "--output", archive, image)
	for _, m := range machines {
		m.load(archive)
	}
	for bootstrap, settings := range map[string]func(*lan) string{
		"static":    func(*lan) string { return "" },
		"discovery": (*lan).discoveryService,
		"dns":       (*lan).nameServer,
	} {
		t.Run(bootstrap, func(t *testing.T) {
			s := &spread{t: t, name: uniqueName(namePrefix), dir: t.TempDir(), machines: machines}
			here := *n // what serves this cluster ends with it
			here.t, here.dir = t, s.dir
			s.describe(image)
			s.add(settings(&here))
			s.deploy(&here)
			s.wantOneCluster()
			s.wantClosedAddresses()
			s.survive(machines[0], machines[1])
			if bootstrap == "static" {
				s.miss(&here)
			}
		})
	}
}

// spread is a cluster with a machine for each member.
type spread struct {
	t        *testing.T
	name     string
	dir      string
	machines []*machine
}

// describe writes the cluster file.
func (s *spread) describe(image string) {
	s.t.Helper()
	text := "name: " + s.name + "\nimage: " + image + "\nmembers:\n"
	for _, m := range s.machines {
		text += "  " + m.member + ": " + m.address + "\n"
	}
	writeFile(s.t, filepath.Join(s.dir, "etcdctr.yaml"), text)
}

// add adds lines to the cluster file.
func (s *spread) add(lines string) {
	s.t.Helper()
	path := filepath.Join(s.dir, "etcdctr.yaml")
	text, err := os.ReadFile(path)
	if err != nil {
		s.t.Fatal(err)
	}
	writeFile(s.t, path, string(text)+lines)
}

// deploy makes the archives on the server, and does on each machine what the
// README in its archive says.
func (s *spread) deploy(n *lan) {
	s.t.Helper()
	succeed(s.t, n.inside(etcdctrBinary(s.t), "bundle"), s.dir)
	for _, m := range s.machines {
		unit := s.name + "-" + m.member
		s.t.Cleanup(func() {
			if s.t.Failed() {
				s.t.Log(output(m.command("docker-compose", "logs", "--tail", "30"), filepath.Join(s.dir, unit)))
			}
			if _, err := output(m.command("docker-compose", "down", "--volumes", "--timeout", "0"), filepath.Join(s.dir, unit)); err != nil {
				s.t.Error(err)
			}
		})
		run(s.t, s.dir, "tar", "-xzf", "bundles/"+unit+".tar.gz")
		if _, err := s.start(m); err != nil {
			s.t.Fatal(err)
		}
	}
}

// start does what the README in a machine's archive says.
func (s *spread) start(m *machine) (string, error) {
	return output(m.command("sh", "start.sh"), filepath.Join(s.dir, s.name+"-"+m.member))
}

// miss deletes the data of all machines: none is started without, until somebody says so on
// each, and then what serves is told from what has served before.
func (s *spread) miss(n *lan) {
	s.t.Helper()
	health := func() error {
		_, err := output(n.inside(etcdctrBinary(s.t), "health"), s.dir)
		return err
	}
	eventually(s.t, "the cluster to be healthy", health)
	for _, m := range s.machines {
		succeed(s.t, m.command("docker-compose", "down", "--volumes", "--timeout", "0"), filepath.Join(s.dir, s.name+"-"+m.member))
	}
	for _, m := range s.machines {
		for range 2 {
			if _, err := s.start(m); err == nil || !strings.Contains(err.Error(), "its data is gone") {
				s.t.Errorf("%s is started without its data: %v", m.member, err)
			}
		}
	}
	for _, m := range s.machines {
		run(s.t, s.dir, "rm", filepath.Join(s.name+"-"+m.member, "served"))
		if _, err := s.start(m); err != nil {
			s.t.Error(err)
		}
	}
	s.wantOneCluster()
	if err := health(); err == nil || !strings.Contains(err.Error(), "is not the cluster that has served before") {
		s.t.Errorf("of a cluster that has begun anew health says %v", err)
	}
}

func (s *spread) wantOneCluster() {
	s.t.Helper()
	for _, m := range s.machines {
		eventually(s.t, m.member+" to see all members healthy", func() error {
			out, err := m.etcdctl(s.name, "endpoint", "health", "--cluster", "--write-out", "json")
			if err == nil && strings.Count(out, `"health":true`) != len(s.machines) {
				err = fmt.Errorf("got %s", out)
			}
			return err
		})
	}
}

// wantClosedAddresses wants the members' ports on their machines' addresses and
// on no other.
func (s *spread) wantClosedAddresses() {
	s.t.Helper()
	for _, m := range s.machines {
		got := succeed(s.t, m.engine("port", s.name+"-"+m.member+"-1"), "")
		want := fmt.Sprintf("2379/tcp -> %s\n2380/tcp -> %s\n", net.JoinHostPort(m.address, "2379"), net.JoinHostPort(m.address, "2380"))
		if got != want {
			s.t.Errorf("%s publishes\n%swant\n%s", m.member, got, want)
		}
	}
}

// survive cuts a machine's power and wants the others to serve, and the machine
// to catch up once it is back.
func (s *spread) survive(lost, left *machine) {
	s.t.Helper()
	lost.cutPower()
	eventually(s.t, "a write without "+lost.member, func() error {
		_, err := left.etcdctl(s.name, "put", "written", "meanwhile")
		return err
	})
	lost.powerOn()
	eventually(s.t, lost.member+" to know what it has missed", func() error {
		out, err := lost.etcdctl(s.name, "get", "--print-value-only", "written")
		if err == nil && out != "meanwhile\n" {
			err = fmt.Errorf("got %q", out)
		}
		return err
	})
	s.wantOneCluster()
}

// discoveryService runs a discovery service on the network's server and gives
// the lines for a cluster that uses it.
func (n *lan) discoveryService() string {
	n.t.Helper()
	url := "http://" + net.JoinHostPort(n.server, "2379")
	n.serve(etcdBinary(n.t, cluster.NewestMinor, "etcd"), "--data-dir", filepath.Join(n.dir, "service"),
		"--listen-client-urls", url, "--advertise-client-urls", url)
	const token = "token-of-three-machines"
	eventually(n.t, "the discovery service", func() error {
		_, err := output(n.inside(etcdBinary(n.t, cluster.NewestMinor, "etcdctl"), "--endpoints", url,
			"put", "/_etcd/registry/"+token+"/_config/size", "3"), "")
		return err
	})
	return "bootstrap: discovery\ndiscovery-endpoints: " + url + "\ndiscovery-token: " + token + "\n"
}

// nameServer runs CoreDNS on the network's server and gives the lines for a
// cluster whose records it has.
func (n *lan) nameServer() string {
	n.t.Helper()
	zone := succeed(n.t, n.inside(etcdctrBinary(n.t), "dns", "--bootstrap", "dns", "--discovery-domain", "etcd.test", "--format", "zone"), n.dir)
	writeFile(n.t, filepath.Join(n.dir, "etcd.test.zone"), zone)
	writeFile(n.t, filepath.Join(n.dir, "Corefile"), "etcd.test {\n  bind "+n.server+"\n  file etcd.test.zone\n}\n")
	program, err := exec.LookPath("coredns")
	if err != nil {
		n.t.Fatalf("%v: run the suite with `make e2e`", err)
	}
	n.serve(program, "-conf", "Corefile")
	return "bootstrap: dns\ndiscovery-domain: etcd.test\n"
}
