//go:build e2e && linux

package e2e

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Today's Docker Engine as somebody who is not root, as dockerd-rootless.sh starts it:
// rootlesskit gives it users, a network by way of slirp4netns and mounts of its own.

// rootlessScript runs the engine as a machine's nobody. $1 is its folder.
const rootlessScript = `
mount --make-rshared /` + userScript + `\
	rootlesskit --state-dir="$1/kit" --net=slirp4netns --mtu=65520 --slirp4netns-sandbox=false --slirp4netns-seccomp=false \
	--disable-host-loopback --port-driver=builtin --copy-up=/etc --copy-up=/run --propagation=rslave \
	dockerd --rootless --config-file "$1/daemon.json" --data-root "$1/data" --exec-root /run/engine \
	--pidfile "$1/docker.pid" --host "unix://$1/docker.sock" >"$1/log" 2>&1
`

// startRootlessEngine starts an engine that has an image, and lets this test's programs
// use it.
func startRootlessEngine(t *testing.T, image string) {
	t.Helper()
	useTodaysEngine(t)
	dir, err := os.MkdirTemp("", namePrefix+"-") //nolint:usetesting // t.TempDir is too long for the path of a socket
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"subuid": "nobody:200000:65536\n", "subgid": "nogroup:200000:65536\nnobody:200000:65536\n", "daemon.json": todaysConfig,
	} {
		writeFile(t, filepath.Join(dir, name), text)
	}
	archive := filepath.Join(t.TempDir(), "image.tar")
	run(t, "", "docker", "save", "--output", archive, image)
	cmd := exec.Command("unshare", "--net", "--mount", "sh", "-ec", rootlessScript, "rootless", dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			log, _ := os.ReadFile(filepath.Join(dir, "log"))
			t.Log("the engine: " + tail(string(log)))
		}
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := errors.Join(cmd.Wait(), os.RemoveAll(dir)); err != nil {
			t.Error(err)
		}
	})
	t.Setenv("DOCKER_HOST", "unix://"+dir+"/docker.sock")
	waitUntil(t, engineTimeout, func() error {
		_, err := try(t, dir, "docker", "version")
		return err
	})
	if said := run(t, "", "docker", "info", "--format", "{{.SecurityOptions}}"); !strings.Contains(said, "name=rootless") {
		t.Fatalf("the engine is root's: %s", said)
	}
	run(t, dir, "docker", "load", "--input", archive)
}

func TestAStackLivesItsLifeOnARootlessEngine(t *testing.T) {
	s := newStack(t)
	startRootlessEngine(t, s.ref)
	wantTodaysAPI(t)
	s.publish("")
	s.liveALife()
	writeFile(t, filepath.Join(s.dir, "etcdctr.yaml"), "")
	s.liveDayByDay()
}

func TestABackupFolderOfRootsIsRefusedOnARootlessEngine(t *testing.T) {
	s := newStack(t)
	startRootlessEngine(t, s.ref)
	refusedBackupFolder(t, s, "65534:65534")
}

func TestEveryCombinationIsHealthyOnARootlessEngine(t *testing.T) {
	images := combinationImages(t)
	archive := savedImages(t, images)
	startRootlessEngine(t, images[0])
	run(t, "", "docker", "load", "--input", archive)
	everyCombinationIsHealthy(t)
}
