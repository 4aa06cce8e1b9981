package outfile_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/etcdctr/etcdctr/internal/outfile"
)

func TestAFolderThatCanNotBeWrittenWholeLeavesNothing(t *testing.T) {
	top := t.TempDir()
	dir := filepath.Join(top, "units", "new")
	if err := outfile.Folder(dir, 0o644, outfile.File{Name: "a", Data: []byte("a")}, outfile.File{Name: "b/c"}); err == nil {
		t.Fatal("a file of a folder that is not there was written")
	}
	if left, err := os.ReadDir(top); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
	if err := outfile.Folder(dir, 0o644, outfile.File{Name: "a", Data: []byte("a")}); err != nil {
		t.Fatal(err)
	}
	if err := outfile.Folder(dir, 0o644, outfile.File{Name: "d"}, outfile.File{Name: "b/c"}); err == nil {
		t.Fatal("a file of a folder that is not there was written")
	}
	if data, err := os.ReadFile(filepath.Join(dir, "a")); err != nil || string(data) != "a" {
		t.Errorf("what was there holds %q, %v", data, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "d")); err == nil {
		t.Error("a part of what was to be written is left")
	}
}
