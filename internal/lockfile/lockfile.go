// Package lockfile lets one process at a time work in a directory.
package lockfile

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// retry is how often a held lock is asked for again.
const retry = 50 * time.Millisecond

// Acquire locks dir, which is made if it is not there (0700), and waits for
// another process's lock until ctx ends. The lock is on the file .lock in dir,
// held by the process: a crash releases it, and the file stays.
func Acquire(ctx context.Context, dir string) (release func() error, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	lock := flock.New(filepath.Join(dir, ".lock"), flock.SetPermissions(0o600))
	if _, err := lock.TryLockContext(ctx, retry); err != nil {
		return nil, fmt.Errorf("lock %s: %w", dir, err)
	}
	return lock.Unlock, nil
}
