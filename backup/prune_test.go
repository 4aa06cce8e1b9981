package backup_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/etcdctr/etcdctr/backup"
)

// What can't be read stays, and is told of, whatever the rules say.
func TestPruneLeavesWhatItCantRead(t *testing.T) {
	dir := t.TempDir()
	broken := filepath.Join(dir, "orders-20261128T120000Z"+backup.Extension)
	if err := os.WriteFile(broken, []byte("half of it"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := backup.OpenStore(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, dry := range []bool{true, false} {
		p, err := backup.Prune(t.Context(), s, backup.Keep{Last: 1}, "", dry)
		if err != nil || len(p.Gone) != 0 || p.Kept != 1 || len(p.Unread) != 1 {
			t.Errorf("dry %t: %+v, %v", dry, p, err)
		}
	}
	if _, err := os.Stat(broken); err != nil {
		t.Error(err)
	}
}

func TestWhatIsNotThereIsNotVerified(t *testing.T) {
	scratch := t.TempDir()
	_, err := backup.VerifyAt(t.Context(), filepath.Join(t.TempDir(), "none"+backup.Extension), scratch, backup.Secret{})
	if !errors.Is(err, backup.ErrNoBackup) {
		t.Errorf("it says %v", err)
	}
	if left, _ := os.ReadDir(scratch); len(left) > 0 {
		t.Errorf("%v is left", left)
	}
}
