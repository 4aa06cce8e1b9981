// Package outfile writes results into files that a user has named.
//
// A regular file is there whole or not at all: the result is written beside it
// and renamed, so that nobody reads half of it and a failure leaves what was
// there. What somebody has written beside it who was killed goes once the next writes the
// same file. Renaming is wrong for everything else that a name can stand for. A
// symbolic link is followed, and what it leads to is replaced; a device, a FIFO
// or a terminal is written into, for whoever reads there.
package outfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// mostLinks is how many symbolic links may follow each other, as on Linux.
const mostLinks = 40

// Write writes data to path. A new file gets the mode, less the umask; one that is
// there keeps its own.
func Write(path string, data []byte, mode fs.FileMode) error {
	return Stream(path, mode, func(w io.Writer) error {
		_, err := io.Copy(w, bytes.NewReader(data))
		return err
	})
}

// Note is Write for what programs read while it is written. Windows replaces no file that
// anybody has open: there it is written into.
func Note(path string, data []byte, mode fs.FileMode) error {
	if runtime.GOOS == "windows" {
		return os.WriteFile(path, data, mode)
	}
	return Write(path, data, mode)
}

// Stream is Write for what is not in memory. What was written to a regular file
// can be read again while it is written: the writer is an io.ReaderAt then.
func Stream(path string, mode fs.FileMode, write func(io.Writer) error) error {
	was, err := os.Stat(path)
	switch {
	case err == nil && was.IsDir():
		return fmt.Errorf("%s is a folder", path)
	case err == nil && !was.Mode().IsRegular():
		return into(path, 0, write)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	}
	target, err := follow(path)
	if err != nil {
		return err
	}
	if was == nil {
		return replace(target, mode, write)
	}
	if is, err := os.Stat(target); err != nil || !os.SameFile(is, was) {
		return into(path, os.O_TRUNC, write) // such as /dev/stdout, which leads to an open file and not to a name
	}
	return replace(target, was.Mode().Perm(), write)
}

// follow gives what symbolic links lead to, which need not be there.
func follow(path string) (string, error) {
	for range mostLinks {
		link, err := os.Readlink(path)
		if err != nil {
			return path, nil //nolint:nilerr // it is no link, or not there
		}
		if !filepath.IsAbs(link) {
			link = filepath.Join(filepath.Dir(path), link)
		}
		path = link
	}
	return "", fmt.Errorf("%s: too many symbolic links follow each other", path)
}

// into writes where the name leads, and makes nothing.
func into(path string, how int, write func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_WRONLY|how, 0)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}

func replace(path string, mode fs.FileMode, write func(io.Writer) error) (err error) {
	sweep(path)
	f, release, err := beside(path, mode)
	if err != nil {
		return err
	}
	defer release()
	defer func() {
		if err != nil {
			_ = f.Close() // it may be closed already
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	if err := write(f); err != nil {
		return err
	}
	if _, err := os.Lstat(path); err == nil {
		if err := f.Chmod(mode); err != nil { // which the umask may have narrowed
			return err
		}
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
