package main

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra/doc"
)

var update = flag.Bool("update", false, "rewrite the files that tests compare with")

// The command reference is generated from the commands, by `make docs`.
func TestReference(t *testing.T) {
	const dir = "../../docs/reference"
	generated := t.TempDir()
	root := newRootCommand(newApp())
	root.DisableAutoGenTag = true // a date would make every day a change
	if err := doc.GenMarkdownTree(root, generated); err != nil {
		t.Fatal(err)
	}
	want := readPages(t, generated)
	if *update {
		replacePages(t, dir, want)
	}
	if diff := cmp.Diff(want, readPages(t, dir)); diff != "" {
		t.Errorf("docs/reference differs from the commands (-commands +docs); run `make docs`:\n%s", diff)
	}
}

// readPages returns the Markdown files of dir by their names.
func readPages(t *testing.T, dir string) map[string]string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	pages := make(map[string]string)
	for _, name := range names {
		page, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		pages[filepath.Base(name)] = string(page)
	}
	return pages
}

// replacePages makes pages the only Markdown files of dir.
func replacePages(t *testing.T, dir string, pages map[string]string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name := range readPages(t, dir) {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	for name, page := range pages {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
