// Package datadir packs what etcd keeps in its data directory.
package datadir

import (
	"archive/tar"
	"errors"
	"io"
	"os"
	"path/filepath"
)

// Archive gives the folder member of a data directory, of a member that does not
// run, as a tar archive. Either of the folders in it may be a link to another disk.
func Archive(dir string) (io.ReadCloser, error) {
	if _, err := os.Stat(filepath.Join(dir, "member")); err != nil {
		return nil, err
	}
	out, in := io.Pipe()
	go func() {
		to := tar.NewWriter(in)
		in.CloseWithError(errors.Join(pack(to, dir), to.Close()))
	}()
	return out, nil
}

func pack(to *tar.Writer, dir string) error {
	for _, folder := range []string{"member/snap", "member/wal"} {
		entries, err := os.ReadDir(filepath.Join(dir, filepath.FromSlash(folder)))
		if err == nil {
			err = to.WriteHeader(&tar.Header{Name: folder + "/", Typeflag: tar.TypeDir, Mode: 0o700})
		}
		for _, e := range entries {
			if err == nil && e.Type().IsRegular() {
				err = packFile(to, filepath.Join(dir, filepath.FromSlash(folder), e.Name()), folder+"/"+e.Name())
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func packFile(to *tar.Writer, file, name string) error {
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
		_, err = io.Copy(to, f)
	}
	return err
}
