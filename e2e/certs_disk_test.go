//go:build e2e

package e2e

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// What a disk can do to certificates. The tests mount file systems, which takes
// root; the suite runs as who may use Docker, which is the same.

// mountTmpfs mounts a file system in memory for the time of a test.
func mountTmpfs(t *testing.T, options string) string {
	t.Helper()
	dir := t.TempDir()
	t.Cleanup(func() {
		if out, err := exec.Command("umount", dir).CombinedOutput(); err != nil {
			t.Errorf("umount: %v\n%s", err, out)
		}
	})
	run(t, "", "mount", "-t", "tmpfs", "-o", options, "etcdctr-e2e", dir)
	return dir
}

// contents reads every file below dir.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		found[path] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// wantFailure wants a command to fail with a message and to change nothing.
func wantFailure(t *testing.T, dir, message string, args ...string) {
	t.Helper()
	before := contents(t, dir)
	_, err := try(t, dir, etcdctrBinary(t), args...)
	if err == nil || !strings.Contains(err.Error(), message) {
		t.Errorf("etcdctr %s: %v, wanted %q", strings.Join(args, " "), err, message)
	}
	if diff := cmp.Diff(before, contents(t, dir)); diff != "" {
		t.Errorf("files (-before +after):\n%s", diff)
	}
}

func TestFullDiskLeavesTheOldCertificates(t *testing.T) {
	dir := mountTmpfs(t, "size=1m")
	run(t, dir, etcdctrBinary(t), "certs", "create")
	fill(t, filepath.Join(dir, "ballast"))
	wantFailure(t, dir, "no space left on device", "certs", "renew")
	wantFailure(t, dir, "no space left on device", "certs", "create", "--members", "5")
	wantFailure(t, dir, "no space left on device", "certs", "revoke", "root")
	run(t, dir, etcdctrBinary(t), "certs", "verify")
}

// fill takes what is left of a file system, to the last page.
func fill(t *testing.T, path string) {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	page := make([]byte, os.Getpagesize())
	for err == nil {
		_, err = file.Write(page)
	}
}

func TestReadOnlyDiskLeavesTheOldCertificatesAndReusesThem(t *testing.T) {
	dir := mountTmpfs(t, "size=4m")
	run(t, dir, etcdctrBinary(t), "certs", "create")
	run(t, "", "mount", "-o", "remount,ro", dir)
	wantFailure(t, dir, "read-only file system", "certs", "renew")
	wantFailure(t, dir, "read-only file system", "certs", "create", "--members", "5")
	run(t, dir, etcdctrBinary(t), "certs", "create") // which has nothing to write
	run(t, dir, etcdctrBinary(t), "certs", "verify")
}

// A run that is killed at any moment leaves every key with its certificate.
func TestKilledRunLeavesEveryKeyWithItsCertificate(t *testing.T) {
	dir := t.TempDir()
	pki := filepath.Join(dir, "certs")
	run(t, dir, etcdctrBinary(t), "certs", "create")
	names := identities(t, pki)
	for i := range 40 {
		cmd := exec.Command(etcdctrBinary(t), "certs", "renew")
		cmd.Dir = dir
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		// The delay only chooses the moment; whichever it is, the files are whole.
		time.Sleep(time.Duration(20+2*i) * time.Millisecond)
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // its error is the kill
		for _, name := range names {
			readIdentity(t, filepath.Join(pki, name))
		}
	}
	run(t, dir, etcdctrBinary(t), "certs", "renew")
	run(t, dir, etcdctrBinary(t), "certs", "verify")
	left, err := filepath.Glob(filepath.Join(pki, "*/*/.*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

func identities(t *testing.T, pki string) []string {
	t.Helper()
	names := []string{"clients/root"}
	for i := range 3 {
		for _, profile := range []string{"server", "peer"} {
			names = append(names, fmt.Sprintf("members/etcd%d/%s", i+1, profile))
		}
	}
	for _, name := range names {
		readIdentity(t, filepath.Join(pki, name))
	}
	return names
}
