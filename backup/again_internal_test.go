package backup

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"syscall"
	"testing"
)

// What is read back of a full disk is not what a member gave: each would be fetched in vain.
func TestNobodyElseIsAskedWhereTheDiskIsFull(t *testing.T) {
	full := &fs.PathError{Op: "write", Path: "orders.tar.zst", Err: syscall.ENOSPC}
	for err, want := range map[error]bool{
		&BrokenOffError{"etcd1", fmt.Errorf("the snapshot of etcd1: %w", full)}:                 true,
		&BrokenOffError{"etcd1", syscall.ENOSPC}:                                                true,
		&BrokenOffError{"etcd1", &net.OpError{Op: "read", Err: errors.New("connection reset")}}: false,
	} {
		if got := ofThisMachine(err); got != want {
			t.Errorf("%v: %t", err, got)
		}
	}
}
