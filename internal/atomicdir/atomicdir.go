// Package atomicdir replaces directories as a whole, so that a reader never
// finds one file of the old set beside another of the new.
//
// The new content of DIR is written to its sibling .DIR.new and made durable;
// then the two change places in one step where the kernel and the file system
// can (renameat2 with RENAME_EXCHANGE), and by two renames through .DIR.old
// elsewhere. Recover, called before the next write, finishes or undoes what an
// interruption between those steps has left.
//
// Callers keep each other out, see package lockfile.
package atomicdir

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/etcdctr/etcdctr/internal/durable"
)

const (
	newSuffix = ".new"
	oldSuffix = ".old"

	// dirMode keeps everybody else out of directories that hold keys.
	dirMode fs.FileMode = 0o700

	// syncs are under way at the same time. File systems gather them into one
	// commit of their journal, which makes 40 files as fast as 4.
	syncs = 16

	// batch is how many directories' files are open at the same time.
	batch = 50
)

// Dir is a directory and all that it shall hold.
type Dir struct {
	Path  string
	Files []File

	// Mode is the directory's; zero: nobody but its owner gets in.
	Mode fs.FileMode
	// Owner is who the directory and its files belong to; nil: who makes them.
	Owner *Owner
}

// Owner is a user and a group, by their numbers.
type Owner struct{ UID, GID int }

// File is one file in a Dir.
type File struct {
	Name string
	Data []byte
	Mode fs.FileMode
}

// Replace gives every directory its new content, in the given order. Nothing
// changes unless all of the content could be written: on an error or a
// cancelled context before that, what was written is removed again.
//
// A power cut never leaves half a directory. A replacement also survives one
// once Replace returns; directories that are all new may be gone with it.
func Replace(ctx context.Context, dirs ...Dir) error {
	err := stage(ctx, dirs)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		unstage(dirs)
		return err
	}
	replaced := false
	for _, d := range dirs {
		old, err := swap(d.Path)
		if err != nil {
			return fmt.Errorf("replace directory %s: %w", d.Path, err)
		}
		replaced = replaced || old
	}
	if !replaced {
		return nil
	}
	return syncAll(nil, parents(dirs))
}

// stage writes the new content of every directory beside it.
func stage(ctx context.Context, dirs []Dir) error {
	for some := range slices.Chunk(dirs, batch) {
		if err := stageBatch(ctx, some); err != nil {
			return err
		}
	}
	return nil
}

// stageBatch keeps the files open from their writing to their syncing: the
// handle that wrote a file is the one that every system syncs it by.
func stageBatch(ctx context.Context, dirs []Dir) error {
	var files []*os.File
	defer func() {
		for _, f := range files {
			_ = f.Close() // what could fail has failed in Sync
		}
	}()
	var staged []string
	for _, d := range dirs {
		dir := sibling(d.Path, newSuffix)
		if err := makeStaging(dir, d.Mode, d.Owner); err != nil {
			return err
		}
		for _, f := range d.Files {
			file, err := writeFile(ctx, filepath.Join(dir, f.Name), f)
			if err != nil {
				return err
			}
			files = append(files, file)
			if d.Owner != nil {
				if err := file.Chown(d.Owner.UID, d.Owner.GID); err != nil {
					return err
				}
			}
		}
		if d.Owner != nil {
			if err := os.Chown(dir, d.Owner.UID, d.Owner.GID); err != nil {
				return err
			}
		}
		staged = append(staged, dir)
	}
	return syncAll(files, staged)
}

// unstage removes what stage has written, and the folders it has made on the
// way: of those, the ones that nothing else is in. What cannot be removed now,
// Recover removes later.
func unstage(dirs []Dir) {
	for _, d := range dirs {
		_ = os.RemoveAll(sibling(d.Path, newSuffix))
	}
	for _, p := range parents(dirs) {
		_ = os.Remove(p)
	}
}

// makeStaging makes an empty staging directory, whatever a crash left there.
func makeStaging(path string, mode fs.FileMode, owner *Owner) error {
	if mode == 0 {
		mode = dirMode
	}
	if err := makeParents(filepath.Dir(path), owner); err != nil {
		return err
	}
	if err := os.RemoveAll(path); err != nil {
		return err
	}
	// The mode at creation passes through the umask.
	return errors.Join(os.Mkdir(path, dirMode), os.Chmod(path, mode))
}

// makeParents makes the folders that lead to one, for its owner.
func makeParents(path string, owner *Owner) error {
	if _, err := os.Lstat(path); owner == nil || err == nil {
		return os.MkdirAll(path, dirMode)
	}
	if err := makeParents(filepath.Dir(path), owner); err != nil {
		return err
	}
	if err := os.Mkdir(path, dirMode); err != nil {
		return err
	}
	return os.Chown(path, owner.UID, owner.GID)
}

// writeFile writes a file and has it on its way to the disk, still open.
func writeFile(ctx context.Context, path string, f File) (*os.File, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, f.Mode)
	if err != nil {
		return nil, err
	}
	_, err = file.Write(f.Data)
	// The mode at creation passes through the umask.
	if err = errors.Join(err, file.Chmod(f.Mode)); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	// ext4 finds a file its blocks only once it is written: with all files on their way
	// before the first is synced, one commit of the journal serves 40 of them instead of
	// seven.
	durable.Start(file)
	return file, nil
}

// swap puts the staged directory in its place, removes what was there, and
// reports whether anything was.
func swap(path string) (replaced bool, err error) {
	staged := sibling(path, newSuffix)
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return false, os.Rename(staged, path)
	}
	err = exchange(staged, path)
	if errors.Is(err, errors.ErrUnsupported) {
		return true, swapByRename(path)
	}
	if err != nil {
		return true, err
	}
	return true, os.RemoveAll(staged)
}

// swapByRename is the way without an atomic exchange: for a moment there is
// nothing at path, and Recover knows what to do about it.
func swapByRename(path string) error {
	old := sibling(path, oldSuffix)
	if err := os.Rename(path, old); err != nil {
		return err
	}
	if err := os.Rename(sibling(path, newSuffix), path); err != nil {
		return errors.Join(err, os.Rename(old, path))
	}
	return os.RemoveAll(old)
}

// Recover finishes or undoes interrupted replacements anywhere below root. A
// root that does not exist needs none.
func Recover(root string) error {
	var left []string
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if !entry.IsDir() || !isSibling(entry.Name()) {
			return nil
		}
		left = append(left, path)
		return fs.SkipDir
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, path := range left {
		if err := recoverOne(path); err != nil {
			return fmt.Errorf("clean up after an interrupted run: %w", err)
		}
	}
	return nil
}

// recoverOne settles one left-over. Only between the two renames of
// swapByRename is a left-over the sole copy of the directory; by then the new
// content is complete, but the old is what its owner last saw, so it returns.
func recoverOne(left string) error {
	name := filepath.Base(left)
	target := filepath.Join(filepath.Dir(left), name[1:len(name)-len(newSuffix)])
	if strings.HasSuffix(name, oldSuffix) {
		if _, err := os.Lstat(target); errors.Is(err, fs.ErrNotExist) {
			return os.Rename(left, target)
		}
	}
	return os.RemoveAll(left)
}

// sibling is the hidden directory beside path that a replacement works in.
func sibling(path, suffix string) string {
	return filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+suffix)
}

func isSibling(name string) bool {
	return len(name) > len(".")+len(newSuffix) && name[0] == '.' &&
		(strings.HasSuffix(name, newSuffix) || strings.HasSuffix(name, oldSuffix))
}

// parents lists the directories that hold the given ones, and those that hold
// these, each once and the inner ones first.
func parents(dirs []Dir) []string {
	var list []string
	for _, up := range []func(string) string{
		filepath.Dir,
		func(path string) string { return filepath.Dir(filepath.Dir(path)) },
	} {
		for _, d := range dirs {
			if p := up(d.Path); !slices.Contains(list, p) {
				list = append(list, p)
			}
		}
	}
	return list
}

func syncAll(files []*os.File, dirs []string) error {
	var g errgroup.Group
	g.SetLimit(syncs)
	for _, f := range files {
		g.Go(f.Sync)
	}
	for _, d := range dirs {
		g.Go(func() error { return durable.Dir(d) })
	}
	return g.Wait()
}
