//go:build e2e

package e2e

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// composeVersion1 is Debian's docker-compose; the one on the suite's PATH is today's.
const composeVersion1 = "/usr/bin/docker-compose"

// What docker-compose 1.29 has started under other names is found and taken over, and
// no second set of members is started on its data.
func TestDockerComposeOfVersion1StartsAClusterThatUpTakesOver(t *testing.T) {
	wantOutput(t, "docker-compose version 1.29", composeVersion1, "--version")
	s := newStack(t)
	writeFile(t, filepath.Join(s.dir, "docker-compose.yml"), s.etcdctr("compose", "--for", "v1"))
	old := func(args ...string) string {
		return run(t, s.dir, composeVersion1, append([]string{"--project-name", s.name}, args...)...)
	}
	old("up", "--detach")
	waitUntil(t, readyTimeout, func() error {
		_, err := s.tryEtcdctr("health")
		return err
	})
	if out := old("exec", "-T", "etcd1", "etcdctl", "put", "name", "kept"); !strings.Contains(out, "OK") {
		t.Errorf("put: %s", out)
	}
	before := s.containers()
	old("up", "--detach")
	s.wantUntouched(before, "a second docker-compose up")
	names := func() []string {
		filter := "label=com.docker.compose.project=" + s.name
		return strings.Fields(run(t, s.dir, "docker", "ps", "--all", "--format", "{{.Names}}", "--filter", filter))
	}
	if got := names(); !slices.Contains(got, s.name+"_etcd1_1") {
		t.Errorf("the containers are called %v", got)
	}
	s.etcdctr("up")
	s.wantServing()
	if got := s.etcdctr("etcdctl", "get", "name", "--print-value-only"); got != "kept\n" {
		t.Errorf("the value is %q, want kept", got)
	}
	if got := names(); len(got) != 3 {
		t.Errorf("there are %v, want 3 containers", got)
	}
}
