//go:build e2e && linux

package e2e

import (
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
)

// `docker stack rm` removes the services, and with them all but the note that says which
// volumes of which nodes have the members' data.

func (s *swarmed) removeStack() {
	s.t.Helper()
	succeed(s.t, s.machines[0].engine("stack", "rm", "--detach=false", s.name), "")
	eventually(s.t, "all of the stack to be gone", func() error {
		left := s.each("network", "ls", "--quiet", "--filter", "name="+s.name) + s.each("ps", "--quiet", "--filter", "name="+s.name+"_etcd")
		if left != "" {
			return errTold(left)
		}
		return nil
	})
}

// wantAbsent wants it seen that members are gone whose data is kept.
func (s *swarmed) wantAbsent() {
	s.t.Helper()
	if out := s.do("ps"); strings.Count(out, "absent (data in the volume "+s.name+"_etcd") != len(s.nodes) {
		s.t.Errorf("ps says:\n%s", out)
	}
}

// TestWhatStackRmLeavesIsFoundAgain takes a cluster that etcdctr has started away by the
// docker command, and wants its data found by whatever comes next.
func TestWhatStackRmLeavesIsFoundAgain(t *testing.T) {
	image := etcdImage(t, cluster.NewestMinor)
	s := newSwarm(t, image).cluster(image, 0, 1, 2)
	s.do("up")
	s.do("etcdctl", "put", "key", "kept")
	s.removeStack()
	s.wantAbsent()
	wantTold(t, s.tryAll, "is down: none of its members is there, and the data is kept of etcd1, etcd2, etcd3", "health")
	plan := s.do("up", "--dry-run")
	for step := 1; step <= strings.Count(plan, "\n"); step++ {
		cmd := exec.CommandContext(t.Context(), etcdctrBinary(t), "up", "--progress", "json")
		cmd.Dir = s.dir
		if err := signalAt(t, cmd, step, syscall.SIGINT); err != nil {
			wantExitCode(t, err, 130)
		}
		s.removeStack()
		s.wantAbsent()
	}
	s.do("up")
	s.wantValue("after docker stack rm", "kept")

	// The file names other volumes than those that have the data.
	s.removeStack()
	s.do("compose", "--for", "swarm", "--output", "stack.yml")
	s.deploy("stack.yml")
	eventually(t, "the deployed stack to serve", func() error {
		_, err := s.try("etcdctl", "put", "key", "another")
		return err
	})
	_, err := s.try("up")
	wantError(t, err, "has its data in the volume "+s.name+"_etcd1-data, and the data of "+s.name+" is in", "`etcdctr down` and `etcdctr up`")
	s.wantValue("refused", "another")
	s.do("down")
	s.do("up")
	s.wantValue("brought back", "kept")
	if out, _ := s.tryAll("health"); !strings.Contains(out, "former data of etcd1, etcd2 and etcd3 is set aside") {
		t.Errorf("what was deployed beside the data is not told of:\n%s", out)
	}
	s.removeStack()
	s.wantRemovable()
}

// TestWhatStackRmLeavesOfADeployedStackIsFoundAgain has etcdctr see a cluster that the
// docker command has made, before that takes it away.
func TestWhatStackRmLeavesOfADeployedStackIsFoundAgain(t *testing.T) {
	image := etcdImage(t, cluster.NewestMinor)
	s := newSwarm(t, image).cluster(image, 0, 1, 2)
	s.do("compose", "--for", "swarm", "--output", "stack.yml")
	s.deploy("stack.yml")
	s.healthy("deployed")
	s.do("etcdctl", "put", "key", "kept")
	s.removeStack()
	s.wantAbsent()
	s.deploy("stack.yml")
	s.healthy("deployed anew")
	s.wantValue("deployed anew", "kept")
	s.removeStack()
	s.do("up")
	s.wantValue("after docker stack rm", "kept")
	s.removeStack()
	s.wantRemovable()
}

// TestASwarmThatIsBegunAnewTakesNoDataForGone has a node leave its swarm and begin another,
// which knows neither the cluster nor where its data is.
func TestASwarmThatIsBegunAnewTakesNoDataForGone(t *testing.T) {
	image := etcdImage(t, cluster.NewestMinor)
	s := newSwarm(t, image).cluster(image, 0)
	s.do("up")
	s.do("etcdctl", "put", "key", "kept")
	m := s.machines[0]
	succeed(t, m.engine("swarm", "leave", "--force"), "")
	_, errLeft := s.try("health")
	wantError(t, errLeft, "it is in no swarm", "`docker swarm join-token manager`", "`etcdctr up` says then")
	succeed(t, m.engine("swarm", "init", "--advertise-addr", m.address), "")
	volumes := func() string {
		return succeed(t, m.engine("volume", "ls", "--quiet", "--filter", "name="+s.name+"_etcd1-data"), "")
	}
	before := volumes()
	_, err := s.try("health")
	wantError(t, err, "another swarm answers now", "in volumes of its nodes still")
	if strings.Contains(err.Error(), "is gone, and has served before") {
		t.Errorf("what the former swarm has is said to be gone: %v", err)
	}
	_, err = s.try("up")
	wantError(t, err, "a member etcd1 has left its data in the volume "+strings.TrimSpace(before), "`docker swarm leave`")
	if after := volumes(); after != before {
		t.Errorf("the volumes are\n%swant\n%s", after, before)
	}
	_, told, _ := strings.Cut(err.Error(), "etcdctr backup --data-dir ")
	folder, _, _ := strings.Cut(told, " ")
	s.do("backup", "--data-dir", strings.Replace(folder, "/run/disk", m.disk, 1), "--output", "kept.tar.zst")
	s.do("restore", "kept.tar.zst", "--yes")
	s.wantValue("brought back", "kept")
	s.do("down", "--volumes", "--yes")
	s.down = true
	succeed(t, m.engine("volume", "rm", strings.TrimSpace(before)), "")
}
