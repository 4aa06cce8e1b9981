package tarfolder_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
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

// A log that is in a folder of its own comes as if it were with its data, whether folders
// are packed here or came packed.
func TestALogOfAnotherFolderIsBroughtToItsData(t *testing.T) {
	dir, log := t.TempDir(), t.TempDir()
	for file, text := range map[string]string{filepath.Join(dir, "member", "snap", "db"): "data", filepath.Join(log, "0.wal"): "log"} {
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	folder := func(dir, below string) io.ReadCloser {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		if err := errors.Join(w.WriteHeader(&tar.Header{Name: below + "/", Typeflag: tar.TypeDir, Mode: 0o700}), tarfolder.Add(w, dir, below), w.Close()); err != nil {
			t.Fatal(err)
		}
		return io.NopCloser(&b)
	}
	packed, err := tarfolder.DataAndLog(dir, log)
	if err != nil {
		t.Fatal(err)
	}
	for how, archive := range map[string]io.ReadCloser{
		"folders": packed, "archives": tarfolder.Graft(folder(filepath.Join(dir, "member"), "member"), "member/wal", folder(log, "wals")),
	} {
		to := t.TempDir()
		if err := errors.Join(tarfolder.Unpack(t.Context(), to, archive), archive.Close()); err != nil {
			t.Errorf("%s: %v", how, err)
		}
		for name, want := range map[string]string{"snap/db": "data", "wal/0.wal": "log"} {
			if got, err := os.ReadFile(filepath.Join(to, "member", filepath.FromSlash(name))); err != nil || string(got) != want {
				t.Errorf("%s: %s is %q, %v", how, name, got, err)
			}
		}
	}
}
