//go:build e2e && linux

package e2e

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
)

// Members that were started from archives, on machines that are described by their hosts
// alone, lose their quorum: what they hold is brought together by their engines, or by hand.

// handedBoot is fleetBoot of machines to which somebody takes folders: they see this machine's.
var handedBoot = strings.Replace(fleetBoot, "mount -t tmpfs tmpfs ${TMPDIR:-/tmp}\n", "", 1)

// newHanded starts a cluster from archives, and has all but its first member lose their data.
func newHanded(t *testing.T) (*fleetTest, *spread, string) {
	t.Helper()
	useTodaysEngine(t)
	image := etcdImage(t, cluster.NewestMinor)
	f := newFleetThat(t, handedBoot, 3, image)
	s := f.spread(f.seats(1, 2, 3))
	s.describe(image)
	s.deploy(f.lan)
	s.wantOneCluster()
	f.etcdctr("etcdctl", "put", "key", "kept")
	if _, err := f.try("recover", "--yes"); err == nil || !strings.Contains(err.Error(), "it has a quorum") || strings.Contains(err.Error(), "by hand") {
		t.Errorf("a cluster that serves is recovered: %v", err)
	}
	for _, m := range s.machines[1:] {
		of := "label=com.docker.compose.project=" + f.name
		m.wipe(t, of, of)
	}
	return f, s, image
}

func TestMembersOfMachinesAreRecoveredByTheirEngines(t *testing.T) {
	f, s, image := newHanded(t)
	if _, err := f.try("recover", "--yes"); err == nil || !strings.Contains(err.Error(), "described by `host` alone") || !strings.Contains(err.Error(), "engine: ssh://") {
		t.Errorf("of hosts alone it says %v", err)
	}
	f.describe(f.seats(1, 2, 3), "image: "+image)
	f.etcdctr("recover", "--yes")
	f.wantValue("recovered by their engines", "kept")
	s.wantOneCluster()
	f.etcdctr("up")
	f.etcdctr("health")

	// Whoever goes on without engines does so by archives.
	s.describe(image)
	f.etcdctr("bundle")
	for _, m := range s.machines {
		run(t, s.dir, "tar", "-xzf", "bundles/"+s.name+"-"+m.member+".tar.gz")
		if _, err := s.start(m); err != nil {
			t.Error(err)
		}
	}
	s.wantOneCluster()
	f.wantValue("started from archives again", "kept")
}

func TestMembersOfMachinesAreRecoveredByHand(t *testing.T) {
	f, s, _ := newHanded(t)
	_, err := f.try("recover", "--yes")
	if err == nil {
		t.Fatal("it does what nobody can from here")
	}
	steps := regexp.MustCompile(`by hand, \d+: (.*)`).FindAllStringSubmatch(err.Error(), -1)
	if len(steps) < 10 {
		t.Fatalf("it says %v", err)
	}
	for _, step := range steps {
		f.obeyRecovery(s, step[1])
	}
	s.wantOneCluster()
	f.wantValue("recovered by hand", "kept")
	if _, err := f.try("up", "--dry-run"); err != nil {
		t.Error(err)
	}
}

// obeyRecovery does what one step says, in the folder of the cluster file or on the machine.
func (f *fleetTest) obeyRecovery(s *spread, step string) {
	f.t.Helper()
	step = strings.ReplaceAll(step, "docker compose", "docker-compose")
	step = strings.ReplaceAll(step, "THE-ONE-OF-THE-HIGHEST-REVISION", "etcd1-held")
	quoted := regexp.MustCompile("`(.*)`$").FindStringSubmatch(step)
	here, isHere := strings.CutPrefix(step, "here: ")
	switch {
	case strings.HasPrefix(step, "where "):
		if strings.HasPrefix(step, "where etcd1 has ") {
			command, _, _ := strings.Cut(step[strings.Index(step, ": ")+2:], "; then take ")
			succeed(f.t, s.machines[0].command("sh", "-c", command), s.dir)
			run(f.t, s.dir, "cp", "-r", filepath.Join(s.name+"-etcd1", "etcd1-held"), ".")
			f.here(quoted[1])
		}
	case strings.HasPrefix(step, "take "):
		for _, m := range s.machines {
			if taken, there, ok := strings.Cut(step, " to "+m.address+", and there: "); ok {
				for _, what := range strings.Split(strings.TrimPrefix(taken, "take "), " and ") {
					run(f.t, s.dir, "cp", "-r", what, m.disk)
				}
				succeed(f.t, m.command("sh", "-c", there), m.disk)
			}
		}
	case quoted != nil:
		f.here(quoted[1])
	case isHere:
		f.here(here)
	default:
		f.t.Fatalf("nobody knows where this is to be done: %s", step)
	}
}

// here runs a command of this program, or of the shell, in the folder of the cluster file.
func (f *fleetTest) here(command string) {
	f.t.Helper()
	if words, ours := strings.CutPrefix(command, "etcdctr "); ours {
		if words == "health" {
			return // which tells that it is another cluster
		}
		f.etcdctr(strings.Fields(words)...)
		return
	}
	run(f.t, f.home, "sh", "-c", command)
}
