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
	s := newStack(t)
	s.startByComposeVersion1()
	before := s.containers()
	s.composeVersion1("up", "--detach")
	s.wantUntouched(before, "a second docker-compose up")
	s.takeOverFromComposeVersion1()
}

// On Podman members have fixed addresses besides, and stay on theirs. A second
// docker-compose up is not tried: it takes what Podman says of the network for a change.
func TestDockerComposeOfVersion1StartsAClusterOnPodmanThatUpTakesOver(t *testing.T) {
	s := newStack(t)
	startPodman(t, s.ref)
	s.startByComposeVersion1()
	s.takeOverFromComposeVersion1()
}

func (s *stack) composeVersion1(args ...string) string {
	s.t.Helper()
	return run(s.t, s.dir, composeVersion1, append([]string{"--project-name", s.name}, args...)...)
}

func (s *stack) startByComposeVersion1() {
	s.t.Helper()
	wantOutput(s.t, "docker-compose version 1.29", composeVersion1, "--version")
	writeFile(s.t, filepath.Join(s.dir, "docker-compose.yml"), s.etcdctr("compose", "--for", "v1"))
	s.composeVersion1("up", "--detach")
	waitUntil(s.t, readyTimeout, func() error {
		_, err := s.tryEtcdctr("health")
		return err
	})
	if out := s.composeVersion1("exec", "-T", "etcd1", "etcdctl", "put", "name", "kept"); !strings.Contains(out, "OK") {
		s.t.Errorf("put: %s", out)
	}
}

func (s *stack) takeOverFromComposeVersion1() {
	s.t.Helper()
	names := func() []string {
		filter := "label=com.docker.compose.project=" + s.name
		return strings.Fields(run(s.t, s.dir, "docker", "ps", "--all", "--format", "{{.Names}}", "--filter", filter))
	}
	if got := names(); !slices.Contains(got, s.name+"_etcd1_1") {
		s.t.Errorf("the containers are called %v", got)
	}
	s.etcdctr("up")
	s.wantServing()
	if got := s.etcdctr("etcdctl", "get", "name", "--print-value-only"); got != "kept\n" {
		s.t.Errorf("the value is %q, want kept", got)
	}
	if got := names(); len(got) != 3 {
		s.t.Errorf("there are %v, want 3 containers", got)
	}
}
