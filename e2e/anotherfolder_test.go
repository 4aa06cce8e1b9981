//go:build e2e

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Clusters of which nobody says a name are called the same, and so are those of a file and
// of its copy: what one folder has started, or left, is not another one's.

// neighbour is another folder with the same cluster file.
func (s *stack) neighbour() *stack {
	s.t.Helper()
	n := *s
	n.dir = s.t.TempDir()
	n.describe("")
	return &n
}

// describe names the cluster in its file.
func (s *stack) describe(more string) {
	s.t.Helper()
	writeFile(s.t, filepath.Join(s.dir, "etcdctr.yaml"), "name: "+s.name+"\nimage: "+s.ref+"\n"+more)
}

// asDescribed is a command that goes by the file alone.
func (s *stack) asDescribed(words ...string) (string, error) {
	s.t.Helper()
	return output(exec.CommandContext(s.t.Context(), etcdctrBinary(s.t), words...), s.dir)
}

// wantNobodysElse has another folder refused all that costs this one its cluster.
func (s *stack) wantNobodysElse(reason string, commands ...[]string) {
	s.t.Helper()
	n := s.neighbour()
	before := s.objects("volume")
	for _, words := range commands {
		_, err := n.asDescribed(words...)
		wantExitCode(s.t, err, 1)
		wantError(s.t, err, reason, "`--name "+s.name+"` says that it is meant")
		if _, err := os.Stat(filepath.Join(n.dir, "certs")); err == nil {
			s.t.Errorf("%v has made certificates", words)
		}
	}
	s.wantVolumes(keysOf(s, before)...)
}

func keysOf(s *stack, volumes []string) []string {
	var keys []string
	for _, v := range volumes {
		keys = append(keys, v[len(s.name+"_"):])
	}
	return keys
}

func TestWhatAnotherFolderHasStartedOrLeftIsNotTakenOver(t *testing.T) {
	s := newStack(t)
	s.describe("tls: none\n")
	must := func(words ...string) {
		t.Helper()
		if _, err := s.asDescribed(words...); err != nil {
			t.Fatalf("%v: %v", words, err)
		}
	}
	started := "was started in " + s.dir
	changing := [][]string{{"up"}, {"compose"}, {"stop"}, {"down"}, {"restart"}, {"member", "replace", "etcd1"}, {"down", "--volumes", "--yes"}, {"recover", "--yes"}, {"restore", "--undo", "--yes"}, {"restore", "--discard", "--yes"}}
	deleting := [][]string{{"up"}, {"compose"}, {"down", "--volumes", "--yes"}}
	must("up")
	must("etcdctl", "put", "key", "kept")
	s.wantNobodysElse(started, changing...)
	must("stop")
	s.wantNobodysElse(started, changing...)
	must("start", "etcd1")
	s.wantNobodysElse(started, []string{"recover", "--yes"})
	if out, err := s.asDescribed("ps"); err != nil || !strings.Contains(out, "running for") {
		t.Errorf("a recovery that is refused has stopped a member: %v\n%s", err, out)
	}
	must("stop")
	must("down")
	s.wantNobodysElse(started, deleting...)
	must("up")
	for _, id := range s.containers() {
		run(t, s.dir, "docker", "rm", "--force", id)
	}
	s.wantNobodysElse(started, deleting...)
	must("up")
	s.wantValue("etcd1", "kept")
	must("down", "--volumes", "--yes")
	s.wantNothingLeft()
}

func TestWhatComposeHasLeftForAnotherFolderIsNotTakenOver(t *testing.T) {
	s := composedDown(t)
	s.wantNobodysElse("no certificates of it are in this folder", []string{"up"}, []string{"down", "--volumes", "--yes"})
	s.etcdctr("up")
	s.wantValue("etcd1", "kept")
	s.etcdctr("down", "--volumes", "--yes")
	s.wantNothingLeft()
}
