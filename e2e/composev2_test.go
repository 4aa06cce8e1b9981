//go:build e2e && linux

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// useComposeVersion2 has this test's docker-compose be the last of version 2.
func useComposeVersion2(t *testing.T) {
	t.Helper()
	program, err := exec.LookPath("docker-compose-2")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Symlink(program, filepath.Join(dir, "docker-compose")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	wantOutput(t, "Docker Compose version v2.", "docker-compose", "version")
}

// It refuses start intervals where the engine has none.
func TestComposeOfVersion2AndUpLeaveEachOthersStackAlone(t *testing.T) {
	s := newStack(t)
	useComposeVersion2(t)
	s.publish("")
	s.shareWithCompose()
}

func TestComposeOfVersion2AndUpLeaveEachOthersStackAloneOnTodaysEngine(t *testing.T) {
	s := newStack(t)
	useComposeVersion2(t)
	useTodaysEngine(t)
	startConfiguredEngine(t, s.ref, todaysConfig)
	wantTodaysAPI(t)
	s.publish("")
	s.shareWithCompose()
}

// A file that was made before an engine was asked has start intervals, and so have the
// containers that Compose of version 5 made by it: they go on.
func TestContainersThatWereMadeWithAStartIntervalGoOn(t *testing.T) {
	s := newStack(t)
	host := os.Getenv("DOCKER_HOST")
	t.Setenv("DOCKER_HOST", "unix://"+s.dir+"/no-engine.sock")
	s.generate()
	t.Setenv("DOCKER_HOST", host)
	s.compose("up", "--detach", "--wait")
	theirs := s.containers()
	s.etcdctr("up")
	s.wantUntouched(theirs, "etcdctr up of what a file of another machine started")
	s.compose("up", "--detach", "--wait")
	s.wantUntouched(theirs, "docker compose up after that")
}
