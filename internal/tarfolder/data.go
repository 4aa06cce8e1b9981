package tarfolder

import (
	"archive/tar"
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
	go archive(in, func(to *tar.Writer) error {
		for _, folder := range []string{"member/snap", "member/wal"} {
			if err := Add(to, filepath.Join(dir, filepath.FromSlash(folder)), folder); err != nil {
				return err
			}
		}
		return nil
	})
	return out, nil
}

// Made gives a folder that is to be a data directory, and the database that is to be in
// it, as an archive.
func Made(dir, database string) io.ReadCloser {
	out, in := io.Pipe()
	go archive(in, func(to *tar.Writer) error {
		if err := Add(to, dir, ""); err != nil {
			return err
		}
		return AddFile(to, database, "member/snap/db")
	})
	return out
}

// archive writes an archive, which has an end only if all is in it.
func archive(in *io.PipeWriter, fill func(*tar.Writer) error) {
	to := tar.NewWriter(in)
	err := fill(to)
	if err == nil {
		err = to.Close()
	}
	in.CloseWithError(err)
}
