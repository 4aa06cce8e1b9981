//go:build e2e && linux

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Whoever chooses another engine, by DOCKER_HOST or a context, or has one answer where another
// did, finds nothing of the cluster there, and its data is not gone.
func TestAClusterOnAnotherEngineIsNotSaidToBeGone(t *testing.T) {
	s := newStack(t)
	other := "unix://" + newLAN(t, ipv4).addMachine(1).disk + "/engine.sock"
	way := filepath.Join(t.TempDir(), "engine.sock")
	lead := func(to string) {
		t.Helper()
		_ = os.Remove(way)
		if err := os.Symlink(to, way); err != nil {
			t.Fatal(err)
		}
	}
	lead("/var/run/docker.sock")
	t.Setenv("DOCKER_HOST", "unix://"+way)
	s.etcdctr("up")

	t.Setenv("DOCKER_HOST", other)
	for _, words := range [][]string{{"health"}, {"ps"}} {
		_, err := s.tryEtcdctr(words[0])
		wantError(t, err, "has served from this folder on unix://"+way+", and there is nothing of it on "+other)
	}
	t.Setenv("DOCKER_HOST", "unix://"+way)
	lead(other[len("unix://"):])
	_, err := s.tryEtcdctr("health")
	wantError(t, err, "another engine answers now at unix://"+way+" than the one that it was on")
	if strings.Contains(err.Error(), "is gone, and has served before") {
		t.Errorf("what is on another engine is said to be gone: %v", err)
	}

	lead("/var/run/docker.sock")
	s.etcdctr("health")
	s.etcdctr("down", "--volumes", "--yes")
	s.wantNothingLeft()
}
