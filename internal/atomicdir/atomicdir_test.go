package atomicdir

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func dir(path string, files ...string) Dir {
	d := Dir{Path: path}
	for _, f := range files {
		name, text, _ := strings.Cut(f, "=")
		d.Files = append(d.Files, File{Name: name, Data: []byte(text), Mode: 0o640})
	}
	return d
}

// tree lists everything below root: files with their content, directories with
// a slash.
func tree(t *testing.T, root string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || path == root {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil || entry.IsDir() {
			found[filepath.ToSlash(rel)+"/"] = ""
			return err
		}
		text, err := os.ReadFile(path)
		found[filepath.ToSlash(rel)] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func wantTree(t *testing.T, root string, want map[string]string) {
	t.Helper()
	if diff := cmp.Diff(want, tree(t, root)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

func replace(t *testing.T, dirs ...Dir) {
	t.Helper()
	if err := Replace(t.Context(), dirs...); err != nil {
		t.Fatal(err)
	}
}

func TestReplaceMakesAndReplacesDirectoriesAsAWhole(t *testing.T) {
	root := t.TempDir()
	a, b := filepath.Join(root, "m", "a"), filepath.Join(root, "m", "b")
	replace(t, dir(a, "key=1", "extra=1"), dir(b, "key=1"))
	replace(t, dir(a, "key=2"))
	wantTree(t, root, map[string]string{"m/": "", "m/a/": "", "m/a/key": "2", "m/b/": "", "m/b/key": "1"})
	info, err := os.Stat(filepath.Join(a, "key"))
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v", info.Mode())
	}
}

func TestReplaceChangesNothingUnlessAllCouldBeWritten(t *testing.T) {
	root := t.TempDir()
	a := filepath.Join(root, "a")
	replace(t, dir(a, "key=1"))
	before := tree(t, root)
	err := Replace(t.Context(), dir(a, "key=2"), dir(filepath.Join(root, "new", "b"), "no/such/folder=2"))
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v", err)
	}
	wantTree(t, root, before)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Replace(ctx, dir(a, "key=2")); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	wantTree(t, root, before)
}

func TestSwapByRenameEndsLikeAnExchange(t *testing.T) {
	root := t.TempDir()
	a := filepath.Join(root, "a")
	replace(t, dir(a, "key=1"))
	if err := stage(t.Context(), []Dir{dir(a, "key=2")}); err != nil {
		t.Fatal(err)
	}
	if err := swapByRename(a); err != nil {
		t.Fatal(err)
	}
	wantTree(t, root, map[string]string{"a/": "", "a/key": "2"})
}

func TestRecoverFinishesOrUndoesWhatWasInterrupted(t *testing.T) {
	for name, test := range map[string]struct {
		left []string // what a crash has left in m/
		want map[string]string
	}{
		"while writing": {
			[]string{"a/key=1", ".a.new/key="},
			map[string]string{"m/a/": "", "m/a/key": "1"},
		},
		"while writing the first time": {
			[]string{".a.new/key="},
			map[string]string{},
		},
		"after the exchange": {
			[]string{"a/key=2", ".a.new/key=1"},
			map[string]string{"m/a/": "", "m/a/key": "2"},
		},
		"between the two renames": {
			[]string{".a.old/key=1", ".a.new/key=2"},
			map[string]string{"m/a/": "", "m/a/key": "1"},
		},
		"after the two renames": {
			[]string{"a/key=2", ".a.old/key=1"},
			map[string]string{"m/a/": "", "m/a/key": "2"},
		},
		"elsewhere": {
			[]string{".new/key=1", ".config/key=1", "a.new/key=1"},
			map[string]string{"m/.new/": "", "m/.new/key": "1", "m/.config/": "", "m/.config/key": "1", "m/a.new/": "", "m/a.new/key": "1"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			for _, f := range test.left {
				path, text, _ := strings.Cut(f, "=")
				path = filepath.Join(root, "m", path)
				if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if err := Recover(root); err != nil {
				t.Fatal(err)
			}
			test.want["m/"] = ""
			wantTree(t, root, test.want)
		})
	}
	if err := Recover(filepath.Join(t.TempDir(), "missing")); err != nil {
		t.Error(err)
	}
}
