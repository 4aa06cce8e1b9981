//go:build e2e

package e2e

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/testcontainers/testcontainers-go"

	"github.com/etcdctr/etcdctr/cluster"
)

// With Ryuk, testcontainers' reaper, nothing stays of a test process that is
// killed.

func TestRyukRemovesWhatAKilledTestProcessLeaves(t *testing.T) {
	for name, ready := range map[string]func(*program, string){
		"running": func(p *program, _ string) { p.wantRunning() },
		"starting": func(_ *program, prefix string) {
			waitUntil(t, loadPatience, func() error {
				if nothingLeft(prefix) == nil {
					return errors.New("the program has made nothing")
				}
				return nil
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			reaper, prefix, p := startReaped(t)
			ready(p, prefix)
			p.kill()
			waitUntil(t, loadPatience, func() error { return nothingLeft(prefix) })
			wantReaperGone(t, reaper)
		})
	}
}

func TestRyukFindsNothingAfterATestProcessThatEnds(t *testing.T) {
	reaper, prefix, p := startReaped(t)
	p.wantRunning()
	p.end()
	wantNothingLeft(t, prefix)
	wantReaperGone(t, reaper)
}

func TestRyukRemovesASharedClusterAfterTheLastOfItsProcesses(t *testing.T) {
	name := uniqueName(namePrefix)
	sharing := []string{envShared + "=" + name, "XDG_CACHE_HOME=" + t.TempDir()}
	t.Cleanup(func() { waitUntil(t, loadPatience, func() error { return nothingLeft(name) }) })
	_, _, first := startReaped(t, sharing...)
	endpoints := first.wantRunning().Endpoints
	_, _, second := startReaped(t, sharing...)
	if got := second.wantRunning().Endpoints; !slices.Equal(got, endpoints) {
		t.Errorf("one is at %s, the other at %s", endpoints, got)
	}
	first.kill()
	if nothingLeft(name) == nil {
		t.Error("the cluster went with the process that made it")
	}
	second.end()
}

// startReaped starts a program with a reaper. It gives the reaper's image and
// how the names of all that the program makes begin.
func startReaped(t *testing.T, env ...string) (reaper, prefix string, p *program) {
	t.Helper()
	reaper = must(t, buildReaperImage)
	etcd := etcdImage(t, cluster.NewestMinor)
	hub, image, _ := strings.Cut(etcd, "/") // as from a mirror of Docker Hub, which is where testcontainers looks for the reaper
	prefix = uniqueName(namePrefix)
	env = append(env, "TESTCONTAINERS_HUB_IMAGE_NAME_PREFIX="+hub, "TESTCONTAINERS_RYUK_DISABLED=false", "RYUK_RECONNECTION_TIMEOUT=1s")
	p = startProgram(t, cluster.Spec{Name: prefix, Image: image}, env...)
	return reaper, prefix, p
}

// wantReaperGone waits for the reapers of an image to end.
func wantReaperGone(t *testing.T, image string) {
	t.Helper()
	waitUntil(t, loadPatience, func() error {
		out, err := output(exec.Command("docker", "ps", "--all", "--quiet", "--filter", "ancestor="+image), "")
		if err == nil && out != "" {
			err = errors.New("the reaper goes on")
		}
		return err
	})
}

// buildReaperImage gives an image that is in the suite's hub what testcontainers
// looks for in Docker Hub: the real one where the engine has it, or else the
// stand-in.
func buildReaperImage() (string, error) {
	dir, err := os.MkdirTemp("", namePrefix+"-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	name := testcontainers.ReaperDefaultImage //nolint:staticcheck // nothing else says which one testcontainers wants
	if _, err := output(exec.Command("docker", "image", "inspect", name), ""); err == nil {
		return build(name, "FROM "+name+"\n")
	}
	program := filepath.Join(dir, "reaper")
	cmd := exec.Command("go", "build", "-trimpath", "-o", program, "./reaper")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if _, err := output(cmd, ""); err != nil {
		return "", err
	}
	return build(name, "FROM scratch\nCOPY reaper /reaper\nCMD [\"/reaper\"]\n", program)
}
