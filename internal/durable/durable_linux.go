package durable

import (
	"os"

	"golang.org/x/sys/unix"
)

// Start has the kernel write a file without waiting for it. It is a hint. What goes wrong
// with it, the sync that follows reports.
func Start(f *os.File) {
	_ = unix.SyncFileRange(int(f.Fd()), 0, 0, unix.SYNC_FILE_RANGE_WRITE)
}

// clone has a file share the blocks of another, as XFS and Btrfs can.
func clone(to, from *os.File) error {
	return unix.IoctlFileClone(int(to.Fd()), int(from.Fd()))
}
