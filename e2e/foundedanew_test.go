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
	try := func(args ...string) (string, error) {
		cmd := s.command(args[0], args[1:]...)
		cmd.Dir = s.dir
		out, err := cmd.CombinedOutput()
		return string(out), err
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
	wantTold(t, try, another, "health", "doctor", "up --tls none")
	s.etcdctr("up", "--tls", "none")
	s.etcdctr("health")
	s.compose("down", "--volumes")
	wantTold(t, try, "is gone, and has served before", "health", "doctor")
}

// wantTold wants commands to fail and to say something.
func wantTold(t *testing.T, try func(args ...string) (string, error), want string, commands ...string) {
	t.Helper()
	for _, command := range commands {
		if out, err := try(strings.Fields(command)...); err == nil || !strings.Contains(out, want) {
			t.Errorf("%s ends with %v, want %q:\n%s", command, err, want, out)
		}
	}
}
