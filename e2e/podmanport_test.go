//go:build e2e && linux

package e2e

import (
	"path/filepath"
	"strings"
	"testing"
)

// Of who listens on the engine's machine nothing is known here: the engine refuses the port
// once the old container is gone.
func TestAPortThatIsTakenCostsNoMemberOnPodman(t *testing.T) {
	s := newStack(t)
	startPodman(t, s.ref)
	writeFile(t, filepath.Join(s.dir, "etcdctr.yaml"), "publish: loopback\n")
	s.etcdctr("up")
	s.etcdctr("etcdctl", "put", "key", "value")
	other := s.name + "-other" // on the engine's machine, and with no port that the engine tells of
	run(t, s.dir, "docker", "run", "--detach", "--name", other, "--network", "host", "--user", "0", "--entrypoint", "/usr/local/bin/etcd", s.ref,
		"--data-dir", "/other", "--listen-peer-urls", "http://127.0.0.1:32380", "--listen-client-urls", "http://127.0.0.1:32379", "--advertise-client-urls", "http://127.0.0.1:32379")
	members := "publish: loopback\nmembers:\n- {name: etcd1}\n- {name: etcd2, client-port: 32379}\n- {name: etcd3}\n"
	writeFile(t, filepath.Join(s.dir, "etcdctr.yaml"), members)
	_, err := s.tryEtcdctr("up")
	wantError(t, err, "address already in use")
	s.etcdctr("start") // which waits
	wantWell(t, 3, func(args ...string) string { return s.etcdctr(args[0], args[1:]...) })
	writeFile(t, filepath.Join(s.dir, "etcdctr.yaml"), strings.Replace(members, "32379", "32479", 1))
	s.etcdctr("up")
	wantWell(t, 3, func(args ...string) string { return s.etcdctr(args[0], args[1:]...) })
}
