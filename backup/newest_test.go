package backup_test

import (
	"context"
	"errors"
	"io"
	"syscall"
	"testing"
	"testing/iotest"

	"github.com/etcdctr/etcdctr/backup"
)

// Whose data there is no room for is not passed over: it may be the newest.
func TestDataThatThereIsNoRoomForIsNotPassedOver(t *testing.T) {
	for _, want := range []error{syscall.ENOSPC, syscall.EDQUOT, errors.New("damaged")} {
		holder := backup.Holder{Name: "etcd1", Files: func(context.Context) (io.ReadCloser, error) {
			return io.NopCloser(iotest.ErrReader(want)), nil
		}}
		best, err := backup.CopyNewest(t.Context(), []backup.Holder{holder}, t.TempDir(), func(string) {})
		if backup.NoRoom(want) != errors.Is(err, want) || backup.NoRoom(want) == errors.Is(best.Unread, want) {
			t.Errorf("%v: passed over is %v, and the error %v", want, best.Unread, err)
		}
	}
}
