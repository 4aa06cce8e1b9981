package tarfolder

import (
	"archive/tar"
	"io"
	"os"
	"path"
	"path/filepath"
)

// Add adds the folders and regular files of a folder to an archive, below a name
// there; empty for its top. dir may be a link. Nothing says whom they belong to:
// that is for who unpacks them.
func Add(to *tar.Writer, dir, below string) error {
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return err
	}
	return filepath.WalkDir(dir, func(file string, e os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, file)
		if err != nil {
			return err
		}
		name = path.Join(below, filepath.ToSlash(name))
		switch {
		case name == ".":
		case e.IsDir():
			info, err := e.Info()
			if err != nil {
				return err
			}
			return to.WriteHeader(&tar.Header{Name: name + "/", Typeflag: tar.TypeDir, Mode: int64(info.Mode().Perm()), ModTime: info.ModTime()})
		case e.Type().IsRegular():
			return AddFile(to, file, name)
		}
		return nil
	})
}

// AddFile adds one file under a name.
func AddFile(to *tar.Writer, file, name string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err == nil {
		err = to.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Size: info.Size(), Mode: int64(info.Mode().Perm()), ModTime: info.ModTime()})
	}
	if err == nil {
		// The archive's own way to read would take a file in small pieces.
		_, err = io.CopyBuffer(struct{ io.Writer }{to}, struct{ io.Reader }{f}, make([]byte, piece))
	}
	return err
}

const piece = 1 << 20
