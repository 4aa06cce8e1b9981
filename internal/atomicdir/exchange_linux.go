package atomicdir

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// exchange makes two directories change places in one step. It returns
// errors.ErrUnsupported where the kernel or the file system cannot: NFS, some
// FUSE and overlay file systems answer EINVAL.
func exchange(a, b string) error {
	err := unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, b, unix.RENAME_EXCHANGE)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, unix.ENOSYS), errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOTSUP):
		return errors.ErrUnsupported
	}
	return &os.LinkError{Op: "exchange", Old: a, New: b, Err: err}
}
