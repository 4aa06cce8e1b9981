//go:build unix

package local_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/runtime"
	"github.com/etcdctr/etcdctr/runtime/local"
)

// A database of many GiB is written once for a member, if that.
func TestWhatWasMadeOnTheSameDiskIsNotCopied(t *testing.T) {
	folder := t.TempDir()
	r := local.New(options(t, folder))
	c, err := r.Place(t.Context(), cluster.Spec{Name: "orders", TLS: "none", Members: cluster.Count(2)})
	if err != nil {
		t.Fatal(err)
	}
	database := filepath.Join(folder, "db")
	if err := os.WriteFile(database, []byte("what all hold"), 0o600); err != nil {
		t.Fatal(err)
	}
	made, err := os.Stat(database)
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range c.Members {
		dir := filepath.Join(folder, m.Name)
		if err := os.MkdirAll(filepath.Join(dir, "member", "snap"), 0o700); err != nil {
			t.Fatal(err)
		}
		own := i == 0
		if err := r.Stage(t.Context(), c, m.Name, runtime.Restoration{ID: "a"}, runtime.Made{Dir: dir, Database: database, Own: own}); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Exchange(t.Context(), c, m.Name); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: the folder that was made is still there: %v", m.Name, err)
		}
		got, err := os.Stat(filepath.Join(m.Place.DataDir, "member", "snap", "db"))
		if err != nil || os.SameFile(got, made) != own {
			t.Errorf("%s: the database is the very file: %v, %v", m.Name, !own, err)
		}
	}
}
