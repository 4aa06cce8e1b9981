//go:build e2e && linux

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
)

// Where changes were lost to whoever keeps them, since the members compacted them while it
// was away, a whole backup closes the gap, and no moment in it is brought back. Users come
// with whole backups only.
func TestAGapBetweenBackupsIsClosed(t *testing.T) {
	for minor := range cluster.KnownPatches {
		t.Run(fmt.Sprintf("3.%d", minor), func(t *testing.T) {
			l := newLocal(t)
			file := fmt.Sprintf("runtime: process\ntls: none\nmembers: 1\netcd-binary: %s\n", etcdBinary(t, minor, "etcd"))
			writeFile(t, filepath.Join(l.dir, "etcdctr.yaml"), file+"backup: {destination: backups, every: 1h, continuous: true, service: false}\n")
			writeFile(t, filepath.Join(l.dir, "other.yaml"), file+"name: other\n")
			defer l.try("down", "--file", "other.yaml", "--volumes", "--yes", "--no-backup")
			l.etcdctr("up", "--detach")
			l.put("a") // revision 2
			stop := l.keepBackups()
			l.keptUpTo(2)
			l.etcdctr("etcdctl", "user", "add", "ann", "--no-password")
			l.put("b") // 3
			l.keptUpTo(3)
			stop()
			l.broughtBack("3", "b", false)

			l.put("c") // 4
			l.put("d") // 5
			l.etcdctr("etcdctl", "compact", "5")
			stop = l.keepBackups()
			l.keptUpTo(5)
			l.put("e") // 6
			l.keptUpTo(6)
			if said := stop(); !strings.Contains(said, "have been compacted: a whole backup is taken") {
				t.Errorf("it says %s", said)
			}
			if whole, err := filepath.Glob(filepath.Join(l.dir, "backups", "*.tar.zst")); err != nil || len(whole) != 2 {
				t.Errorf("the whole backups are %v, %v", whole, err)
			}
			if out, err := l.try("restore", "--file", "other.yaml", "--yes", "--revision", "4", "backups"); err == nil || !strings.Contains(err.Error(), "of what happened after revision 3") && !strings.Contains(err.Error(), "what is known ends at revision 3") {
				t.Errorf("a moment in the gap: %s, %v", out, err)
			}
			l.broughtBack("3", "b", false)
			l.broughtBack("6", "e", true)
		})
	}
}

func (l *local) put(value string) {
	l.t.Helper()
	l.etcdctr("etcdctl", "put", "key", value)
}

// keepBackups takes the backups as the cluster file says, until it is told to stop: then it
// gives what was said.
func (l *local) keepBackups() (stop func() string) {
	l.t.Helper()
	takes := l.command(etcdctrBinary(l.t), "backup", "run")
	var said strings.Builder
	takes.Stdout, takes.Stderr = &said, &said
	if err := takes.Start(); err != nil {
		l.t.Fatal(err)
	}
	end := func() string {
		_ = takes.Process.Signal(os.Interrupt)
		_ = takes.Wait() // interrupted is what it is to be
		return said.String()
	}
	l.t.Cleanup(func() { _ = takes.Process.Kill() })
	return end
}

// broughtBack restores a moment elsewhere, and wants what a key held, and whether there is
// a user.
func (l *local) broughtBack(revision, value string, user bool) {
	l.t.Helper()
	l.etcdctr("restore", "--file", "other.yaml", "--yes", "--progress", "quiet", "--revision", revision, "backups")
	if got := l.etcdctr("etcdctl", "--file", "other.yaml", "get", "key", "--print-value-only"); strings.TrimSpace(got) != value {
		l.t.Errorf("at revision %s the key is %q, want %q", revision, got, value)
	}
	if got := l.etcdctr("etcdctl", "--file", "other.yaml", "user", "list"); (strings.TrimSpace(got) == "ann") != user {
		l.t.Errorf("at revision %s the users are %q, and it is %t that there is one", revision, got, user)
	}
}
