// Package lockfile lets one process at a time work in a directory.
package lockfile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

const (
	name = ".lock"

	// retry is how often a held lock is asked for again.
	retry = 50 * time.Millisecond
)

// Acquire locks dir, which is made if it is not there (0700), and waits for
// another process's lock until ctx ends. The lock is on the file .lock in dir,
// held by the process: a crash releases it, and the file stays. A directory
// that Acquire has made and that is empty upon release is removed again.
func Acquire(ctx context.Context, dir string) (release func() error, err error) {
	for {
		_, err := os.Lstat(dir)
		made := errors.Is(err, fs.ErrNotExist)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			if goneSince(err) && ctx.Err() == nil {
				continue // another made it, and removed it before MkdirAll looked
			}
			return nil, err
		}
		lock := flock.New(filepath.Join(dir, name), flock.SetPermissions(0o600))
		_, err = lock.TryLockContext(ctx, retry)
		if errors.Is(err, fs.ErrNotExist) {
			continue // the directory was removed in between
		}
		if err != nil {
			return nil, fmt.Errorf("lock %s: %w", dir, err)
		}
		if current(lock) {
			return func() error { return unlock(lock, dir, made) }, nil
		}
		if err := lock.Unlock(); err != nil {
			return nil, fmt.Errorf("lock %s: %w", dir, err)
		}
	}
}

// Try locks a directory that is there, and that Acquire has locked before; it is false
// where that does not hold, where somebody else has it locked, or where it can't be found
// out. Nothing is made.
func Try(dir string) (release func() error, ok bool) { return TryFile(filepath.Join(dir, name)) }

// TryFile is Try for a file that is there.
func TryFile(path string) (release func() error, ok bool) {
	if info, err := os.Lstat(path); err != nil || !info.Mode().IsRegular() {
		return nil, false
	}
	lock := flock.New(path, flock.SetFlag(os.O_RDONLY))
	if held, err := lock.TryLock(); err != nil || !held {
		return nil, false
	}
	if !current(lock) {
		_ = lock.Unlock()
		return nil, false
	}
	return lock.Unlock, true
}

// shortly is how long somebody else may hold a lock before it is said.
const shortly = 300 * time.Millisecond

// AcquireTelling is Acquire, and calls waiting, which may be nil, once another
// process holds the lock for longer than a moment. Where ctx ends it holds nothing.
func AcquireTelling(ctx context.Context, dir string, waiting func()) (release func() error, err error) {
	soon, cancel := context.WithTimeout(ctx, shortly)
	defer cancel()
	release, err = Acquire(soon, dir)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		if waiting != nil {
			waiting()
		}
		release, err = Acquire(ctx, dir)
	}
	switch {
	case ctx.Err() != nil && err == nil:
		return nil, errors.Join(ctx.Err(), release())
	case ctx.Err() != nil:
		return nil, ctx.Err()
	}
	return release, err
}

// goneSince reports whether err says that a directory stood in the way of one to
// be made, where nothing else than a directory stands there now.
func goneSince(err error) bool {
	var at *fs.PathError
	if !errors.As(err, &at) || !errors.Is(err, fs.ErrExist) {
		return false
	}
	info, err := os.Lstat(at.Path)
	return errors.Is(err, fs.ErrNotExist) || err == nil && info.IsDir()
}

// current reports whether the locked file is the one that others will find, and
// not one that its last owner has removed with the directory.
func current(lock *flock.Flock) bool {
	held, err := lock.Stat()
	if err != nil {
		return false
	}
	found, err := os.Stat(lock.Path())
	return err == nil && os.SameFile(held, found)
}

func unlock(lock *flock.Flock, dir string, made bool) error {
	if entries, err := os.ReadDir(dir); err == nil && made && len(entries) == 1 {
		// Windows removes no open file: there the two stay, which is no harm.
		if os.Remove(lock.Path()) == nil {
			_ = os.Remove(dir)
		}
	}
	return lock.Unlock()
}
