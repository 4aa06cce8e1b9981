//go:build e2e && linux

package e2e

import (
	"strings"
	"syscall"
	"testing"
)

// restorable is a cluster whose key has got another value since its backup.
func restorable(t *testing.T) (l *local, up, restore []string) {
	t.Helper()
	l = newLocal(t)
	up = []string{"up", "--detach", "--runtime", "process"}
	l.etcdctr(up...)
	l.etcdctr("etcdctl", "put", "key", "kept")
	l.etcdctr("backup", "--output", "kept.tar.zst")
	l.etcdctr("etcdctl", "put", "key", "newer")
	return l, up, []string{"restore", "kept.tar.zst", "--yes"}
}

// wantKept wants a healthy cluster whose members all hold the same, with this key.
func (l *local) wantKept(value string) {
	l.t.Helper()
	l.etcdctr("health", "--deep")
	if got := strings.TrimSpace(l.etcdctr("etcdctl", "get", "--print-value-only", "key")); got != value {
		l.t.Errorf("the cluster holds %q, want %q", got, value)
	}
}

// TestARestoreKilledAtEveryStepIsFinishedByTheNextOne kills a restore over a running
// cluster at each step, and each time another one goes on.
func TestARestoreKilledAtEveryStepIsFinishedByTheNextOne(t *testing.T) {
	l, _, restore := restorable(t)
	wantKills(t, l.killedEverywhere(restore...))
	l.wantKept("kept")
}

// TestARestoreKilledAtEveryStepIsUndone kills it likewise, and each time what was there
// is to come back.
func TestARestoreKilledAtEveryStepIsUndone(t *testing.T) {
	l, up, restore := restorable(t)
	i := l.interrupted()
	for i.once(syscall.SIGKILL, restore...) {
		i.kills++
		if out, err := l.try("restore", "--undo", "--yes"); err != nil && !strings.Contains(err.Error(), "nothing was set aside") {
			t.Fatalf("after it was killed %d times: %v %s", i.kills, err, out)
		}
		l.etcdctr(up...)
		l.wantKept("newer")
	}
	wantKills(t, i.kills)
	l.wantKept("kept")
}
