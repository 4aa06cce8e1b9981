package etcdctr

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// Of two that delete a cluster the second makes the folder anew, for the lock that it waits for.
func TestWhoHasWaitedForADeletionLeavesNoFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), ".etcdctr")
	if err := os.MkdirAll(filepath.Join(dir, ".locks"), 0o700); err != nil {
		t.Fatal(err)
	}
	Options{PlacesDir: dir}.leavePlaces()
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it is there: %v", err)
	}
	if err := os.MkdirAll(filepath.Join(dir, ".locks", "orders"), 0o700); err != nil {
		t.Fatal(err)
	}
	Options{PlacesDir: dir}.leavePlaces()
	if _, err := os.Stat(filepath.Join(dir, ".locks", "orders")); err != nil {
		t.Errorf("a lock that somebody holds: %v", err)
	}
}
