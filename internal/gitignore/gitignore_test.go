package gitignore_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/etcdctr/etcdctr/internal/gitignore"
)

func TestAFolderThatIsMadeIsPassedOver(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "outer", "keys")
	if err := gitignore.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	wantFile(t, dir, "*\n")
	if err := gitignore.Remove(dir); err != nil {
		t.Fatal(err)
	}
	wantFile(t, dir, "")
}

func TestWhatSomebodyElseHasSaidStays(t *testing.T) {
	theirs := t.TempDir()
	if err := gitignore.MkdirAll(theirs, 0o700); err != nil {
		t.Fatal(err)
	}
	wantFile(t, theirs, "")

	const own = "*.log\n"
	if err := os.WriteFile(filepath.Join(theirs, gitignore.Name), []byte(own), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, do := range []func(string) error{gitignore.Write, gitignore.Remove} {
		if err := do(theirs); err != nil {
			t.Fatal(err)
		}
		wantFile(t, theirs, own)
	}
}

// wantFile wants a folder's file to say something; nothing stands for no file.
func wantFile(t *testing.T, dir, want string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, gitignore.Name))
	if string(data) != want || (err == nil) != (want != "") {
		t.Errorf("%s says %q (%v), want %q", gitignore.Name, data, err, want)
	}
}
