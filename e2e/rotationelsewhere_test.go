//go:build e2e && linux

package e2e

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/etcdctr/etcdctr/certs"
	"github.com/etcdctr/etcdctr/cluster"
)

// Authorities are replaced under members that don't see the files of this machine: they
// have copies, or keep the files that they were made with.

// wantRotated replaces the authorities of a cluster by one command, and wants members that
// serve with what is in the folder then.
func wantRotated(t *testing.T, dir string, etcdctr func(args ...string) (string, error)) {
	t.Helper()
	authority := filepath.Join(dir, "certs/ca/client", certs.CertFile)
	was := readFile(t, authority)
	for _, args := range [][]string{{"certs", "rotate-ca"}, {"health"}, {"etcdctl", "put", "key", "value"}, {"up", "--dry-run"}} {
		out, err := etcdctr(args...)
		if err != nil {
			t.Fatalf("etcdctr %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		if args[0] == "up" && strings.Contains(out, "1.") {
			t.Errorf("up would do something:\n%s", out)
		}
	}
	if readFile(t, authority) == was {
		t.Error("the authority is the old one")
	}
}

func TestARotationReachesTheNodesOfASwarm(t *testing.T) {
	image := etcdImage(t, cluster.NewestMinor)
	s := newSwarm(t, image).cluster(image, 0, 1, 2)
	s.do("up")
	s.describe("snapshot-count: 5000\n")
	_, err := s.try("certs", "rotate-ca")
	wantError(t, err, "made anew", "etcd1 (snapshot-count", "`etcdctr up`")
	s.do("up")
	wantRotated(t, s.dir, s.try)
}

func TestARotationReachesTheMachinesOfAFleet(t *testing.T) {
	useTodaysEngine(t)
	image := etcdImage(t, cluster.NewestMinor)
	f := newFleet(t, 3, image)
	f.describe(f.seats(1, 2, 3), "image: "+image)
	f.etcdctr("up")
	wantRotated(t, f.home, f.try)
	f.etcdctr("certs", "rotate-ca", "--now")
	f.etcdctr("health")
	f.etcdctr("down", "--volumes", "--yes")
	f.wantNothingLeft()
}

// The service that takes the backups has copies, too.
func TestARotationReachesAnEngineElsewhere(t *testing.T) {
	image := etcdImage(t, cluster.NewestMinor)
	e := newEngineElsewhere(t, image, "{}")
	s := newStack(t)
	e.byTLS(t)
	o := s.backedUp(t.TempDir())
	o.fetch = func() { run(t, "", "docker", "cp", s.name+"-backup-1:/backups/.", o.backups) } // which are over there
	writeFile(t, filepath.Join(s.dir, "etcdctr.yaml"), "backup: {destination: /tmp/backups, continuous: true}\n")
	s.etcdctr("up")
	o.wantKept()
	wantRotated(t, s.dir, o.etcdctr)
	o.wantKept()
	o.wantNeverRefused()
	s.etcdctr("down", "--volumes", "--yes", "--no-backup")
	s.wantNothingLeft()
}
