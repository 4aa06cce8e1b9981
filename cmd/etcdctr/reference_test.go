package main

import (
	"bytes"
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

var manPages = flag.String("man", "", "folder to write the manual pages into")

// Every command has a manual page, made as the reference is. A release has them
// written to a folder.
func TestManPages(t *testing.T) {
	dir := *manPages
	if dir == "" {
		dir = t.TempDir()
	}
	root := newRootCommand(newApp())
	root.DisableAutoGenTag = true
	// The date is SOURCE_DATE_EPOCH's, so that a release has the same pages whenever it is made.
	header := &doc.GenManHeader{Section: "1", Source: "etcdctr", Manual: "etcdctr"}
	if err := doc.GenManTree(root, header, dir); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(dir, "etcdctr-up.1"))
	if err != nil || !bytes.Contains(page, []byte(".SH NAME\netcdctr-up - Start the cluster")) {
		t.Errorf("the page of up is %v:\n%.300s", err, page)
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
