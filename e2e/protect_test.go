//go:build e2e

package e2e

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// What deletes a project of Compose's with its volumes leaves those alone that are
// protected, with its file and without.
func TestProtectedDataOutlivesComposeDown(t *testing.T) {
	s := newStack(t)
	writeFile(t, filepath.Join(s.dir, "etcdctr.yaml"), "protect: true\ntls: none\n")
	t.Cleanup(func() { _, _ = s.tryEtcdctr("down", "--volumes", "--yes") }) // a test that fails leaves it
	s.generate()
	s.etcdctr("up")
	s.etcdctr("etcdctl", "put", "greeting", "hello")
	for _, where := range []string{s.dir, t.TempDir()} {
		run(t, where, "docker-compose", "--project-name", s.name, "down", "--volumes", "--remove-orphans")
		if out, err := exec.Command("docker", "volume", "ls", "--quiet", "--filter", "name="+s.name+"_etcd").Output(); err != nil || strings.Count(string(out), "\n") != 3 {
			t.Fatalf("the volumes are %q, %v", out, err)
		}
		s.etcdctr("up")
		if out := s.etcdctr("etcdctl", "get", "greeting"); !strings.Contains(out, "hello") {
			t.Errorf("after down --volumes in %s: %q", where, out)
		}
		s.etcdctr("health")
	}
	s.compose("down", "--volumes")
	s.up() // Compose itself goes on from them, too
	if out := s.etcdctl("etcd1", "get", "greeting"); !strings.Contains(out, "hello") {
		t.Errorf("started by Compose: %q", out)
	}
	if out := s.etcdctr("up", "--dry-run", "--format", "json"); strings.TrimSpace(out) != "[]" {
		t.Errorf("there is something to do: %s", out)
	}
	file := filepath.Join(s.dir, "etcdctr.yaml")
	writeFile(t, file, "tls: none\n")
	if _, err := s.tryEtcdctr("up", "--dry-run"); err == nil || !strings.Contains(err.Error(), "weaker: protect: true → false") {
		t.Errorf("without the line that protects them: %v", err)
	}
	writeFile(t, file, "protect: false\ntls: none\n")
	if out := s.etcdctr("up", "--dry-run", "--format", "json"); strings.TrimSpace(out) != "[]" {
		t.Errorf("once it is said there is something to do: %s", out)
	}
	s.etcdctr("down", "--volumes", "--yes")
	if out, err := exec.Command("docker", "volume", "ls", "--quiet", "--filter", "name="+s.name).Output(); err != nil || len(out) > 0 {
		t.Errorf("after etcdctr down --volumes there is %q, %v", out, err)
	}
}
