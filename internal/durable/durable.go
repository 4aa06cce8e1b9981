// Package durable has files and folders outlive a power cut, or be gone for good after
// one, and copies files at the price that the file system makes.
package durable

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Tree makes a folder durable, with all that is in it.
func Tree(dir string) error {
	return filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir():
			return Dir(path)
		case e.Type().IsRegular():
			return file(path)
		}
		return nil
	})
}

// Size is what the files in a folder have in them, in bytes.
func Size(dir string) (bytes int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		info, err := e.Info()
		if err == nil {
			bytes += info.Size()
		}
		return err
	})
	return bytes, err
}

// Discard deletes a folder, by way of a name beside it that is its own: whoever is ended in
// the middle leaves half of it under that, and the same call goes on there. What has that
// name already goes, too.
func Discard(dir, going string) error {
	if dir != going {
		err := os.RemoveAll(going)
		if err == nil {
			err = os.Rename(dir, going)
		}
		if err == nil {
			err = Dir(filepath.Dir(going))
		}
		if err != nil {
			return err
		}
	}
	return os.RemoveAll(going)
}

// file makes a file durable. It is opened as who wrote it had it: not every system syncs
// what can only be read.
func file(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrPermission) { // what nobody writes to
		f, err = os.Open(path)
	}
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// piece is how many bytes are copied before it is looked whether anybody still wants it.
const piece = 64 << 20

// Copy makes a file that is not there yet, of mode 0600, of another's contents. Where the
// file system can, the two share their blocks until one of them is written to. It is not
// durable yet: see Tree.
func Copy(ctx context.Context, to, from string) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	f, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if ctx.Err() != nil || clone(f, source) != nil { // most file systems can't
		err = pour(ctx, f, source)
	}
	return errors.Join(err, f.Close())
}

// pour copies in pieces, which the kernel carries over where it can. Each is on its way
// to the disk while the next one comes.
func pour(ctx context.Context, to, from *os.File) error {
	for {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		switch _, err := io.CopyN(to, from, piece); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		Start(to)
	}
}
