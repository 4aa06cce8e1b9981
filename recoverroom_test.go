//go:build unix

package etcdctr_test

import (
	"context"
	"io"
	"syscall"
	"testing"
	"testing/iotest"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/backup"
	"github.com/etcdctr/etcdctr/converge"
	"github.com/etcdctr/etcdctr/runtime"
)

// full is a runtime on a machine that has no room for the data of members.
type full struct{ backup.Runtime }

func (full) Files(context.Context, string, string) (io.ReadCloser, error) {
	return io.NopCloser(iotest.ErrReader(syscall.ENOSPC)), nil
}

// What members hold is newer than any backup: where it can't be copied, no backup takes its
// place without anybody's knowledge.
func TestARecoveryThatLacksRoomBringsNoOlderBackupBack(t *testing.T) {
	r := remember(t)
	r.up()
	backups := t.TempDir()
	if _, _, err := r.find().Backup(t.Context(), backups, backup.Request{}); err != nil {
		t.Fatal(err)
	}
	r.make(etcdctr.Change{Verb: converge.Stop})
	_, err := r.find().Recover(t.Context(), etcdctr.RecoverOptions{
		RestoreOptions: etcdctr.RestoreOptions{
			Into:    full{processes(r.folder).(backup.Runtime)},
			Consent: func(context.Context, backup.There) error { return nil },
		},
		Backups: backups, Output: t.TempDir(),
	})
	if !backup.NoRoom(err) {
		t.Errorf("it gives %v", err)
	}
	if aside, err := processes(r.folder).(runtime.Discarder).AllAside(t.Context(), "orders"); err != nil || len(aside) > 0 {
		t.Errorf("set aside is %v, %v", aside, err)
	}
}
