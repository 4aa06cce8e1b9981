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

// shareWithComposeVersion2 has both programs work on the stack by turns. What Compose
// of version 2 has made goes on. What up has made it makes anew once, as it does with
// what version 5 has made by the same file: their hashes of a folder that is mounted
// differ. The data stays.
func (s *stack) shareWithComposeVersion2() {
	s.t.Helper()
	s.generate()
	s.compose("up", "--detach", "--wait")
	theirs := s.containers()
	s.etcdctr("up")
	s.etcdctr("up", "--file-compose", "docker-compose.yml")
	s.wantUntouched(theirs, "etcdctr up after docker compose up")
	s.compose("up", "--detach", "--wait")
	s.wantUntouched(theirs, "docker compose up after that")
	s.etcdctr("down", "--volumes", "--yes")
	s.wantNothingLeft()

	s.etcdctr("up")
	s.etcdctr("etcdctl", "put", "name", "kept")
	s.compose("up", "--detach", "--wait")
	theirs = s.containers()
	s.etcdctr("up")
	s.wantUntouched(theirs, "etcdctr up after docker compose up has made them anew")
	if got := s.etcdctr("etcdctl", "get", "name", "--print-value-only"); got != "kept\n" {
		s.t.Errorf("the value is %q, want kept", got)
	}
}

// It refuses start intervals where the engine has none.
func TestComposeOfVersion2StartsWhatUpLeavesAlone(t *testing.T) {
	s := newStack(t)
	useComposeVersion2(t)
	s.publish("")
	s.shareWithComposeVersion2()
}

func TestComposeOfVersion2StartsWhatUpLeavesAloneOnTodaysEngine(t *testing.T) {
	s := newStack(t)
	useComposeVersion2(t)
	useTodaysEngine(t)
	startConfiguredEngine(t, s.ref, todaysConfig)
	wantTodaysAPI(t)
	s.publish("")
	s.shareWithComposeVersion2()
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
