//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
)

// `docker compose down` removes the containers, and with them all that says on the engine
// whose the volumes are. Their data is the cluster's all the same.

// composedDown starts the stack by Docker Compose, writes into it, and has Compose remove
// the containers.
func composedDown(t *testing.T) *stack {
	t.Helper()
	s := newStack(t)
	s.generate()
	s.compose("up", "--detach", "--wait")
	s.etcdctr("etcdctl", "put", "key", "kept")
	s.compose("down")
	return s
}

func (s *stack) wantVolumes(keys ...string) {
	s.t.Helper()
	var want []string
	for _, key := range keys {
		want = append(want, s.name+"_"+key)
	}
	if got := s.objects("volume"); !slices.Equal(got, want) {
		s.t.Errorf("the volumes are %v, want %v", got, want)
	}
}

func TestAnUpThatIsInterruptedKeepsWhatComposeHasLeft(t *testing.T) {
	s := composedDown(t)
	if out := s.etcdctr("ps"); strings.Count(out, "absent (data in volume "+s.name+"_etcd") != 3 {
		t.Errorf("ps says:\n%s", out)
	}
	if out := run(t, s.dir, etcdctrBinary(t), "ls"); !regexp.MustCompile(s.name + ` +docker +3 +0 `).MatchString(out) {
		t.Errorf("ls says:\n%s", out)
	}
	steps := s.steps()
	for step := 1; step <= steps; step++ {
		if err := s.signalAt(step, syscall.SIGINT); err != nil {
			wantExitCode(t, err, 130)
		}
		s.wantVolumes("etcd1-data", "etcd2-data", "etcd3-data")
		s.compose("down")
	}
	s.etcdctr("up")
	s.wantValue("etcd1", "kept")
	s.etcdctr("down", "--volumes", "--yes")
	s.wantNothingLeft()
}

func TestWhatIsLeftOfWhatComposeHasLeftIsNotFoundedAnew(t *testing.T) {
	s := composedDown(t)
	run(t, s.dir, "docker", "volume", "rm", s.name+"_etcd2-data", s.name+"_etcd3-data")
	_, err := s.tryEtcdctr("up")
	wantError(t, err, "lost its quorum", "only etcd1 still has data", "etcdctr recover")
	s.wantVolumes("etcd1-data")
	s.etcdctr("recover", "--yes")
	s.wantValue("etcd1", "kept")
}

// A project of somebody else's may have the cluster's name, and volumes of its names.
func TestVolumesOfTheClustersNamesWithSomethingElseInThemAreLeftAlone(t *testing.T) {
	s := newStack(t)
	t.Cleanup(func() {
		_, _ = output(exec.Command("docker", "volume", "rm", s.name+"_etcd1-data", s.name+"_etcd2-data"), s.dir)
	})
	for i, holds := range []string{"precious", "member"} {
		key := fmt.Sprintf("etcd%d-data", i+1)
		run(t, s.dir, "docker", "volume", "create", "--label", "com.docker.compose.project="+s.name, "--label", "com.docker.compose.volume="+key, s.name+"_"+key)
		place := strings.TrimSpace(run(t, s.dir, "docker", "volume", "inspect", "--format", "{{.Mountpoint}}", s.name+"_"+key))
		if err := os.Mkdir(filepath.Join(place, holds), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	etcdImage(t, cluster.NewestMinor)
	_, err := s.tryEtcdctr("up")
	wantError(t, err, "the data of etcd1 can't be in the volume "+s.name+"_etcd1-data", "something else in it (precious)", "the data of etcd2 can't be in", "data of etcd at its top", "--name")
	for _, words := range [][]string{{"ps"}, {"down"}, {"down", "--volumes", "--yes"}} {
		_, err := s.tryEtcdctr(words[0], words[1:]...)
		wantError(t, err, "is not etcdctr's")
	}
	s.wantVolumes("etcd1-data", "etcd2-data")
	if got := s.containers(); len(got) > 0 {
		t.Errorf("containers were made: %v", got)
	}
}

// `docker compose down --volumes` deletes the volumes in its file, and with them what was set
// aside there, but not the note of that.
func TestWhatComposeHasDeletedIsNotSetAsideAnyMore(t *testing.T) {
	s := newStack(t)
	s.generate()
	s.etcdctr("up")
	s.etcdctr("member", "replace", "etcd2")
	if r, _ := s.health(); len(r.Aside) != 1 || r.Aside[0].Member != "etcd2" {
		t.Errorf("health says that %+v is set aside", r.Aside)
	}
	run(t, s.dir, "docker-compose", "down", "--volumes")
	s.compose("up", "--detach", "--wait")
	if r, _ := s.health(); len(r.Aside) > 0 {
		t.Errorf("health says that %+v is set aside, which is deleted", r.Aside)
	}
	s.etcdctr("down", "--volumes", "--yes")
	s.wantNothingLeft()
}

// A `docker compose up` of more members that fails before it makes their containers leaves
// volumes in which nothing is.
func TestVolumesThatComposeHasOnlyBegunAreTheClusters(t *testing.T) {
	s := newStack(t)
	s.generate("--members", "1", "--tls", "none")
	s.up()
	for _, key := range []string{"etcd2-data", "etcd3-data"} {
		run(t, s.dir, "docker", "volume", "create", "--label", "com.docker.compose.project="+s.name, "--label", "com.docker.compose.volume="+key, s.name+"_"+key)
	}
	if out := s.etcdctr("ps"); strings.Contains(out, "etcd2") {
		t.Errorf("a volume in which nothing is makes a member:\n%s", out)
	}
	for _, words := range [][]string{{"up", "--members", "2", "--tls", "none"}, {"down", "--volumes", "--yes"}} {
		cmd := s.command(words[0], words[1:]...)
		cmd.Dir = s.dir
		out, err := cmd.CombinedOutput()
		if err != nil || strings.Contains(string(out), "is left alone") {
			t.Errorf("%v: %v\n%s", words, err, out)
		}
	}
	s.wantNothingLeft()
}
