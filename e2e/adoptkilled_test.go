//go:build e2e

package e2e

import (
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
)

// TestAdoptionsGoOnWhereverTheyWereKilled kills each of the ways that put data into
// new servers, later and later, until one comes to its end.
func TestAdoptionsGoOnWhereverTheyWereKilled(t *testing.T) {
	for _, way := range []struct {
		name  string
		begin func(*testing.T) (s *theirs, old, names []string)
		runs  bool
	}{
		{"in place", func(t *testing.T) (*theirs, []string, []string) {
			t.Helper()
			names := []string{"etcd1", "etcd2", "etcd3"}
			return newTheirs(t, cluster.NewestMinor, bitnamiImage(t, cluster.NewestMinor), bitnamiFile()), names, names
		}, true},
		{"by copying", func(t *testing.T) (*theirs, []string, []string) {
			t.Helper()
			return newTheirs(t, cluster.NewestMinor, etcdImage(t, cluster.NewestMinor), plainFile()), []string{"n0", "n1", "n2"}, []string{"etcd1", "etcd2", "etcd3"}
		}, false},
	} {
		t.Run(way.name, func(t *testing.T) {
			t.Setenv("TMPDIR", t.TempDir()) // a run that is killed leaves there what it has copied
			s, old, names := way.begin(t)
			before := s.fill(s.config(s.old(old...)...))
			if !way.runs {
				s.compose("kill")
			}
			kills := 0
			for at := 1; s.killedAt(at, "--yes", "--image", s.ref, s.name); at += kills { // 1, 2, 4, 7, 11 …
				kills++
			}
			if kills < 4 {
				t.Errorf("it was killed %d times only", kills)
			}
			s.wantAdopted(before, false, names, old...)
		})
	}
}

// killedAt kills an adoption once so many things were begun or done; false if it has
// come to its end before.
func (s *theirs) killedAt(at int, args ...string) bool {
	s.t.Helper()
	told := 0
	return s.killedOnce(func(is progressLine) bool {
		if is.Action != "" {
			told++
		}
		return told == at
	}, args...)
}
