package engine

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/etcdctr/etcdctr/internal/lockfile"
)

// Folders of sessions that have ended are gone with the next that begins; those of sessions
// that go on, of somebody who begins one, and of others stay.
func TestFoldersOfEndedSessionsAreSweptAway(t *testing.T) {
	base, err := os.MkdirTemp("", "") //nolint:usetesting // a socket's path has to be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(base) })
	for _, name := range []string{"ended", "goes-on", "own"} {
		lock(t, filepath.Join(base, name))()
	}
	release := lock(t, filepath.Join(base, "begins"))
	defer release()
	if err := os.Mkdir(filepath.Join(base, "theirs"), 0o700); err != nil {
		t.Fatal(err)
	}
	listens, err := net.Listen("unix", (&session{dir: filepath.Join(base, "goes-on")}).control())
	if err != nil {
		t.Fatal(err)
	}
	defer listens.Close()

	sweep(base, filepath.Join(base, "own"))
	entries, err := os.ReadDir(base)
	var left []string
	for _, e := range entries {
		left = append(left, e.Name())
	}
	if want := []string{"begins", "goes-on", "own", "theirs"}; err != nil || !slices.Equal(left, want) {
		t.Errorf("left are %q (%v), want %q", left, err, want)
	}
}

// lock makes a folder and locks it.
func lock(t *testing.T, dir string) (release func()) {
	t.Helper()
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	unlock, err := lockfile.Acquire(context.Background(), dir)
	if err != nil {
		t.Fatal(err)
	}
	return func() { _ = unlock() }
}
