package lockfile

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
)

func acquire(t *testing.T, dir string) (release func()) {
	t.Helper()
	unlock, err := Acquire(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		if err := unlock(); err != nil {
			t.Error(err)
		}
	}
}

func TestOneAtATime(t *testing.T) {
	dir := t.TempDir()
	var inside atomic.Int32 // the race detector knows nothing of a file's lock
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			release := acquire(t, dir)
			defer release()
			if n := inside.Add(1); n != 1 {
				t.Errorf("%d are inside", n)
			}
			inside.Add(-1)
		})
	}
	wg.Wait()
}

func TestWaitingEndsWithTheContext(t *testing.T) {
	dir := t.TempDir()
	release := acquire(t, dir)
	defer release()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Acquire(ctx, dir); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestDirectoryThatNothingWasPutIntoIsRemovedAgain(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	acquire(t, dir)()
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it is there: %v", err)
	}
	release := acquire(t, dir)
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	release()
	if _, err := os.Stat(filepath.Join(dir, "file")); err != nil {
		t.Error(err)
	}

	empty := t.TempDir() // somebody else's
	acquire(t, empty)()
	if _, err := os.Stat(empty); err != nil {
		t.Error(err)
	}
}

// Whoever waits for a lock that is then removed with its directory must not
// believe to hold one that the next to come does not see.
func TestRemovedLockIsAcquiredAnew(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	var wg sync.WaitGroup
	var inside atomic.Int32
	for range 8 {
		wg.Go(func() {
			for range 20 {
				release := acquire(t, dir)
				if n := inside.Add(1); n != 1 {
					t.Errorf("%d are inside", n)
				}
				inside.Add(-1)
				release()
			}
		})
	}
	wg.Wait()
}

func TestWhatIsNoDirectoryIsAnError(t *testing.T) {
	root := t.TempDir()
	file, dangling := filepath.Join(root, "file"), filepath.Join(root, "link")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(root, "nowhere"), dangling); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{file, filepath.Join(file, "below"), dangling, filepath.Join(dangling, "below")} {
		if _, err := Acquire(t.Context(), dir); err == nil {
			t.Errorf("%s is acquired", dir)
		}
	}
}

func TestWhoWaitsForLongerThanAMomentIsTold(t *testing.T) {
	dir := t.TempDir()
	told := 0
	release, err := AcquireTelling(t.Context(), dir, func() { told++ })
	if err != nil || told != 0 {
		t.Fatalf("nobody holds it: told %d times, %v", told, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := AcquireTelling(ctx, dir, func() { told++; cancel() }); !errors.Is(err, context.Canceled) || told != 1 {
		t.Errorf("somebody holds it: told %d times, %v", told, err)
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}
	release, err = AcquireTelling(t.Context(), dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := release(); err != nil {
		t.Error(err)
	}
}

func TestOnlyALockThatNobodyHoldsIsTriedWithSuccess(t *testing.T) {
	dir := t.TempDir()
	if _, ok := Try(dir); ok {
		t.Error("a directory is locked that never was")
	}
	if _, err := os.Lstat(filepath.Join(dir, name)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("to try makes a lock: %v", err)
	}
	release := acquire(t, dir)
	if _, ok := Try(dir); ok {
		t.Error("what somebody holds is locked")
	}
	release()
	unlock, ok := Try(dir)
	if !ok {
		t.Fatal("what nobody holds is not locked")
	}
	if _, again := Try(dir); again {
		t.Error("it is locked twice")
	}
	if err := unlock(); err != nil {
		t.Error(err)
	}
}
