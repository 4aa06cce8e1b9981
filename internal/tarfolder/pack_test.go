package tarfolder_test

import (
	"archive/tar"
	"bytes"
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
