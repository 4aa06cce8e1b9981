//go:build e2e

package e2e

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Some bad days are those of the whole engine. They befall one that a test has
// for itself, in network and mount namespaces of its own.

// ownEngine is a Docker Engine for one test.
type ownEngine struct {
	t   *testing.T
	dir string
}

// engineScript runs dockerd in its namespaces, again whenever it ends, as a
// service manager would. Its data is in memory, so that it can run full.
const engineScript = `
mount -t tmpfs tmpfs /run
ip link set lo up
mkdir "$1/data"
mount -t tmpfs -o size=1g tmpfs "$1/data"
echo "$2" > "$1/daemon.json"
for ids in subuid subgid; do
	[ ! -e "$1/$ids" ] || mount --bind "$1/$ids" "/etc/$ids"
done
trap 'kill $pid; wait $pid; exit 0' TERM
while :; do
	dockerd --config-file "$1/daemon.json" --data-root "$1/data" --exec-root "$1/exec" \
		--pidfile "$1/docker.pid" --host "unix://$1/docker.sock" >> "$1/log" 2>&1 &
	pid=$!
	wait $pid
done
`

const engineTimeout = time.Minute

// startEngine starts an engine that has the stack's image, and lets this test's
// programs use it.
func startEngine(t *testing.T, image string) *ownEngine {
	t.Helper()
	return startConfiguredEngine(t, image, "{}") // not this machine's
}

func startConfiguredEngine(t *testing.T, image, config string) *ownEngine {
	t.Helper()
	dir, err := os.MkdirTemp("", namePrefix+"-") //nolint:usetesting // t.TempDir is too long for the path of a socket
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o711); err != nil { //nolint:gosec // root in a container of one that maps users has to come by
		t.Fatal(err)
	}
	for _, ids := range []string{"subuid", "subgid"} { // for the same: see remappedConfig
		writeFile(t, filepath.Join(dir, ids), "nobody:200000:65536\nnogroup:200000:65536\n")
	}
	e := &ownEngine{t, dir}
	archive := filepath.Join(dir, "image.tar")
	run(t, dir, "docker", "save", "--output", archive, image)
	cmd := exec.Command("unshare", "--net", "--mount", "sh", "-c", engineScript, "engine", dir, config)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(cmd.Process.Signal(syscall.SIGTERM), cmd.Wait(), os.RemoveAll(dir)); err != nil {
			t.Error(err)
		}
	})
	t.Setenv("DOCKER_HOST", "unix://"+dir+"/docker.sock")
	e.waitUntilUp()
	run(t, dir, "docker", "load", "--input", archive)
	return e
}

func (e *ownEngine) waitUntilUp() {
	e.t.Helper()
	waitUntil(e.t, engineTimeout, func() error {
		_, err := try(e.t, e.dir, "docker", "version")
		return err
	})
}

// restart ends the engine gently, and waits for its successor.
func (e *ownEngine) restart() {
	e.t.Helper()
	before := e.pid()
	if err := syscall.Kill(before, syscall.SIGTERM); err != nil {
		e.t.Fatal(err)
	}
	waitUntil(e.t, engineTimeout, func() error {
		if e.pid() == before {
			return errors.New("the engine has not ended")
		}
		return nil
	})
	e.waitUntilUp()
}

// flushRules takes away all rules of the engine's firewall.
func (e *ownEngine) flushRules() {
	e.t.Helper()
	script := "for table in nat filter raw; do iptables -t $table -F; done; iptables -P FORWARD ACCEPT"
	run(e.t, e.dir, "nsenter", "--net=/proc/"+strconv.Itoa(e.pid())+"/ns/net", "sh", "-c", script)
}

// pid is 0 while there is no engine.
func (e *ownEngine) pid() int {
	e.t.Helper()
	data, err := os.ReadFile(filepath.Join(e.dir, "docker.pid"))
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(data)))
	if err != nil {
		return 0
	}
	return pid
}

func TestUpRecoversAfterTheEngineWasRestarted(t *testing.T) {
	s := newStack(t)
	e := startEngine(t, s.ref)
	s.etcdctr("up")
	s.etcdctr("exec", "etcd1", "--", "etcdctl", "put", "name", "kept")
	ids := s.containers()
	e.restart()
	s.etcdctr("up")
	s.wantUntouched(ids, "the engine's restart and up")
	if got := s.etcdctr("exec", "etcd1", "--", "etcdctl", "get", "name", "--print-value-only"); got != "kept\n" {
		t.Errorf("the value is %q, want kept", got)
	}
}

func TestFullDiskIsToldAndNothingIsLeft(t *testing.T) {
	s := newStack(t)
	e := startEngine(t, s.ref)
	empty := e.fill(s.ref)
	_, err := s.tryEtcdctr("up")
	wantExitCode(t, err, 1)
	wantError(t, err, "no space left on device")
	s.wantNothingLeft()
	empty()
	s.etcdctr("up")
	s.wantServing()
}
