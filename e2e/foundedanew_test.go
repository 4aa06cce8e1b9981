//go:build e2e

package e2e

import (
	"strings"
	"testing"
)

// A cluster that Compose has founded anew, from the same file and so under the same ID, is
// told from the one that served before, and one that Compose has only started anew is not.
func TestComposeThatFoundsAClusterAnewIsTold(t *testing.T) {
	s := newStack(t)
	s.generate("--tls", "none")
	said := func(want string, args ...string) {
		t.Helper()
		cmd := s.command(args[0], args[1:]...)
		cmd.Dir = s.dir
		if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), want) {
			t.Errorf("%s ends with %v, want %q:\n%s", args, err, want, out)
		}
	}
	const another = "is not the cluster that has served before"
	s.up()
	s.etcdctr("health")
	s.compose("down")
	s.up()
	s.etcdctr("health")
	s.etcdctr("doctor")
	s.compose("down", "--volumes")
	s.up()
	said(another, "health")
	said(another, "doctor")
	said(another, "up", "--tls", "none")
	s.etcdctr("up", "--tls", "none")
	s.etcdctr("health")
	s.compose("down", "--volumes")
	said("is gone, and has served before", "health")
	said("is gone, and has served before", "doctor")
}
