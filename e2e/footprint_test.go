//go:build e2e

package e2e

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr/cluster"
)

// TestTheSuiteTwiceAtOnceLeavesAnEngineAsItWas runs some of the suite, tests
// that let their clusters fail among them, in two processes side by side on an
// engine that nobody else uses but for a stack in service.
func TestTheSuiteTwiceAtOnceLeavesAnEngineAsItWas(t *testing.T) {
	e := newEngine(t)
	e.start()
	image := etcdImage(t, cluster.NewestMinor)
	e.load(image)
	t.Setenv("DOCKER_HOST", "unix://"+e.socket())
	s := newStack(t)
	s.generate()
	s.up()
	theirs, before := s.containers(), inventory(t)
	const some = "^(TestSmokeStart|TestSmokeUpAndCompose|TestReplace|TestAFailed|TestRyukFinds)"
	results := make(chan error)
	for range 2 {
		go func() {
			_, err := output(exec.Command("nsenter", "--net="+string(e.place), os.Args[0], "-test.run", some), "")
			results <- err
		}()
	}
	for range 2 {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	if diff := cmp.Diff(before, inventory(t)); diff != "" {
		t.Errorf("the engine after the suite (-before +after):\n%s", diff)
	}
	s.wantUntouched(theirs, "the suite")
	s.wantMembers(3)
}

// inventory lists by their IDs all that an engine has.
func inventory(t *testing.T) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	for what, list := range map[string]string{
		"containers": "ps --all --quiet", "networks": "network ls --quiet", "volumes": "volume ls --quiet", "images": "images --all --quiet",
	} {
		ids := strings.Fields(run(t, "", "docker", strings.Fields(list)...))
		slices.Sort(ids)
		all[what] = ids
	}
	return all
}
