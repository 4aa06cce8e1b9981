package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// enginePromises are what a stack is promised on any engine, in the order of the
// page's columns.
var enginePromises = []struct{ key, title string }{
	{"start", "every bootstrap and TLS mode"},
	{"verify", "proofs of `verify`, second `up`"},
	{"change", "change, stop, start"},
	{"connect", "`connect`"},
	{"down", "`down`"},
	{"Compose", "Compose and `up` in turns"},
	{"fixture", "tests of the fixture"},
}

// TestEnginesPage holds the table of docs/engines.md to what e2e tries, which
// e2e/testdata/engines.tsv lists. `make docs` writes it. What no test of e2e tries
// is untried.
func TestEnginesPage(t *testing.T) {
	const file, begin, end = "../../docs/engines.md", "what they don't is untried:\n\n", "\n## Docker Engine\n"
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(data), begin)
	_, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatalf("%s has no place for its table", file)
	}
	want := before + begin + enginesTable(t) + end + after
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, string(data)); diff != "" {
		t.Errorf("%s differs from what is tried (-tried +page); run `make docs`:\n%s", file, diff)
	}
}

func enginesTable(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile("../../e2e/testdata/engines.tsv")
	if err != nil {
		t.Fatal(err)
	}
	var engines []string
	seen, tests := map[string]bool{}, endToEndTests(t)
	for line := range strings.Lines(string(data)) {
		words := strings.Split(strings.TrimSpace(line), "\t")
		if !slices.Contains(engines, words[0]) {
			engines = append(engines, words[0])
		}
		if len(words) == 1 {
			continue
		}
		if !strings.Contains(tests, "func "+words[2]+"(") {
			t.Errorf("%s: there is no test %s", words[0], words[2])
		}
		seen[words[0]+"\t"+words[1]] = true
	}
	var table strings.Builder
	table.WriteString("|")
	for _, p := range enginePromises {
		table.WriteString(" | " + p.title)
	}
	table.WriteString(" |\n|---|" + strings.Repeat("---|", len(enginePromises)) + "\n")
	for _, engine := range engines {
		fmt.Fprintf(&table, "| %s |", engine)
		for _, p := range enginePromises {
			word := "untried"
			if seen[engine+"\t"+p.key] {
				word = "kept"
			}
			table.WriteString(" " + word + " |")
		}
		table.WriteString("\n")
	}
	return table.String()
}

// endToEndTests is their source.
func endToEndTests(t *testing.T) string {
	t.Helper()
	files, err := filepath.Glob("../../e2e/*_test.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	var all strings.Builder
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(data)
	}
	return all.String()
}
