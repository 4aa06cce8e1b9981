//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc"

	"github.com/etcdctr/etcdctr/cluster"
)

// TestAcknowledgedWritesSurviveARestartOfTheEngine has an engine of its own, in
// a network namespace: the one that everything else runs on stays up.
func TestAcknowledgedWritesSurviveARestartOfTheEngine(t *testing.T) {
	e := newEngine(t)
	e.start()
	e.load(etcdImage(t, cluster.NewestMinor))
	t.Setenv("DOCKER_HOST", "unix://"+e.socket())
	s := newStack(t)
	s.generate("--publish", "loopback")
	s.up()

	l := startLoad(t, clientv3.Config{
		Endpoints:   []string{"https://127.0.0.1:2379", "https://127.0.0.1:2479", "https://127.0.0.1:2579"},
		TLS:         s.clientTLS("clients/root"),
		DialOptions: []grpc.DialOption{grpc.WithContextDialer(e.dialer)},
	})
	l.wantMore(settledWrites)
	e.stop()
	l.wantFailure()
	e.start()
	s.up()
	l.wantMore(settledWrites)
	l.finish()
}

// engine is a Docker Engine in a network namespace, with folders of its own. It
// takes root, iproute2 and util-linux.
type engine struct {
	place
	t    *testing.T
	dir  string
	also string // option for one more address that it listens at
	log  bytes.Buffer
	cmd  *exec.Cmd
}

func newEngine(t *testing.T) *engine {
	t.Helper()
	name := uniqueName(namePrefix)
	t.Cleanup(func() {
		if _, err := output(exec.Command("ip", "netns", "delete", name), ""); err != nil {
			t.Error(err)
		}
	})
	run(t, "", "ip", "netns", "add", name)
	run(t, "", "ip", "-n", name, "link", "set", "lo", "up")
	return newEngineIn(t, place(filepath.Join("/run/netns", name)))
}

// newRemoteEngine is on another machine, and listens at an address that this
// one reaches.
func newRemoteEngine(t *testing.T) (e *engine, ip string) {
	t.Helper()
	o := newOutside(t)
	run(t, "", "ip", "-n", filepath.Base(string(o.place)), "link", "set", "lo", "up")
	e = newEngineIn(t, o.place)
	e.also = "--host tcp://" + net.JoinHostPort(o.ip, "2375")
	return e, o.ip
}

func newEngineIn(t *testing.T, p place) *engine {
	t.Helper()
	dir, err := os.MkdirTemp("", "e2e-") //nolint:usetesting // t.TempDir is too long for the path of a socket
	if err != nil {
		t.Fatal(err)
	}
	e := &engine{t: t, dir: dir, place: p}
	t.Cleanup(func() {
		e.stop()
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("the engine's log:\n%s", tail(e.log.String()))
		}
	})
	writeFile(t, filepath.Join(dir, "daemon.json"), "{}") // not this machine's
	return e
}

func (e *engine) socket() string { return filepath.Join(e.dir, "docker.sock") }

// start starts the engine and waits until it answers. It has a /run of its own,
// because it keeps things there that no option moves.
func (e *engine) start() {
	e.t.Helper()
	script := fmt.Sprintf("mount -t tmpfs tmpfs /run && exec dockerd --config-file %[1]s/daemon.json --host unix://%[1]s/docker.sock %[2]s "+
		"--data-root %[1]s/data --exec-root %[1]s/exec --pidfile %[1]s/pid --storage-driver vfs", e.dir, e.also)
	e.cmd = exec.Command("nsenter", "--net="+string(e.place), "unshare", "--mount", "sh", "-c", script)
	e.cmd.Stdout, e.cmd.Stderr = &e.log, &e.log
	if err := e.cmd.Start(); err != nil {
		e.t.Fatal(err)
	}
	waitUntil(e.t, loadPatience, func() error {
		_, err := output(exec.Command("docker", "--host", "unix://"+e.socket(), "version"), "")
		return err
	})
}

// load gives the engine an image of this machine's.
func (e *engine) load(image string) {
	e.t.Helper()
	archive := filepath.Join(e.dir, "image.tar")
	run(e.t, "", "docker", "save", "--output", archive, image)
	run(e.t, "", "docker", "--host", "unix://"+e.socket(), "load", "--input", archive)
}

// stop stops the engine, which stops its containers first.
func (e *engine) stop() {
	if e.cmd == nil {
		return
	}
	if err := e.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		e.t.Error(err)
	}
	if err := e.cmd.Wait(); err != nil {
		e.t.Errorf("dockerd: %v", err)
	}
	e.cmd = nil
}

// dialer connects from where the engine publishes ports.
func (e *engine) dialer(ctx context.Context, address string) (conn net.Conn, err error) {
	err = e.in(func() error {
		conn, err = (&net.Dialer{}).DialContext(ctx, "tcp", address)
		return err
	})
	return conn, err
}
