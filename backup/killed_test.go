//go:build linux

package backup_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"go.etcd.io/etcd/api/v3/version"

	"github.com/etcdctr/etcdctr/backup"
)

// takes is set for a process that backs up this data folder, with the program beside it.
const takes = "ETCDCTR_TEST_TAKES"

// silent is an etcd that says that it was started, and never serves.
func silent(t *testing.T, dir string) {
	t.Helper()
	text := fmt.Sprintf("#!/bin/sh\n[ \"$1\" != --version ] || { echo etcd Version: %s; exit; }\nexec >%q\necho started\nexec sleep 600\n",
		version.Version, filepath.Join(dir, "fifo"))
	if err := os.WriteFile(filepath.Join(dir, "etcd"), []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestABackupOfAFolderThatIsKilledLeavesNoEtcdAndNoFolder(t *testing.T) {
	if data := os.Getenv(takes); data != "" {
		dir := filepath.Dir(data)
		_, _ = backup.TakeFolder(t.Context(), data, filepath.Join(dir, "kept.tar.zst"), backup.Program{Path: filepath.Join(dir, "etcd")}, request())
		return
	}
	c := start(t, []string{"etcd1"})
	write(t, c.raw(t), 10, 100)
	c.members["etcd1"].Stop()
	dir := t.TempDir()
	data := filepath.Join(dir, "data")
	if err := os.CopyFS(data, os.DirFS(c.data("etcd1"))); err != nil {
		t.Fatal(err)
	}
	silent(t, dir)
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	cmd := exec.Command(self(t), "-test.run", "^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), takes+"="+data)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said, err := os.OpenFile(filepath.Join(dir, "fifo"), os.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer said.Close()
	lines := bufio.NewReader(said)
	if line, err := lines.ReadString('\n'); err != nil {
		t.Fatalf("the etcd says %q: %v", line, err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	if err := said.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(lines); err != nil { // its end of the pipe is closed once it has ended
		t.Errorf("the etcd goes on: %v", err)
	}
	if _, err := backup.TakeFolder(t.Context(), c.data("etcd1"), filepath.Join(dir, "next.tar.zst"), backup.Program{Path: self(t)}, request()); err != nil {
		t.Fatal(err)
	}
	wantOnly(t, temporary)
	wantOnly(t, dir, "data", "etcd", "fifo", "next.tar.zst")
}
