package tarfolder_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/etcdctr/etcdctr/internal/tarfolder"
)

func TestAFolderComesBackAsItWas(t *testing.T) {
	from, to := t.TempDir(), t.TempDir()
	write := func(name, text string) {
		file := filepath.Join(from, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("disk/a", "1")
	write("disk/deep/b", "2")
	if err := os.Symlink("a", filepath.Join(from, "disk", "link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("disk", filepath.Join(from, "wal")); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := tarfolder.Add(w, filepath.Join(from, "wal"), "member/wal"); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := tarfolder.Unpack(t.Context(), to, &b); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"a": "1", "deep/b": "2"} {
		if got, err := os.ReadFile(filepath.Join(to, "member", "wal", name)); err != nil || string(got) != want {
			t.Errorf("%s is %q, %v", name, got, err)
		}
	}
	if _, err := os.Lstat(filepath.Join(to, "member", "wal", "link")); err == nil {
		t.Error("a link came along")
	}
}

// Half of what is to be in it is no archive.
func TestAnArchiveThatLacksSomethingHasNoEnd(t *testing.T) {
	dir := t.TempDir()
	files := tarfolder.Made(dir, filepath.Join(dir, "missing"))
	defer files.Close()
	if err := tarfolder.Unpack(t.Context(), t.TempDir(), files); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a database: %v", err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "member", "snap"), 0o700); err != nil {
		t.Fatal(err)
	}
	data, err := tarfolder.Data(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer data.Close()
	if err := tarfolder.Unpack(t.Context(), t.TempDir(), data); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a log: %v", err)
	}
}
