//go:build e2e && linux

package e2e

import (
	"os"
	"strings"
	"testing"

	"github.com/moby/moby/client/pkg/versions"
)

// Today's Docker Engine, where the machine's own may be years older. What the
// driver does differently there: it gives a container all its networks at once,
// finds images in containerd's store, and has a health check's start interval
// to work with.

// todaysConfig is for a runc that is built without libseccomp.
const todaysConfig = `{"seccomp-profile": "unconfined"}`

// useTodaysEngine has the engines that this test starts be today's.
func useTodaysEngine(t *testing.T) {
	t.Helper()
	t.Setenv("PATH", handedIn(t, envEngine)+":"+os.Getenv("PATH"))
}

// wantTodaysAPI makes sure that it is.
func wantTodaysAPI(t *testing.T) {
	t.Helper()
	const today = "1.52" // Engine 29
	if v := apiVersion(t); versions.LessThan(v, today) {
		t.Fatalf("the engine has API %s, want %s or later", v, today)
	}
}

func apiVersion(t *testing.T) string {
	t.Helper()
	return strings.TrimSpace(run(t, "", "docker", "version", "--format", "{{.Server.APIVersion}}"))
}

func TestAStackLivesItsLifeOnTodaysEngine(t *testing.T) {
	s := newStack(t)
	useTodaysEngine(t)
	startConfiguredEngine(t, s.ref, todaysConfig)
	wantTodaysAPI(t)
	s.liveALife()
	s.publish("")
	s.liveALife()
	s.shareWithCompose()
}

// Each is a way to set up today's engine that changes what the driver meets: images by
// the digest of their index, and users in containers who are others outside.
func TestAStackLivesItsLifeHoweverTodaysEngineIsSetUp(t *testing.T) {
	for what, config := range map[string]string{
		"containerd image store": `{"seccomp-profile": "unconfined", "features": {"containerd-snapshotter": true}}`,
		"mapped users":           `{"seccomp-profile": "unconfined", "userns-remap": "nobody:nogroup", "features": {"containerd-snapshotter": false}}`,
	} {
		t.Run(what, func(t *testing.T) {
			s := newStack(t)
			useTodaysEngine(t)
			startConfiguredEngine(t, s.ref, config)
			wantTodaysAPI(t)
			s.liveALife()
			s.publish("")
			s.liveALife()
			s.shareWithCompose()
		})
	}
}

func TestAStackLivesItsLifeOnTodaysEngineElsewhere(t *testing.T) {
	s := newStack(t)
	useTodaysEngine(t)
	e := newEngineElsewhere(t, s.ref, todaysConfig)
	e.byTLS(t)
	wantTodaysAPI(t)
	s.etcdctr("up")
	s.wantNoLocalMounts()
	s.wantStartInterval("500ms")
	s.liveALife()
}

func (s *stack) wantStartInterval(want string) {
	s.t.Helper()
	got := run(s.t, "", "docker", "inspect", "--format", "{{.Config.Healthcheck.StartInterval}}", s.name+"-etcd1-1")
	if got != want+"\n" {
		s.t.Errorf("the health check's start interval is %s, want %s", got, want)
	}
}

func TestVerifyWarnsOfNeighboursWhereTheEngineLetsThemIn(t *testing.T) {
	s := newStack(t)
	s.publish("")
	s.etcdctr("up")
	s.wantWarningOfNeighbours(versions.LessThan(apiVersion(t), "1.48"))
	s.etcdctr("down", "--volumes", "--yes")

	useTodaysEngine(t)
	startConfiguredEngine(t, s.ref, todaysConfig)
	s.etcdctr("up")
	s.wantWarningOfNeighbours(false)
}

func (s *stack) wantWarningOfNeighbours(want bool) {
	s.t.Helper()
	cmd := s.command("verify")
	cmd.Dir = s.dir
	out, err := cmd.CombinedOutput()
	if got := strings.Contains(string(out), "machines on the same wire"); err != nil || got != want {
		s.t.Errorf("warned: %v, want %v (%v):\n%s", got, want, err, out)
	}
}
