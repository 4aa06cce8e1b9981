package tarfolder_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/etcdctr/etcdctr/internal/tarfolder"
)

func archive(t *testing.T, headers ...tar.Header) *bytes.Reader {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range headers {
		if h.Typeflag == tar.TypeReg {
			h.Size = 1
		}
		err := w.WriteHeader(&h)
		if h.Size > 0 {
			_, errWrite := w.Write([]byte("x"))
			err = errors.Join(err, errWrite)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return bytes.NewReader(b.Bytes())
}

func TestFilesAndFoldersComeInto(t *testing.T) {
	dir := t.TempDir()
	err := tarfolder.Unpack(t.Context(), dir, archive(t,
		tar.Header{Name: "a/b/c", Typeflag: tar.TypeReg, Mode: 0o4777}, tar.Header{Name: "d/", Typeflag: tar.TypeDir, Mode: 0o777}))
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(filepath.Join(dir, "a", "b", "c")); err != nil || info.Mode()&^0o755 != 0 {
		t.Errorf("%v, %v", info, err)
	}
	if info, err := os.Stat(filepath.Join(dir, "d")); err != nil || !info.IsDir() {
		t.Errorf("%v, %v", info, err)
	}
}

func TestNothingComesOutsideOrTwice(t *testing.T) {
	file := func(name string) tar.Header { return tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o600} }
	tests := map[string][]tar.Header{
		"above":     {file("../x")},
		"absolute":  {file("/x")},
		"link":      {{Name: "l", Typeflag: tar.TypeSymlink, Linkname: "/"}},
		"hard link": {{Name: "l", Typeflag: tar.TypeLink, Linkname: "x"}},
		"device":    {{Name: "n", Typeflag: tar.TypeChar}},
		"twice":     {file("x"), file("x")},
	}
	for name, headers := range tests {
		around := t.TempDir()
		dir := filepath.Join(around, "into")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := tarfolder.Unpack(t.Context(), dir, archive(t, headers...)); err == nil {
			t.Errorf("%s: no error", name)
		}
		if _, err := os.Stat(filepath.Join(around, "x")); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: there is a file outside: %v", name, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := tarfolder.Unpack(ctx, t.TempDir(), archive(t, file("x"))); !errors.Is(err, context.Canceled) {
		t.Errorf("without time: %v", err)
	}
}
