package tarfolder

import (
	"archive/tar"
	"errors"
	"io"
	"os"
	"path/filepath"
)

// Data gives the folder member of etcd's data directory, of a member that does not
// run, as an archive. Either of the folders in it may be a link to another disk.
func Data(dir string) (io.ReadCloser, error) {
	if _, err := os.Stat(filepath.Join(dir, "member")); err != nil {
		return nil, err
	}
	out, in := io.Pipe()
	go func() {
		to := tar.NewWriter(in)
		var err error
		for _, folder := range []string{"member/snap", "member/wal"} {
			if err == nil {
				err = Add(to, filepath.Join(dir, filepath.FromSlash(folder)), folder)
			}
		}
		in.CloseWithError(errors.Join(err, to.Close()))
	}()
	return out, nil
}

// Made gives a folder that is to be a data directory, and the database that is to be in
// it, as an archive.
func Made(dir, database string) io.ReadCloser {
	out, in := io.Pipe()
	go func() {
		to := tar.NewWriter(in)
		in.CloseWithError(errors.Join(Add(to, dir, ""), AddFile(to, database, "member/snap/db"), to.Close()))
	}()
	return out
}
