//go:build e2e && linux

package e2e

import (
	"strings"
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/compose"
)

// Swarm says of a task that somebody has paused that it runs.
func TestASwarmTellsWhoIsPaused(t *testing.T) {
	image := etcdImage(t, cluster.NewestMinor)
	s := newSwarm(t, image).cluster(image, 0, 1, 2)
	s.do("up")
	paused := strings.TrimSpace(succeed(t, s.machines[0].engine("ps", "--quiet", "--filter", "name="+s.name+"_etcd1"), ""))
	succeed(t, s.machines[0].engine("pause", paused), "")
	if out := s.do("ps"); !strings.Contains(out, "paused") {
		t.Errorf("ps says:\n%s", out)
	}
	if out, err := s.tryAll("health"); err == nil || !strings.Contains(out, "it is paused") {
		t.Errorf("health says:\n%s", out)
	}
	s.do("up")
	s.healthy("a member goes on")
}

// Somebody is on the members' network when the cluster goes: it stays until nobody is, and
// what has its name and was made by something else stays for good.
func TestASwarmThatIsGoneLeavesANetworkThatIsInUse(t *testing.T) {
	image := etcdImage(t, cluster.NewestMinor)
	s := newSwarm(t, image).cluster(image, 0, 1, 2)
	s.do("up")
	network := compose.NetworkOf(s.name)
	succeed(t, s.machines[0].engine("run", "--detach", "--name", "app", "--network", network, image), "")
	t.Cleanup(func() { _ = s.machines[0].engine("rm", "--force", "app").Run() })
	down := func(want string) {
		t.Helper()
		if out, err := s.tryAll("down", "--volumes", "--yes"); err != nil || !strings.Contains(out, want) {
			t.Errorf("down ends with %v, and says, without %q:\n%s", err, want, out)
		}
	}
	down("container app on machine1 is on it")
	down("only what somebody else uses")
	succeed(t, s.machines[0].engine("rm", "--force", "app"), "")
	down("what " + s.name + " had left is gone, too")
	down("nothing to do")

	succeed(t, s.machines[0].engine("network", "create", "--driver", "overlay", network), "")
	down("nothing to do")
	succeed(t, s.machines[0].engine("network", "rm", network), "")
	s.down = true
}
