//go:build e2e

package e2e

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Bad days of the way to a stack's members: one clear message each, and no
// relay is left.

func TestInterruptedWhileTheRelayStarts(t *testing.T) {
	s := newStack(t)
	s.etcdctr("up", "--members", "1")
	for range 5 {
		cmd := s.command("connect", "--via", "relay", "--listen", "127.0.0.1:0")
		cmd.Dir = s.dir
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		waitUntil(t, time.Minute, func() error {
			if len(s.relays()) == 0 {
				return errors.New("there is no relay yet")
			}
			return nil
		})
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		// Interrupted before it was connected, or ended as it ends.
		if code := cmd.ProcessState.ExitCode(); code != 128+int(syscall.SIGINT) && code != 0 {
			t.Errorf("connect ended with %d", code)
		}
		s.wantNoRelay()
	}
}

func TestConnectEndsWithItsRelay(t *testing.T) {
	s := newStack(t)
	s.etcdctr("up", "--members", "1")
	c := s.connect("--via", "relay")
	run(t, "", "docker", "kill", s.relays()[0])
	c.wantEnd(t, "the relay has ended")
	s.wantNoRelay()
	c = s.connect("--via", "relay")
	c.roundTrip(t)
	c.interrupt(t)
}

func TestConnectEndsWithItsEngine(t *testing.T) {
	s := newStack(t)
	e := startEngine(t, s.ref)
	s.etcdctr("up", "--members", "1")
	c := s.connect("--via", "relay")
	e.restart()
	c.wantEnd(t, "the relay has ended: was the engine or the cluster stopped?")
	s.wantNoRelay()
	s.etcdctr("up", "--members", "1")
	c = s.connect("--via", "relay")
	c.roundTrip(t)
	c.interrupt(t)
}

// wantEnd wants the command to end by itself and to say why.
func (c *connection) wantEnd(t *testing.T, why string) {
	t.Helper()
	_ = c.cmd.Wait()
	if code := c.cmd.ProcessState.ExitCode(); code != 1 || !strings.Contains(c.said.String(), why) {
		t.Errorf("connect ended with %d, and said:\n%s", code, c.said.String())
	}
}

func TestAFullDiskLeavesNoRelay(t *testing.T) {
	s := newStack(t)
	e := startEngine(t, s.ref)
	s.etcdctr("up", "--members", "1")
	empty := e.fill(s.ref)
	_, err := s.tryEtcdctr("connect", "--via", "relay", "--listen", "127.0.0.1:0")
	wantExitCode(t, err, 1)
	wantError(t, err, "no space left on device")
	s.wantNoRelay()
	empty()
	c := s.connect("--via", "relay")
	c.roundTrip(t)
	c.interrupt(t)
}

// fill leaves no space on the engine's disk, until the function that it gives
// is called.
func (e *ownEngine) fill(image string) (empty func()) {
	e.t.Helper()
	run(e.t, "", "docker", "create", "--name", "filler", "--volume", "filler:/filler", image)
	const piece = 64 << 20
	if err := os.WriteFile(filepath.Join(e.dir, "piece"), make([]byte, piece), 0o600); err != nil {
		e.t.Fatal(err)
	}
	for i := 0; ; i++ {
		_, err := output(exec.Command("docker", "cp", "piece", "filler:/filler/"+strconv.Itoa(i)), e.dir)
		if err != nil {
			wantError(e.t, err, "no space left on device")
			break
		}
	}
	return func() {
		run(e.t, "", "docker", "rm", "filler")
		run(e.t, "", "docker", "volume", "rm", "filler")
	}
}
