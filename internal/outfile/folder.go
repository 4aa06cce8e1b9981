package outfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// File is a file of a folder.
type File struct {
	Name string
	Data []byte
}

// Folder writes files into a folder, which is made if it is not there. Where that
// fails, what was not there before is gone again.
func Folder(dir string, mode fs.FileMode, files ...File) (err error) {
	var made []string
	defer func() {
		if err != nil {
			for _, path := range slices.Backward(made) {
				err = errors.Join(err, os.Remove(path))
			}
		}
	}()
	for _, folder := range missing(dir) {
		if err := os.Mkdir(folder, 0o755); err != nil {
			return err
		}
		made = append(made, folder)
	}
	for _, f := range files {
		path := filepath.Join(dir, f.Name)
		_, there := os.Lstat(path)
		if err := Write(path, f.Data, mode); err != nil {
			return err
		}
		if errors.Is(there, fs.ErrNotExist) {
			made = append(made, path)
		}
	}
	return nil
}

// missing are the folders that are not there on the way to one, outermost first.
func missing(dir string) []string {
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return nil // whoever writes there will say what is wrong with it
	}
	return append(missing(filepath.Dir(dir)), dir)
}
