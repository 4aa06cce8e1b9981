//go:build unix

package outfile_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/etcdctr/etcdctr/internal/outfile"
)

const mode = 0o640

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := outfile.Write(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

func wantText(t *testing.T, path, want string) {
	t.Helper()
	if got, err := os.ReadFile(path); err != nil || string(got) != want {
		t.Errorf("%s holds %q, %v, want %q", path, got, err, want)
	}
}

// wantAlone wants nothing beside the files of a folder, such as one half written.
func wantAlone(t *testing.T, dir string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != len(names) {
		t.Errorf("the folder holds %v, %v, want %v", entries, err, names)
	}
}

func TestAFileIsReplacedAndKeepsItsMode(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x")
	write(t, path, "first")
	if err := os.Chmod(path, 0o666); err != nil {
		t.Fatal(err)
	}
	reader, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	write(t, path, "second")
	wantText(t, path, "second")
	if half, err := io.ReadAll(reader); err != nil || string(half) != "first" {
		t.Errorf("who read the first reads %q, %v", half, err)
	}
	if st, err := os.Stat(path); err != nil || st.Mode() != 0o666 {
		t.Errorf("its mode is %v, %v, want 0666", st.Mode(), err)
	}
	wantAlone(t, dir, "x")
}

func TestSymbolicLinksAreFollowed(t *testing.T) {
	for what, there := range map[string]bool{"to a file": true, "to none": false} {
		t.Run(what, func(t *testing.T) {
			dir, elsewhere := t.TempDir(), t.TempDir()
			target := filepath.Join(elsewhere, "x")
			if there {
				write(t, target, "old")
			}
			for link, to := range map[string]string{"first": "second", "second": target} {
				if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
					t.Fatal(err)
				}
			}
			write(t, filepath.Join(dir, "first"), "new")
			wantText(t, target, "new")
			wantAlone(t, dir, "first", "second")
			if st, err := os.Lstat(filepath.Join(dir, "first")); err != nil || st.Mode().Type() != fs.ModeSymlink {
				t.Errorf("the link is %v, %v", st.Mode(), err)
			}
		})
	}
}

func TestLinksInACircleAreAnError(t *testing.T) {
	dir := t.TempDir()
	for link, to := range map[string]string{"a": "b", "b": "a"} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := outfile.Write(filepath.Join(dir, "a"), nil, mode); err == nil {
		t.Error("Write gave no error")
	}
	wantAlone(t, dir, "a", "b")
}

func TestAFIFOIsWrittenInto(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	read := make(chan string)
	go func() {
		got, err := os.ReadFile(path)
		if err != nil {
			t.Error(err)
		}
		read <- string(got)
	}()
	write(t, path, "through")
	if got := <-read; got != "through" {
		t.Errorf("its reader read %q", got)
	}
	wantAlone(t, dir, "fifo")
}

// /dev/fd leads to an open file, whatever its name is by now.
func TestAnOpenFileIsWrittenInto(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "x"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := os.Remove(f.Name()); err != nil {
		t.Fatal(err)
	}
	write(t, fmt.Sprintf("/dev/fd/%d", f.Fd()), "text")
	got := make([]byte, 10)
	n, err := f.ReadAt(got, 0)
	if !errors.Is(err, io.EOF) || string(got[:n]) != "text" {
		t.Errorf("it holds %q, %v", got[:n], err)
	}
}

func TestADeviceIsWrittenInto(t *testing.T) {
	link := filepath.Join(t.TempDir(), "null")
	if err := os.Symlink("/dev/null", link); err != nil {
		t.Fatal(err)
	}
	write(t, link, "text")
	if st, err := os.Lstat(link); err != nil || st.Mode().Type() != fs.ModeSymlink {
		t.Errorf("the link is %v, %v", st.Mode(), err)
	}
}

func TestAFailureLeavesWhatWasThere(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x")
	write(t, path, "old")
	broken := errors.New("broken")
	err := outfile.Stream(path, mode, func(w io.Writer) error {
		_, err := io.Copy(w, strings.NewReader("half"))
		return errors.Join(err, broken)
	})
	if !errors.Is(err, broken) {
		t.Errorf("Stream gave %v", err)
	}
	wantText(t, path, "old")
	wantAlone(t, dir, "x")
}

func TestAFolderIsRefused(t *testing.T) {
	dir := t.TempDir()
	if err := outfile.Write(dir, nil, mode); err == nil || !strings.HasSuffix(err.Error(), "is a folder") {
		t.Errorf("Write gave %v", err)
	}
}

// What was begun by who was killed goes with the next, and what somebody still writes stays.
func TestWhatAKilledWriterHasLeftGoesWithTheNext(t *testing.T) {
	dir := t.TempDir()
	path, random := filepath.Join(dir, "kept"), strings.Repeat("A", 26)
	for _, name := range []string{".kept." + random, ".other." + random, ".kept.conf"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("half"), mode); err != nil {
			t.Fatal(err)
		}
	}
	err := outfile.Stream(path, mode, func(w io.Writer) error {
		write(t, path, "first")
		_, err := io.WriteString(w, "second")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	wantText(t, path, "second")
	wantAlone(t, dir, "kept", ".other."+random, ".kept.conf")
}
