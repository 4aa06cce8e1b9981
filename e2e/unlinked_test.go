//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What is in a volume or folder of an engine of this machine may be deleted while the
// member runs: it is told of, nobody stops the member, and what it holds can be kept.
func TestDataThatIsDeletedInAVolumeWhileItsMemberRunsIsToldOf(t *testing.T) {
	if os.Getuid() != 0 {
		t.Fatal("who is not root sees no files of an engine's processes")
	}
	s := newStack(t)
	s.etcdctr("up", "--members", "1", "--tls", "none")
	s.etcdctr("etcdctl", "put", "a", "1")
	data := strings.TrimSpace(run(t, s.dir, "docker", "volume", "inspect", "--format", "{{.Mountpoint}}", s.name+"_etcd1-data"))
	if err := os.RemoveAll(filepath.Join(data, "data")); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"health"}, {"down"}, {"restart"}} {
		cmd := s.command(args[0], args[1:]...)
		cmd.Dir = s.dir
		out, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(out), "etcd1: its data was deleted from "+s.name+"_etcd1-data while it runs") {
			t.Errorf("%v: %v\n%s", args, err, out)
		}
	}
	kept := filepath.Join(s.dir, "kept.tar.zst")
	s.etcdctr("backup", "--output", kept)
	s.etcdctr("restore", "--yes", kept)
	if got := s.etcdctr("etcdctl", "get", "a", "--print-value-only"); strings.TrimSpace(got) != "1" {
		t.Errorf("what was kept holds %q", got)
	}
	s.etcdctr("health")
}
