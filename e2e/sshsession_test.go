//go:build e2e && linux

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// sshSessions is how often somebody has come to a machine by ssh.
func (e *engineElsewhere) sshSessions() int {
	e.t.Helper()
	return strings.Count(readFile(e.t, filepath.Join(e.dir, "sshd.log")), "Accepted publickey")
}

// TestCommandsShareASessionOfSSH wants commands to use the session that an earlier one
// has left, and to do without one that has ended.
func TestCommandsShareASessionOfSSH(t *testing.T) {
	s := newStack(t)
	e := newEngineElsewhere(t, s.ref, "{}")
	e.bySSH(t)
	sockets, err := os.MkdirTemp("", "ssh") //nolint:usetesting // t.TempDir is too long for the path of a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(sockets) })
	t.Setenv("XDG_RUNTIME_DIR", sockets)
	want := 0
	listing := func(what string, newSessions int) {
		t.Helper()
		succeed(t, exec.Command(etcdctrBinary(t), "ls"), s.dir)
		want += newSessions
		if got := e.sshSessions(); got != want {
			t.Errorf("%s: there were %d sessions of ssh, want %d", what, got, want)
		}
	}
	master := func() (socket, pid string) {
		t.Helper()
		found, err := filepath.Glob(filepath.Join(sockets, "etcdctr", "*", "c"))
		if err != nil || len(found) != 1 {
			t.Fatalf("there are the sockets %v: %v", found, err)
		}
		said, _ := exec.Command("ssh", "-S", found[0], "-O", "check", "nobody").CombinedOutput()
		pid = regexp.MustCompile(`[0-9]+`).FindString(string(said))
		if pid == "" {
			t.Fatalf("ssh says %s", said)
		}
		return found[0], pid
	}
	listing("the first command", 1)
	listing("the second", 0)
	socket, _ := master()
	succeed(t, exec.Command("ssh", "-S", socket, "-O", "exit", "nobody"), "")
	listing("after its end", 1)
	_, pid := master()
	succeed(t, exec.Command("kill", "-KILL", pid), "")
	listing("after it was killed", 1)
	_, pid = master()
	succeed(t, exec.Command("kill", "-STOP", pid), "")
	t.Cleanup(func() { _ = exec.Command("kill", "-KILL", pid).Run() })
	listing("while it hangs", 1)
	if err := os.Chmod(filepath.Join(sockets, "etcdctr"), 0o755); err != nil {
		t.Fatal(err)
	}
	listing("in a folder that others look into", 1)
	listing("the same once more", 1)
	t.Setenv("XDG_RUNTIME_DIR", filepath.Join(sockets, strings.Repeat("long", 30)))
	listing("in a folder whose name is too long", 1)
}

// TestASessionOfSSHThatForwardsNothingIsShared is the same where sshd lets no socket
// be forwarded.
func TestASessionOfSSHThatForwardsNothingIsShared(t *testing.T) {
	s := newStack(t)
	e := newEngineElsewhere(t, s.ref, "{}")
	e.bySSH(t)
	key := filepath.Join(e.dir, "user_key.pub")
	writeFile(t, key, "restrict "+readFile(t, key))
	for range 3 {
		succeed(t, exec.Command(etcdctrBinary(t), "ls"), s.dir)
	}
	if got := e.sshSessions(); got != 1 {
		t.Errorf("there were %d sessions of ssh, want 1", got)
	}
}
