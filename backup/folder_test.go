package backup_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.etcd.io/etcd/api/v3/version"

	"github.com/etcdctr/etcdctr/backup"
)

// self is this test binary, which is etcd when it is called by that name.
func self(t *testing.T) string {
	t.Helper()
	file, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// The member here writes into its database when it ends, and not before: it is
// killed with all that was acknowledged in its log only.
func TestAKilledMembersLogIsCarriedOut(t *testing.T) {
	t.Parallel()
	c := start(t, []string{"etcd1"})
	write(t, c.raw(t), 10, 100)
	minor := strings.Join(strings.Split(version.Version, ".")[:2], ".")
	if _, err := c.client.WaitClusterVersion(t.Context(), minor); err != nil { // what is younger tells no release
		t.Fatal(err)
	}
	c.members["etcd1"].Stop()
	c.run(t, "etcd1", "--backend-batch-interval=1h", "--backend-batch-limit=1000000")
	if err := c.client.WaitServing(t.Context()); err != nil {
		t.Fatal(err)
	}
	acknowledged := write(t, c.raw(t), 200, 100)
	dir := t.TempDir()
	if _, err := backup.TakeFolder(t.Context(), c.data("etcd1"), filepath.Join(dir, "runs.tar.zst"), backup.Program{Path: self(t)}, request()); !errors.Is(err, backup.ErrRuns) {
		t.Errorf("the data of a member that runs gives %v", err)
	}
	wantOnly(t, dir)
	c.members["etcd1"].Kill()

	path := filepath.Join(dir, "carried.tar.zst")
	made, err := backup.TakeFolder(t.Context(), c.data("etcd1"), path, backup.Program{Path: self(t)}, request())
	if err != nil {
		t.Fatal(err)
	}
	if made.Revision != acknowledged || made.Missing != 0 || made.Release == "" || made.ClusterID == "" || len(made.Members) != 1 || made.Members[0].Name != "etcd1" {
		t.Errorf("revision %d was acknowledged; it says %+v", acknowledged, made)
	}
	if _, err := backup.Verify(t.Context(), path, t.TempDir(), backup.Secret{}); err != nil {
		t.Error(err)
	}

	other := otherRelease(t)
	copied, err := backup.TakeFolder(t.Context(), c.data("etcd1"), filepath.Join(dir, "copied.tar.zst"), backup.Program{Path: other}, request())
	if err != nil {
		t.Fatal(err)
	}
	if copied.Missing == 0 || copied.Revision+int64(copied.Missing) < acknowledged {
		t.Errorf("revision %d was acknowledged; it says that %d is there and %d entries are not", acknowledged, copied.Revision, copied.Missing)
	}
	wrong := &backup.OtherReleaseError{}
	if _, err := backup.TakeFolder(t.Context(), c.data("etcd1"), filepath.Join(dir, "x.tar.zst"), backup.Program{Path: other, Given: true}, request()); !errors.As(err, &wrong) {
		t.Errorf("an etcd of another release that was asked for gives %v", err)
	}
	wantOnly(t, dir, "carried.tar.zst", "copied.tar.zst")
}

// otherRelease is a program that says to be of another release.
func otherRelease(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "etcd")
	if err := os.WriteFile(path, []byte("#!/bin/sh\necho etcd Version: 3.4.0\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestDamagedFoldersAreRefused(t *testing.T) {
	t.Parallel()
	c := start(t, []string{"etcd1"})
	write(t, c.raw(t), 100, 1000)
	c.members["etcd1"].Stop()
	whole := c.data("etcd1")
	tests := map[string]struct {
		file       string // below member
		at, length int64
	}{
		// All but the pages that say where the rest is: single pages may be free ones.
		"database": {"snap/db", 4096 * 2, 1 << 16},
		"log":      {"wal/0000000000000000-0000000000000000.wal", 2000, 4096 * 3},
	}
	for name, test := range tests {
		dir := t.TempDir()
		if err := os.CopyFS(dir, os.DirFS(whole)); err != nil {
			t.Fatal(err)
		}
		f, err := os.OpenFile(filepath.Join(dir, "member", test.file), os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		_, err = f.WriteAt(make([]byte, test.length), test.at)
		if err := errors.Join(err, f.Close()); err != nil {
			t.Fatal(err)
		}
		out := t.TempDir()
		if _, err := backup.TakeFolder(t.Context(), dir, filepath.Join(out, "x.tar.zst"), backup.Program{Path: otherRelease(t)}, request()); err == nil {
			t.Errorf("a damaged %s gives a backup", name)
		}
		wantOnly(t, out)
	}
}
