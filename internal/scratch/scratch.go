// Package scratch makes folders for data that somebody needs for a moment, such as a
// database that is unpacked. They go with whoever has made them: at the end, and where that
// was killed, once the next comes who makes one of the same kind in the same place.
package scratch

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/etcdctr/etcdctr/internal/lockfile"
)

// Each is a folder PREFIX-RANDOM.scratch, which its owner locks as long as he lives, with
// the files in a folder of their own. Its path leaves room for the name of a socket where
// the system's folder for such things has a long one, as macOS's.
const (
	suffix = ".scratch"
	files  = "files"
	random = 16 // letters of 32: two that meet wait for each other
)

// Make makes an empty folder, for nobody but this user, in the folder in; "" stands for
// the system's for such things. Prefix says what it is for, such as "etcdctr-restore". What
// others of this prefix have left there that were killed goes. Remove deletes it.
func Make(in, prefix string) (dir string, remove func() error, err error) {
	if in == "" {
		in = os.TempDir()
	}
	sweep(in, prefix)
	if _, err := os.Stat(in); err != nil {
		return "", nil, err
	}
	root := filepath.Join(in, prefix+"-"+strings.ToLower(rand.Text()[:random])+suffix)
	release, err := lockfile.Acquire(context.Background(), root) // nobody else waits for it
	if err != nil {
		return "", nil, errors.Join(err, os.RemoveAll(root))
	}
	remove = func() error {
		_ = wipe(root)
		_ = release()
		return os.RemoveAll(root) // of which nothing is left but what can't go, and on Windows what was locked
	}
	dir = filepath.Join(root, files)
	if err := os.Mkdir(dir, 0o700); err != nil {
		return "", nil, errors.Join(err, remove())
	}
	return dir, remove, nil
}

// sweep deletes what others have left that were killed. It is a courtesy: what can't be
// deleted is left to whoever comes next.
func sweep(in, prefix string) {
	name := regexp.MustCompile("^" + regexp.QuoteMeta(prefix) + "-[a-z2-7]{16,26}" + regexp.QuoteMeta(suffix) + "$")
	entries, err := os.ReadDir(in)
	if err != nil {
		return
	}
	for _, e := range entries {
		if !e.IsDir() || !name.MatchString(e.Name()) || !isOwn(e) {
			continue
		}
		root := filepath.Join(in, e.Name())
		if release, ok := lockfile.Try(root); ok {
			_ = wipe(root)
			_ = release()
		}
	}
}

// wipe deletes a folder, the lock in it last: one without is nobody's to delete.
func wipe(root string) error {
	if err := os.RemoveAll(filepath.Join(root, files)); err != nil {
		return err
	}
	return os.RemoveAll(root)
}
