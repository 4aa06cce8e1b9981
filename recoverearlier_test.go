//go:build unix

package etcdctr_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/backup"
	"github.com/etcdctr/etcdctr/converge"
)

// A member that is left may know less than a backup, which is brought back then: whatever
// the clock said when it was taken, and whoever else of that name was backed up since.
func TestARecoveryFindsTheBackupThatKnowsMoreThanWhoIsLeft(t *testing.T) {
	for when, c := range map[string]struct {
		ahead time.Duration // of a clock, when it was taken
		since func(t *testing.T, backups string)
	}{
		"the clock was set back since": {ahead: time.Hour, since: func(*testing.T, string) {}},
		"another of its name was backed up since": {since: func(t *testing.T, backups string) {
			t.Helper()
			other := remember(t)
			other.members = 2 // or it might be the same cluster to etcd
			other.up()
			other.backUp(backups)
			other.make(etcdctr.Change{Verb: converge.Stop}) // it may have the ports
		}},
	} {
		t.Run(when, func(t *testing.T) {
			r := remember(t)
			r.up()
			data := filepath.Join(r.folder, ".etcdctr", "orders", "etcd1", "data")
			former := filepath.Join(t.TempDir(), "data")
			r.make(etcdctr.Change{Verb: converge.Stop})
			if err := os.CopyFS(former, os.DirFS(data)); err != nil {
				t.Fatal(err)
			}
			r.make(etcdctr.Change{Verb: converge.Start})
			if err := r.put("newer"); err != nil {
				t.Fatal(err)
			}
			backups := t.TempDir()
			r.now = func() time.Time { return time.Now().Add(c.ahead) }
			r.backUp(backups)
			r.now = nil
			r.make(etcdctr.Change{Verb: converge.Stop})
			if err := errors.Join(os.RemoveAll(data), os.CopyFS(data, os.DirFS(former))); err != nil {
				t.Fatal(err)
			}
			c.since(t, backups)
			o := etcdctr.RecoverOptions{RestoreOptions: consented, Output: backups, Backups: backups}
			if _, err := r.find().Recover(t.Context(), o); err != nil {
				t.Fatal(err)
			}
			if !r.has("newer") {
				t.Error("what only the backup has is gone")
			}
		})
	}
}

func (r *remembered) backUp(folder string) {
	r.Helper()
	if _, _, err := r.find().Backup(r.Context(), folder, backup.Request{}); err != nil {
		r.Fatal(err)
	}
}
