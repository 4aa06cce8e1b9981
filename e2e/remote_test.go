//go:build e2e

package e2e

import (
	"context"
	"net"
	"net/url"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/etcdctr/etcdctr/cluster"
)

// TestStartOnAnEngineOfAnotherMachine wants the same of the fixture with an
// engine that shares neither files nor loopback with the test.
func TestStartOnAnEngineOfAnotherMachine(t *testing.T) {
	e, ip := newRemoteEngine(t)
	e.start()
	image := etcdImage(t, cluster.NewestMinor)
	e.load(image)
	t.Setenv(hostVariable, "") // has it restored
	if err := os.Unsetenv(hostVariable); err != nil {
		t.Fatal(err)
	}
	p := startProgram(t, cluster.Spec{Image: image}, "DOCKER_HOST=tcp://"+net.JoinHostPort(ip, "2375"))
	etcd := p.wantRunning()
	for _, endpoint := range etcd.Endpoints {
		if u, err := url.Parse(endpoint); err != nil || u.Scheme != "https" || u.Hostname() != ip {
			t.Errorf("the endpoint is %s, want one at %s", endpoint, ip)
		}
	}
	p.end()
	left, err := output(exec.Command("docker", "--host", "unix://"+e.socket(), "ps", "--all", "--quiet"), "")
	if err != nil || left != "" {
		t.Errorf("on the engine is left: %s, %v", left, err)
	}
}

// As in a container that has the engine's socket: ports are somewhere else than the
// fixture dials, which it tells with the way to say where.
func TestAFixtureThatIsNotReachedTellsWhereItDialled(t *testing.T) {
	elsewhere := newOutside(t).ip
	t.Setenv(hostVariable, elsewhere)
	ctx, cancel := context.WithTimeout(t.Context(), notReachedTimeout)
	defer cancel()
	etcd, err := Run(ctx, testImage(t), WithMembers(1))
	t.Cleanup(func() { cleanUp(t, etcd, true) })
	wantError(t, err, "dialled at https://"+elsewhere, "in their containers they serve", hostVariable)
}

// notReachedTimeout leaves a member time to start, and to be dialled in vain.
const notReachedTimeout = 20 * time.Second
