//go:build e2e && linux

package e2e

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/compose"
)

// What becomes of the data of members on nodes that no engine reaches at once.

// shareOwnImage does what is said where a node does not have this program's image:
// the engine that is asked has got it.
func (s *swarmed) shareOwnImage() {
	s.t.Helper()
	s.do("health")
	archive := filepath.Join(s.t.TempDir(), "own.tar")
	succeed(s.t, s.machines[0].engine("save", "--output", archive, compose.OwnImage), "")
	for _, m := range s.machines[1:] {
		m.load(archive)
	}
}

func (s *swarmed) wantValue(what, want string) {
	s.t.Helper()
	if got := s.do("etcdctl", "get", "--print-value-only", "key"); got != want+"\n" {
		s.t.Errorf("%s: the value is %q, want %s", what, got, want)
	}
}

// TestASwarmIsRestoredAndRecovered brings a backup back, and what was there before it,
// and makes a cluster of the data of one member whose others have lost theirs.
func TestASwarmIsRestoredAndRecovered(t *testing.T) {
	image := etcdImage(t, cluster.NewestMinor)
	s := newSwarm(t, image).cluster(image, 0, 1, 2)
	s.do("up")
	archive := filepath.Join(s.dir, "kept.etcdctr")
	s.do("etcdctl", "put", "key", "before")
	s.do("backup", "--output", archive)
	s.do("etcdctl", "put", "key", "after")
	if _, err := s.try("restore", "--yes", archive); err == nil || !strings.Contains(err.Error(), compose.OwnImage) {
		t.Errorf("nodes without this program's image are filled: %v", err)
	}
	s.wantValue("after a restoration that could not be", "after")
	s.shareOwnImage()
	s.do("restore", "--yes", archive)
	s.wantValue("restored", "before")
	s.healthy("restored")
	s.do("restore", "--undo", "--yes")
	s.do("up")
	s.wantValue("undone", "after")

	s.do("stop", "etcd1", "etcd2")
	s.wipe(s.machines[:2]...)
	s.do("recover", "--yes")
	s.wantValue("recovered", "after")
	s.healthy("recovered")
	s.wantRemovable()
}

// wipe deletes what is of the cluster on machines, behind the back of everybody.
func (s *swarmed) wipe(machines ...*machine) {
	s.t.Helper()
	for _, m := range machines {
		m.wipe(s.t, "label=com.docker.stack.namespace="+s.name, "name="+s.name)
	}
}

// TestASwarmThatIsFoundedAnewIsTold has the docker command take a cluster away with its
// data, and found it anew of the same file.
func TestASwarmThatIsFoundedAnewIsTold(t *testing.T) {
	image := etcdImage(t, cluster.NewestMinor)
	s := newSwarm(t, image).cluster(image, 0, 1, 2)
	s.do("compose", "--for", "swarm", "--output", "stack.yml")
	s.deploy("stack.yml")
	s.healthy("founded")
	s.do("up") // from now on it is this folder's
	s.do("etcdctl", "put", "key", "value")
	s.do("health")
	succeed(t, s.machines[0].engine("stack", "rm", "--detach=false", s.name), "")
	s.wipe(s.machines...)
	eventually(t, "the network to be gone", func() error {
		if left := s.each("network", "ls", "--quiet", "--filter", "name="+s.name); left != "" {
			return errTold(left)
		}
		return nil
	})
	// That the volumes of other nodes are gone, no call of a swarm's tells.
	s.deploy("stack.yml")
	const another = "is not the cluster that has served before"
	eventually(t, "the new cluster to be told", func() error {
		out, err := s.tryAll("health")
		if err == nil {
			t.Fatalf("health is content with\n%s", out)
		}
		if !strings.Contains(out, another) {
			return errTold(out)
		}
		return nil
	})
	wantTold(t, s.tryAll, another, "doctor", "up")
	s.do("up") // it has been told
	s.do("health")
	s.wantRemovable()
}

// wantRemovable takes the cluster down with its data, does what is said of the volumes
// of other nodes, and wants nothing left.
func (s *swarmed) wantRemovable() {
	s.t.Helper()
	cmd := exec.Command(etcdctrBinary(s.t), "down", "--volumes", "--yes", "--progress", "quiet")
	cmd.Dir = s.dir
	said, err := cmd.CombinedOutput()
	if err != nil {
		s.t.Fatalf("%v: %s", err, said)
	}
	if strings.Contains(string(said), "its data too") {
		s.t.Errorf("volumes of other nodes are left, and it ends with\n%s", said)
	}
	for _, told := range regexp.MustCompile("on (\\S+): `docker (volume rm [^`]+)`").FindAllStringSubmatch(string(said), -1) {
		for i, m := range s.machines {
			if node(i) == told[1] {
				s.removeVolumes(m, strings.Fields(told[2])[2:])
			}
		}
	}
	if left := s.each("volume", "ls", "--quiet", "--filter", "name="+s.name); left != "" {
		s.t.Errorf("these volumes are left:\n%safter\n%s", left, said)
	}
}

// removeVolumes deletes volumes of a machine, as soon as Swarm has removed the tasks that had
// them. One that was never used has never been made.
func (s *swarmed) removeVolumes(m *machine, volumes []string) {
	s.t.Helper()
	eventually(s.t, "volumes to be removed", func() error {
		_, err := output(m.engine(append([]string{"volume", "rm", "--force"}, volumes...)...), "")
		if err != nil {
			succeed(s.t, m.engine("container", "prune", "--force"), "") // as the page says
		}
		return err
	})
}

// TestASwarmTellsOfStrangers wants whoever is on the members' network named, on
// whichever node.
func TestASwarmTellsOfStrangers(t *testing.T) {
	image := etcdImage(t, cluster.NewestMinor)
	s := newSwarm(t, image).cluster(image, 0, 1, 2)
	s.do("up")
	s.do("verify")
	network := compose.NetworkOf(s.name)
	succeed(t, s.machines[1].engine("run", "--detach", "--name", "stranger", "--network", network, image), "")
	t.Cleanup(func() { _ = s.machines[1].engine("rm", "--force", "stranger").Run() })
	service := s.name + "x_web"
	succeed(t, s.machines[0].engine("service", "create", "--detach", "--name", service, "--network", network,
		"--constraint", "node.hostname=="+node(2), image), "")
	removed := false
	remove := func() {
		if !removed {
			removed = true
			_ = s.machines[0].engine("service", "rm", service).Run()
		}
	}
	t.Cleanup(remove)
	eventually(t, "both strangers to be told", func() error {
		out, err := s.tryAll("verify")
		if err == nil || !strings.Contains(out, "service "+service) || !strings.Contains(out, "on "+node(1)) {
			return errTold(out)
		}
		return nil
	})
	remove()
	succeed(t, s.machines[1].engine("rm", "--force", "stranger"), "")
	eventually(t, "verify to be content again", func() error {
		_, err := s.try("verify")
		return err
	})
	s.do("member", "replace", "etcd2")
	s.healthy("a member is replaced")
	s.wantRemovable()
}

type errTold string

func (e errTold) Error() string { return "it says\n" + string(e) }

// tryAll gives all that a command says.
func (s *swarmed) tryAll(args ...string) (string, error) {
	cmd := exec.Command(etcdctrBinary(s.t), args...)
	cmd.Dir = s.dir
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// TestASwarmLosesItsManagers cuts the power of two of three managers under a writer:
// what is left is said, and all goes on once they are back.
func TestASwarmLosesItsManagers(t *testing.T) {
	image := etcdImage(t, cluster.NewestMinor)
	s := newSwarm(t, image).cluster(image, 0, 1, 2)
	s.do("up")
	s.do("etcdctl", "put", "key", "kept")
	for _, m := range s.machines[1:] {
		m.cutPower()
	}
	eventually(t, "the loss to be seen", func() error {
		out, err := s.tryAll("ps")
		if err == nil || !strings.Contains(out, "no majority of its managers") || !strings.Contains(out, "docker exec") {
			return errTold(out)
		}
		return nil
	})
	id := strings.TrimSpace(succeed(t, s.machines[0].engine("ps", "--quiet", "--filter", "name="+s.name+"_etcd1."), ""))
	if got := succeed(t, s.machines[0].engine("exec", id, "etcdctl", "get", "--consistency=s", "--print-value-only", "key"), ""); got != "kept\n" {
		t.Errorf("what is left gives %q", got)
	}
	for _, m := range s.machines[1:] {
		m.powerOn()
	}
	s.healthy("two managers are back")
	s.wantValue("two managers are back", "kept")
	s.takeDown()
}

// TestAutoTLSOfASwarmIsRenewedByReplacing wants the refusal to name what does it.
func TestAutoTLSOfASwarmIsRenewedByReplacing(t *testing.T) {
	image := etcdImage(t, cluster.NewestMinor)
	s := newSwarm(t, image).cluster(image, 0, 1, 2)
	s.describe("tls: auto\n")
	s.do("up")
	if out, err := s.tryAll("certs", "renew", "etcd2"); err == nil || !strings.Contains(out, "etcdctr member replace") {
		t.Errorf("certs renew says %s", out)
	}
	s.do("member", "replace", "etcd2")
	s.healthy("a member with new certificates")
}
