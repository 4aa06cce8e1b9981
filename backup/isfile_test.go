package backup_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/etcdctr/etcdctr/backup"
)

// A bucket has no folders to be asked for, so that a name tells.
func TestAFileIsToldFromAPlaceWithBackups(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "x.db")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for place, want := range map[string]struct{ store, file bool }{
		dir: {store: true}, file: {file: true}, filepath.Join(dir, "nothing"): {},
		"s3://backups/orders": {store: true}, "s3://backups/x.tar.zst": {file: true}, "s3://backups/x.db": {file: true},
	} {
		if store, file := backup.IsStore(place), backup.IsFile(place); store != want.store || file != want.file {
			t.Errorf("%s: store %t, file %t", place, store, file)
		}
	}
}
