//go:build e2e && linux

package e2e

import (
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// restorable is a cluster whose key has got another value since its backup.
type restorable struct {
	t           *testing.T
	command     func(args ...string) *exec.Cmd
	dir         string
	interrupted *interrupted
	up, restore []string
	refused     int // how often `up` was refused
}

func (r *restorable) do(args ...string) string {
	r.t.Helper()
	return succeed(r.t, r.command(args...), r.dir)
}

func restorableOf(t *testing.T, command func(args ...string) *exec.Cmd, dir string, i *interrupted, up ...string) *restorable {
	t.Helper()
	t.Setenv("TMPDIR", t.TempDir()) // a run that is killed leaves there what it has unpacked
	i.notes = []string{"unpack", "make", "stop", "fill", "exchange", "start", "wait until", "compare"}
	r := &restorable{t: t, command: command, dir: dir, interrupted: i, up: up, restore: []string{"restore", filepath.Join(dir, "kept.tar.zst"), "--yes"}}
	r.do(up...)
	r.do("etcdctl", "put", "key", "kept")
	r.do("backup", "--output", r.restore[1])
	r.do("etcdctl", "put", "key", "newer")
	return r
}

func restorableProcesses(t *testing.T) *restorable {
	t.Helper()
	l := newLocal(t)
	return restorableOf(t, func(args ...string) *exec.Cmd { return l.command(etcdctrBinary(t), args...) }, l.dir, l.interrupted(), "up", "--detach", "--runtime", "process")
}

func restorableContainers(t *testing.T) *restorable {
	t.Helper()
	s := newStack(t)
	return restorableOf(t, s.interrupted().command, s.dir, s.interrupted(), "up")
}

// wantKept wants a healthy cluster whose members all hold the same, with this key.
func (r *restorable) wantKept(value string) {
	r.t.Helper()
	r.do("health", "--deep")
	if got := strings.TrimSpace(r.do("etcdctl", "get", "--print-value-only", "key")); got != value {
		r.t.Errorf("the cluster holds %q, want %q", got, value)
	}
}

// wantNoMix types what somebody types who knows of no restoration: it is refused as long
// as that is not finished, and else brings up the one cluster or the other, whole.
func (r *restorable) wantNoMix() {
	r.t.Helper()
	switch _, err := output(r.command(r.up...), r.dir); {
	case err == nil:
		r.do("health", "--deep")
		return
	case !strings.Contains(err.Error(), "was not finished"):
		r.t.Fatalf("after %d kills %v fails: %v", r.interrupted.kills, r.up, err)
	}
	r.refused++
	for _, words := range [][]string{r.up, {"start"}, {"restart"}, {"recover", "--yes"}, {"health"}, {"doctor"}} {
		_, err := output(r.command(words...), r.dir)
		if err == nil || !strings.Contains(err.Error(), "was not finished") || !strings.Contains(err.Error(), strings.Join(r.restore[:2], " ")) ||
			!strings.Contains(err.Error(), "restore --undo") {
			r.t.Errorf("%v of a restoration that was killed %d times: %v", words, r.interrupted.kills, err)
		}
	}
}

// killedAndFinished kills a restore over a running cluster at each step, and each time
// another one goes on.
func (r *restorable) killedAndFinished() {
	r.t.Helper()
	for r.interrupted.once(syscall.SIGKILL, r.restore...) {
		if r.interrupted.kills++; r.interrupted.kills == mostKills {
			break
		}
		if r.wantNoMix(); r.refused == 0 {
			r.interrupted.onceMore("exchange")
		}
	}
	wantKills(r.t, r.interrupted.kills)
	if r.refused == 0 {
		r.t.Error("it was never killed between two members")
	}
	r.wantKept("kept")
}

// killedAndUndone kills it likewise, and each time what was there is to come back.
func (r *restorable) killedAndUndone() {
	r.t.Helper()
	for r.interrupted.once(syscall.SIGKILL, r.restore...) {
		r.interrupted.kills++
		if _, err := output(r.command("restore", "--undo", "--yes"), r.dir); err != nil && !strings.Contains(err.Error(), "nothing was set aside") {
			r.t.Fatalf("after it was killed %d times: %v", r.interrupted.kills, err)
		}
		r.do(r.up...)
		r.wantKept("newer")
	}
	wantKills(r.t, r.interrupted.kills)
	r.wantKept("kept")
}

func TestARestoreKilledAtEveryStepIsFinishedByTheNextOne(t *testing.T) {
	restorableProcesses(t).killedAndFinished()
}

func TestARestoreKilledAtEveryStepIsUndone(t *testing.T) {
	restorableProcesses(t).killedAndUndone()
}

func TestARestoreOnAnEngineKilledAtEveryStepIsFinishedByTheNextOne(t *testing.T) {
	restorableContainers(t).killedAndFinished()
}

func TestARestoreOnAnEngineKilledAtEveryStepIsUndone(t *testing.T) {
	restorableContainers(t).killedAndUndone()
}
