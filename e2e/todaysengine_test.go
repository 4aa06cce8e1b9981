//go:build e2e && linux

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/moby/moby/client/pkg/versions"

	"github.com/etcdctr/etcdctr/cluster"
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
	s.liveDayByDay()
}

// Images there are known by the digest of their index.
func TestAStackLivesItsLifeWithContainerdsImageStore(t *testing.T) {
	s := newStack(t)
	useTodaysEngine(t)
	startConfiguredEngine(t, s.ref, `{"seccomp-profile": "unconfined", "features": {"containerd-snapshotter": true}}`)
	wantTodaysAPI(t)
	s.liveALife()
	s.liveDayByDay()
	s.shareWithCompose()
}

func TestAStackLivesItsLifeWhereTodaysEngineMapsUsers(t *testing.T) {
	s := newStack(t)
	useTodaysEngine(t)
	startConfiguredEngine(t, s.ref, `{"seccomp-profile": "unconfined", "userns-remap": "nobody:nogroup"}`)
	wantTodaysAPI(t)
	s.liveALife()
	s.liveDayByDay()
}

func TestEveryCombinationIsHealthyOnTodaysEngine(t *testing.T) {
	images := combinationImages(t)
	archive := savedImages(t, images)
	useTodaysEngine(t)
	startConfiguredEngine(t, images[0], todaysConfig)
	wantTodaysAPI(t)
	run(t, "", "docker", "load", "--input", archive)
	everyCombinationIsHealthy(t)
}

func TestTheTestsOfTheFixturePassOnTodaysEngine(t *testing.T) {
	image := etcdImage(t, cluster.NewestMinor)
	useTodaysEngine(t)
	e := newEngineElsewhere(t, image, todaysConfig)
	e.byTLS(t)
	wantTodaysAPI(t)
	wantFixture(t, e.ip)
}

// combinationImages are those that everyCombinationIsHealthy takes.
func combinationImages(t *testing.T) []string {
	t.Helper()
	return []string{etcdImage(t, cluster.NewestMinor), etcdImage(t, 5), dnsImage(t)}
}

// savedImages is an archive of images of this machine's engine.
func savedImages(t *testing.T, images []string) string {
	t.Helper()
	archive := filepath.Join(t.TempDir(), "images.tar")
	run(t, "", "docker", append([]string{"save", "--output", archive}, images...)...)
	return archive
}

// everyCombinationIsHealthy has up start them on the engine that answers.
func everyCombinationIsHealthy(t *testing.T) {
	t.Helper()
	for _, c := range combinations(5, cluster.NewestMinor) {
		t.Run(c.String(), func(t *testing.T) { wantHealthy(t, c, starters[1].start) })
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
	s.liveDayByDay()
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
