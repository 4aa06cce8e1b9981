// Package tarfolder packs folders into archives, and unpacks archives into folders
// and nothing outside of them.
package tarfolder

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Unpack writes the folders and regular files of a tar archive into a folder that
// exists, owned by whoever runs this, until ctx ends. Anything else in it, a name
// that leads out and a name that is there already are errors.
func Unpack(ctx context.Context, dir string, archive io.Reader) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	for from := tar.NewReader(archive); ; {
		h, err := from.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = ctx.Err()
		}
		if err == nil {
			err = one(root, h, from)
		}
		if err != nil {
			return err
		}
	}
}

func one(root *os.Root, h *tar.Header, from io.Reader) error {
	name := filepath.FromSlash(h.Name)
	switch h.Typeflag {
	case tar.TypeDir:
		return root.MkdirAll(filepath.Clean(name), 0o700)
	case tar.TypeReg:
		if err := root.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			return err
		}
		f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fs.FileMode(h.Mode)&0o755)
		if err != nil {
			return err
		}
		_, err = io.Copy(f, from)
		return errors.Join(err, f.Sync(), f.Close())
	}
	return fmt.Errorf("%s is neither a file nor a folder", h.Name)
}

// File writes the first file of an archive as a program of that name, and reports
// whether the archive begins with a file.
func File(name string, archive io.Reader) (bool, error) {
	from := tar.NewReader(archive)
	h, err := from.Next()
	if err != nil || h.Typeflag != tar.TypeReg {
		return false, err
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o700)
	if err != nil {
		return false, err
	}
	_, err = io.Copy(f, from)
	return true, errors.Join(err, f.Close())
}
