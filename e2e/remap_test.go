//go:build e2e && linux

package e2e

import (
	"strings"
	"testing"
)

// remappedConfig has root in containers be somebody outside who owns nothing.
const remappedConfig = `{"userns-remap": "nobody:nogroup"}`

// Keys are for their owner only, and nobody in a container is that.
func TestAnEngineThatMapsUsersGetsCopiesOfTheCertificates(t *testing.T) {
	s := newStack(t)
	startConfiguredEngine(t, s.ref, remappedConfig)
	if said := run(t, "", "docker", "info", "--format", "{{.SecurityOptions}}"); !strings.Contains(said, "name=userns") {
		t.Fatalf("the engine does not map users: %s", said)
	}
	s.etcdctr("up")
	s.wantNoLocalMounts()
	s.liveALife()
}

// What Compose has started there can't read its keys, and what the doctor says
// helps.
func TestMembersThatAnEngineKeepsFromTheirKeysAreCured(t *testing.T) {
	s := newStack(t)
	startConfiguredEngine(t, s.ref, remappedConfig)
	s.generate()
	s.compose("up", "--detach")
	s.cure(s.doctor("it may not read "))
}
