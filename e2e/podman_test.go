//go:build e2e && linux

package e2e

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
)

// Podman, spoken to as the Docker Engine that it takes the place of: on a machine of
// its own, as root and as somebody who is not.

// podmanEngine is a Podman for one test.
type podmanEngine struct {
	*outside // its machine, beyond which is this one
	t        *testing.T
	dir      string
}

// podmanScript runs Podman's service in its namespaces until it is told to end, and
// takes the containers along. $1 is its folder. As somebody who is not root the service
// is a child of what was started, and may outlive it, as does the process that keeps its
// user namespace.
const podmanScript = `
trap 'kill $service; wait $service; podman rm --all --force --time 0 >/dev/null; pkill -KILL -f "unix://$1/docker.sock"; pause=$XDG_RUNTIME_DIR/libpod/tmp/pause.pid; [ ! -e "$pause" ] || kill $(cat "$pause"); exit 0' TERM
export CONTAINERS_CONF=$1/containers.conf CONTAINERS_STORAGE_CONF=$1/storage.conf
podman system service --time 0 "unix://$1/docker.sock" >>"$1/log" 2>&1 &
service=$!
wait $service
`

// asRoot prepares a machine: what an earlier Podman has left in /run is another's.
const asRoot = `
mount -t tmpfs tmpfs /run
ip link set lo up
mount -t tmpfs -o size=1g tmpfs "$1/data"
` + podmanScript

// userScript gives the machine's nobody what a user has, and becomes it for the command
// behind it. $1 is its folder. What makes a network's near end is root's alone on some
// machines.
const userScript = `
mount -t tmpfs tmpfs /run
ip link set lo up
for ids in subuid subgid; do mount --bind "$1/$ids" "/etc/$ids"; done
chown -R nobody:nogroup "$1"
mkdir /run/nobody && chown nobody:nogroup /run/nobody
mknod -m 666 /run/tun c 10 200 && mount --bind /run/tun /dev/net/tun
export HOME=$1 XDG_RUNTIME_DIR=/run/nobody
exec setpriv --reuid nobody --regid nogroup --clear-groups --inh-caps=-all `

const asNobody = userScript + `sh -c "$2" podman "$1"`

// podmanConfig suits machines that are containers or virtual ones: no systemd, an
// older runc, and limits that nobody may raise. Its networks are its own, not the
// machine's. Without the delay an exec leaves
// processes for five minutes.
const podmanConfig = `[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
exit_command_delay = 1
[network]
network_backend = "%s"
network_config_dir = "%s"
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
`

func startPodman(t *testing.T, images ...string) *podmanEngine {
	t.Helper()
	return startPodmanAs(t, "netavark", []string{"sh", "-c", asRoot, "podman"}, images...)
}

func startRootlessPodman(t *testing.T, images ...string) *podmanEngine {
	t.Helper()
	return startPodmanAs(t, "netavark", []string{"sh", "-ec", asNobody, "podman"}, images...)
}

// startPodmanAs starts a service that has some images of this machine's engine, and
// lets this test's programs use it.
func startPodmanAs(t *testing.T, backend string, command []string, images ...string) *podmanEngine {
	t.Helper()
	dir, err := os.MkdirTemp("", namePrefix+"-") //nolint:usetesting // t.TempDir is too long for the path of a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // beside what cleans up after containers that have ended
		eventually(t, "Podman to leave its folder", func() error { return os.RemoveAll(dir) })
	})
	e := &podmanEngine{outside: newOutside(t), t: t, dir: dir}
	for name, text := range map[string]string{
		"containers.conf": fmt.Sprintf(podmanConfig, backend, filepath.Join(dir, "networks")),
		"storage.conf":    fmt.Sprintf("[storage]\ndriver = \"overlay\"\nrunroot = %q\ngraphroot = %q\n", filepath.Join(dir, "run"), filepath.Join(dir, "data")),
		"subuid":          "nobody:200000:65536\n", "subgid": "nogroup:200000:65536\nnobody:200000:65536\n",
	} {
		writeFile(t, filepath.Join(dir, name), text)
	}
	if err := errors.Join(os.Chmod(dir, 0o711), os.Mkdir(filepath.Join(dir, "data"), 0o711)); err != nil { //nolint:gosec // nobody has to come by
		t.Fatal(err)
	}
	archive := savedImages(t, images)
	e.start(command)
	t.Setenv("DOCKER_HOST", "unix://"+dir+"/docker.sock")
	waitUntil(t, engineTimeout, func() error {
		_, err := try(t, dir, "docker", "version")
		return err
	})
	run(t, dir, "docker", "load", "--input", archive)
	return e
}

func (e *podmanEngine) start(command []string) {
	e.t.Helper()
	args := append([]string{"--net=" + string(e.place), "unshare", "--mount"}, append(command, e.dir, podmanScript)...)
	cmd := exec.Command("nsenter", args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := cmd.Start(); err != nil {
		e.t.Fatal(err)
	}
	e.t.Cleanup(func() {
		if e.t.Failed() {
			log, _ := os.ReadFile(filepath.Join(e.dir, "log"))
			e.t.Log("podman: " + tail(string(log)))
		}
		if err := errors.Join(cmd.Process.Signal(syscall.SIGTERM), cmd.Wait()); err != nil {
			e.t.Errorf("podman: %v", err)
		}
	})
}

// beyond is an address beyond the engine's machine, where this one counts who comes.
func (e *podmanEngine) beyond(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp4", net.JoinHostPort(e.hostIP, "0"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.Addr().String()
}

func TestAStackLivesItsLifeOnPodman(t *testing.T) {
	s := newStack(t)
	e := startPodman(t, s.ref)
	s.liveALife()
	s.etcdctr("up")
	out, code := s.verdict("verify", "--outside", e.beyond(t))
	if code != 0 || !strings.Contains(out, "way out") {
		t.Errorf("verify:\n%s", out)
	}
	s.changeAndRest()
	s.etcdctr("down", "--volumes", "--yes")
	s.wantNothingLeft()
}

func TestAStackLivesItsLifeOnRootlessPodman(t *testing.T) {
	s := newStack(t)
	startRootlessPodman(t, s.ref)
	s.liveALife()
	s.etcdctr("up")
	s.wantNoLocalMounts()
	s.changeAndRest()
	s.etcdctr("down", "--volumes", "--yes")
	s.wantNothingLeft()
}

// Podman gives a new volume to whom its place belongs in the image of the first container that
// has it, and that is one which brings the data. Members without TLS have no capability.
func TestAStackIsRestoredOnAPodmanThatHadNothingOfIt(t *testing.T) {
	s := newStack(t)
	startPodman(t, s.ref)
	writeFile(t, filepath.Join(s.dir, "etcdctr.yaml"), "tls: none\n")
	s.etcdctr("up")
	s.etcdctr("etcdctl", "put", "name", "kept")
	s.etcdctr("backup", "--output", "kept.tar.zst")
	s.etcdctr("down", "--volumes", "--yes")
	s.etcdctr("restore", "kept.tar.zst")
	if out := s.etcdctr("etcdctl", "get", "name"); !strings.Contains(out, "kept") {
		t.Errorf("it holds %q", out)
	}
}

// TestAdoptOnPodman adopts what Compose has started there, whose restart policies stay.
func TestAdoptOnPodman(t *testing.T) {
	bitnami := bitnamiImage(t, 6)
	startPodman(t, etcdImage(t, 6), etcdImage(t, cluster.NewestMinor), bitnami)
	s := newTheirs(t, 6, bitnami, bitnamiFile())
	eventually(t, "a write", func() error {
		_, err := try(t, s.dir, "docker", "exec", s.old("etcd1")[0], "etcdctl", "put", "name", "kept")
		return err
	})
	s.adopt("--yes", "--image", s.ref, s.name)
	if out := s.program("etcdctl", "get", "name"); !strings.Contains(out, "kept") {
		t.Errorf("it holds %q", out)
	}
	for _, name := range s.old("etcd1", "etcd2", "etcd3") {
		if state := run(t, s.dir, "docker", "inspect", "--format", "{{.State.Status}} {{.State.ExitCode}}", name+".adopted"); !strings.HasPrefix(state, "exited ") || strings.Contains(state, "137") {
			t.Errorf("%s is %s", name, state)
		}
	}
	s.program("adopt", "--forget-old", "--yes", s.name)
}

// liveDayByDay is changeAndRest with a beginning and an end.
func (s *stack) liveDayByDay() {
	s.t.Helper()
	s.etcdctr("up")
	s.changeAndRest()
	s.etcdctr("down", "--volumes", "--yes")
	s.wantNothingLeft()
}

// changeAndRest is what is done to a stack that runs, day by day.
func (s *stack) changeAndRest() {
	s.t.Helper()
	s.etcdctr("etcdctl", "put", "name", "kept")
	before := s.containers()
	writeFile(s.t, filepath.Join(s.dir, "etcdctr.yaml"), "quota-backend-bytes: 4GiB\n")
	s.etcdctr("up")
	for member, id := range s.containers() {
		if before[member] == id {
			s.t.Errorf("a changed setting has not reached %s", member)
		}
	}
	s.etcdctr("restart")
	s.etcdctr("stop")
	s.etcdctr("start")
	s.etcdctr("up", "--members", "4")
	s.etcdctr("up", "--members", "3")
	if got := s.etcdctr("exec", "etcd1", "--", "etcdctl", "get", "name", "--print-value-only"); got != "kept\n" {
		s.t.Errorf("the value is %q, want kept", got)
	}
	if out := s.etcdctr("logs", "--tail", "5"); out == "" {
		s.t.Error("the logs are empty")
	}
	s.etcdctr("backup")
	s.etcdctr("down")
	s.etcdctr("up")
	if got := s.etcdctr("etcdctl", "get", "name", "--print-value-only"); got != "kept\n" {
		s.t.Errorf("after down and up the value is %q, want kept", got)
	}
}

// Beside a Docker Engine the policy of the machine's firewall drops what Podman's
// containers send each other. What up says of it helps.
func TestABackupFolderOfRootsIsRefusedOnRootlessPodman(t *testing.T) {
	s := newStack(t)
	startRootlessPodman(t, s.ref)
	refusedBackupFolder(t, s, "65534:65534")
}

func TestAFirewallBetweenMembersOnPodmanIsNamedWithItsRemedy(t *testing.T) {
	s := newStack(t)
	e := startPodman(t, s.ref)
	inside := func(command string) { run(t, s.dir, "nsenter", "--net="+string(e.place), "sh", "-ec", command) }
	inside("sysctl -qw net.bridge.bridge-nf-call-iptables=1; iptables -P FORWARD DROP")
	_, err := s.tryEtcdctr("up", "--wait-timeout", "15s")
	wantExitCode(t, err, 1)
	const remedy = "iptables -I FORWARD -i podman+ -m physdev --physdev-is-bridged -j ACCEPT"
	wantError(t, err, "hint: "+remedy+" && etcdctr up")
	inside(remedy)
	s.etcdctr("up")
	s.wantServing()
	s.etcdctr("down", "--volumes", "--yes")
}

func TestEveryCombinationIsHealthyOnPodman(t *testing.T) {
	startPodman(t, combinationImages(t)...)
	everyCombinationIsHealthy(t)
}

func TestEveryCombinationIsHealthyOnRootlessPodman(t *testing.T) {
	startRootlessPodman(t, combinationImages(t)...)
	everyCombinationIsHealthy(t)
}

// Whoever publishes a port there gets out, which is told before, and seen by trying.
func TestMembersThatPublishOnPodmanAreSeenToGetOut(t *testing.T) {
	s := newStack(t)
	e := startPodman(t, s.ref)
	s.publish("")
	cmd := s.command("up")
	cmd.Dir = s.dir
	said, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(said), "members can reach other machines") {
		t.Errorf("up: %v\n%s", err, said)
	}
	out, code := s.verdict("verify", "--outside", e.beyond(t))
	if code != 1 || !strings.Contains(out, "way out") || !strings.Contains(out, "SURPRISE") {
		t.Errorf("verify ended with %d:\n%s", code, out)
	}
}

// fixtureTests are those of the fixture that are about the engine.
const fixtureTests = "^(TestSmokeStartGivesAReadyClusterAndLeavesNothing|TestStartKnowsEveryBootstrapAndTLSMode|" +
	"TestMembersKeepDataAndEndpoint|TestReplaceGivesANewMember.*|TestClustersOfParallelTestsDoNotMeet)$"

func TestTheTestsOfTheFixturePassOnPodman(t *testing.T) {
	wantFixture(t, startPodman(t, etcdImage(t, cluster.NewestMinor)).ip)
}

// wantFixture runs the fixture's tests on the engine that answers, whose ports are
// published at an address. testcontainers goes by the environment of its process, so
// this is another one.
func wantFixture(t *testing.T, ip string) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run", fixtureTests, "-test.v", "-test.timeout", "20m")
	cmd.Env = append(os.Environ(), "TESTCONTAINERS_HOST_OVERRIDE="+ip)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if n := strings.Count(string(out), "--- PASS: Test"); n < 5 {
		t.Errorf("%d tests passed, want 5 at least:\n%s", n, out)
	}
}

// Podman of the first years is told before anything is made.
func TestPodmanWithNetworksOfCNIIsRefused(t *testing.T) {
	s := newStack(t)
	startPodmanAs(t, "cni", []string{"sh", "-c", asRoot, "podman"}, s.ref)
	_, err := s.tryEtcdctr("up")
	wantExitCode(t, err, 1)
	wantError(t, err, `set network_backend = "netavark"`)
}
