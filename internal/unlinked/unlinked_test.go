package unlinked_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/etcdctr/etcdctr/internal/unlinked"
)

func TestALogIsUnlinkedOnceNoneOfItsFilesHasAName(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "member", "wal")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if unlinked.Log(os.Getpid()) {
		t.Error("a process that has no log open has lost it")
	}
	for _, name := range []string{"1.wal", "2.wal"} {
		f, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
	}
	for _, c := range []struct {
		remove string
		want   bool
	}{{"", false}, {"1.wal", false}, {"2.wal", true}} {
		if c.remove != "" {
			if err := os.Remove(filepath.Join(dir, c.remove)); err != nil {
				t.Fatal(err)
			}
		}
		if got := unlinked.Log(os.Getpid()); got != c.want {
			t.Errorf("without %q it is %t, want %t", c.remove, got, c.want)
		}
	}
	if unlinked.Log(0) {
		t.Error("no process has lost its log")
	}
}
