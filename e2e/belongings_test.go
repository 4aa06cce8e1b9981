//go:build e2e

package e2e

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/compose"
)

// What a Compose project holds besides the stack is not the stack's to touch.

// besideFile is an application beside the members, as docs/compose.md has it.
const besideFile = `
services:
  app:
    image: IMAGE
    entrypoint: [/usr/local/bin/etcdctl, watch, x]
    environment: {ETCDCTL_ENDPOINTS: "http://etcd1:2379"}
    volumes: ["appdata:/data"]
    networks: [NETWORK]
volumes: {appdata: }
`

func (s *stack) objects(kind string) []string {
	s.t.Helper()
	list := strings.Fields(run(s.t, s.dir, "docker", kind, "ls", "--filter", "label=com.docker.compose.project="+s.name, "--format", "{{.Name}}"))
	slices.Sort(list)
	return list
}

func TestAnApplicationBesideTheStackIsLeftAlone(t *testing.T) {
	s := newStack(t)
	s.generate("--tls", "none", "--members", "1")
	writeFile(t, filepath.Join(s.dir, "docker-compose.override.yml"), strings.NewReplacer("IMAGE", etcdImage(t, cluster.NewestMinor), "NETWORK", compose.ClusterNetwork).Replace(besideFile))
	both := []string{"--file", "docker-compose.yml", "--file", "docker-compose.override.yml"}
	s.compose(append(both, "up", "--detach", "--wait", "etcd1", "app")...)
	app := s.containers()["app"]

	s.etcdctr("stop")
	s.etcdctr("start")
	s.etcdctr("restart")
	s.etcdctr("down")
	s.etcdctr("down", "--volumes", "--yes")
	if now := s.containers(); len(now) != 1 || now["app"] != app {
		t.Errorf("the containers are %v, want the application as it was, %s", now, app)
	}
	if got, want := s.objects("volume"), []string{s.name + "_appdata"}; !slices.Equal(got, want) {
		t.Errorf("the volumes are %v, want %v", got, want)
	}
	if got, want := s.objects("network"), []string{compose.NetworkOf(s.name)}; !slices.Equal(got, want) {
		t.Errorf("the networks are %v, want %v, which the application is on", got, want)
	}

	for _, words := range [][]string{{"down"}, {"down", "--volumes", "--yes"}, {"stop"}, {"start"}, {"restart"}} {
		_, err := s.tryEtcdctr(words[0], words[1:]...)
		wantError(t, err, "is not etcdctr's", s.name+"-app-1")
	}
	if s.containers()["app"] != app {
		t.Error("the application was touched")
	}
}
