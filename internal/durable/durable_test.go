package durable_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/etcdctr/etcdctr/internal/durable"
)

func TestACopyHoldsTheSameAndIsAnotherFile(t *testing.T) {
	from, to := filepath.Join(t.TempDir(), "a"), filepath.Join(t.TempDir(), "b")
	text := bytes.Repeat([]byte("0123456789abcdef"), 5<<20) // more than a piece
	if err := os.WriteFile(from, text, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := durable.Copy(t.Context(), to, from); err != nil {
		t.Fatal(err)
	}
	if err := durable.Tree(filepath.Dir(to)); err != nil {
		t.Error(err)
	}
	if got, err := os.ReadFile(to); err != nil || !bytes.Equal(got, text) {
		t.Errorf("the copy has %d bytes, %v", len(got), err)
	}
	if info, err := os.Stat(to); err != nil || info.Mode().Perm()&0o077 != 0 {
		t.Errorf("others may read it: %v, %v", info, err)
	}
	if err := os.WriteFile(to, []byte("changed"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(from); err != nil || !bytes.Equal(got, text) {
		t.Errorf("the original was changed with its copy: %v", err)
	}
	if err := durable.Copy(t.Context(), to, from); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over a file that is there: %v", err)
	}
}

func TestACopyEndsWithItsContext(t *testing.T) {
	from, to := filepath.Join(t.TempDir(), "a"), filepath.Join(t.TempDir(), "b")
	if err := os.WriteFile(from, []byte("a"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := durable.Copy(ctx, to, from); !errors.Is(err, context.Canceled) {
		t.Errorf("it gives %v", err)
	}
}

func TestWhatIsNotThereIsNotDurable(t *testing.T) {
	if err := durable.Tree(filepath.Join(t.TempDir(), "missing")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it gives %v", err)
	}
}

// Half of a folder is never left under the folder's own name.
func TestWhatIsDiscardedGoesByAnotherName(t *testing.T) {
	root := t.TempDir()
	dir, going := filepath.Join(root, "data"), filepath.Join(root, "data.going")
	for _, folder := range []string{dir, going} {
		if err := errors.Join(os.MkdirAll(filepath.Join(folder, "below"), 0o700), os.WriteFile(filepath.Join(folder, "below", "file"), []byte("12345"), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	if size, err := durable.Size(root); err != nil || size != 10 {
		t.Errorf("both are %d bytes, %v", size, err)
	}
	if err := durable.Discard(filepath.Join(root, "none"), going); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what is not there is discarded: %v", err)
	}
	if err := durable.Discard(dir, going); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(going, 0o700); err != nil { // what one that was ended has left
		t.Fatal(err)
	}
	if err := durable.Discard(going, going); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(root); err != nil || len(left) != 0 {
		t.Errorf("left is %v, %v", left, err)
	}
}
