// Package gitignore keeps folders of keys and data out of a repository that they may lie
// in: each carries a file that has git pass over all that is in it, itself included, as
// Python's venv does with its own.
package gitignore

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Name is the file's.
const Name = ".gitignore"

const everything = "*\n"

// MkdirAll is that of package os, and gives a folder that it makes the file. In one that
// is there somebody else decides what goes into a repository.
func MkdirAll(dir string, mode fs.FileMode) error {
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(dir, mode); err != nil {
		return err
	}
	return Write(dir)
}

// Write gives a folder that is there the file, unless it has one, whatever that says.
func Write(dir string) error {
	f, err := os.OpenFile(filepath.Join(dir, Name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = f.WriteString(everything)
	return errors.Join(err, f.Close())
}

// Remove takes the file out of a folder, if it is as it was written.
func Remove(dir string) error {
	file := filepath.Join(dir, Name)
	if data, err := os.ReadFile(file); err != nil || string(data) != everything {
		return nil //nolint:nilerr // there is none of ours
	}
	return os.Remove(file)
}
