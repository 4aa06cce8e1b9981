package tarfolder

import (
	"archive/tar"
	"cmp"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// Data gives the folder member of etcd's data directory, of a member that does not
// run, as an archive. Either of the folders in it may be a link to another disk.
func Data(dir string) (io.ReadCloser, error) { return DataAndLog(dir, "") }

// DataAndLog gives the same of a member whose log is in a folder of its own, empty for
// none, as if it were in its place.
func DataAndLog(dir, log string) (io.ReadCloser, error) {
	if _, err := os.Stat(filepath.Join(dir, "member")); err != nil {
		return nil, err
	}
	out, in := io.Pipe()
	go archive(in, func(to *tar.Writer) error {
		if err := Add(to, filepath.Join(dir, "member", "snap"), "member/snap"); err != nil {
			return err
		}
		return Add(to, cmp.Or(log, filepath.Join(dir, "member", "wal")), "member/wal")
	})
	return out, nil
}

// Graft gives an archive with all that one has, and below a name in it all that is in the
// folder that another one is of. It closes both.
func Graft(onto io.ReadCloser, below string, folder io.ReadCloser) io.ReadCloser {
	out, in := io.Pipe()
	go archive(in, func(to *tar.Writer) error {
		err := pass(to, onto, func(name string) string { return name })
		if err == nil {
			err = pass(to, folder, func(name string) string {
				_, inside, _ := strings.Cut(name, "/")
				return below + "/" + inside
			})
		}
		return errors.Join(err, onto.Close(), folder.Close())
	})
	return out
}

// pass writes all of an archive into another one, under names of its own.
func pass(to *tar.Writer, archive io.Reader, as func(name string) string) error {
	for from := tar.NewReader(archive); ; {
		h, err := from.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		h.Name = as(h.Name)
		if err := to.WriteHeader(h); err != nil {
			return err
		}
		if _, err := io.Copy(to, from); err != nil {
			return err
		}
	}
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
