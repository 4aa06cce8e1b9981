//go:build unix

package etcdctr_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/etcdctr/etcdctr/internal/etcdtest"
)

// libraryBlocks are the pieces of Go that the page of the library shows: a program, and
// lines of the example.
func libraryBlocks(t *testing.T) []string {
	t.Helper()
	page, err := os.ReadFile("docs/library.md")
	if err != nil {
		t.Fatal(err)
	}
	var blocks []string
	for _, part := range strings.Split(string(page), "```go\n")[1:] {
		block, _, _ := strings.Cut(part, "```")
		blocks = append(blocks, block)
	}
	if len(blocks) < 2 || !strings.HasPrefix(blocks[0], "package main\n") {
		t.Fatalf("the page shows %d blocks of Go, and the first is no program", len(blocks))
	}
	return blocks
}

// The page shows what the example runs.
func TestTheLibrarysPageShowsTheExample(t *testing.T) {
	example, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range libraryBlocks(t)[1:] {
		var indented strings.Builder
		for line := range strings.Lines(block) {
			if strings.TrimSpace(line) != "" {
				line = "\t" + line
			}
			indented.WriteString(line)
		}
		if !strings.Contains(string(example), indented.String()) {
			t.Errorf("example_test.go has no such lines:\n%s", block)
		}
	}
}

// runProgram builds a program and runs it. Its members are where a user's are.
func runProgram(t *testing.T, text string) (string, error) {
	t.Helper()
	etcdtest.HoldAlone(t)
	dir := t.TempDir()
	source, program := filepath.Join(dir, "main.go"), filepath.Join(dir, "orders")
	if err := os.WriteFile(source, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-ldflags", "-s -w", "-o", program, source).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd := exec.CommandContext(t.Context(), program)
	cmd.Env = append(os.Environ(), "TMPDIR="+dir)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// The program of the page runs as it is printed there.
func TestTheLibrarysProgramRuns(t *testing.T) {
	out, err := runProgram(t, libraryBlocks(t)[0])
	if err != nil || out != "hello from 3 members\n" {
		t.Errorf("%v\n%s", err, out)
	}
}

// A program that starts itself and does not become etcd is told what its main lacks, and
// does not start itself for ever.
func TestAProgramThatDoesNotBecomeEtcdIsTold(t *testing.T) {
	text := libraryBlocks(t)[0]
	before, rest, found := strings.Cut(text, "\tif filepath.Base(os.Args[0]) == \"etcd\"")
	_, after, ends := strings.Cut(rest, "\n\t}\n")
	if !found || !ends {
		t.Fatalf("the program does not look at the name that it is called by:\n%s", text)
	}
	out, err := runProgram(t, strings.Replace(before+after, "\"go.etcd.io/etcd/server/v3/etcdmain\"", "", 1))
	if want := "main has to call etcdmain.Main(os.Args) before all else"; err == nil || !strings.Contains(out, want) {
		t.Errorf("%v\n%s\nwant %s", err, out, want)
	}
}
