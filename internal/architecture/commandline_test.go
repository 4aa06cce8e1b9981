package architecture

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// mechanics are what runs members, and finds what runs them. Verbs reach it
// through the package at the root and the contract of package runtime.
var mechanics = []string{
	module + "/stack", module + "/process", module + "/runtime/docker/engine",
	"github.com/moby/moby", "github.com/docker/cli",
}

// enginesFile makes the runtimes.
const enginesFile = "cmd/internal/target/engines.go"

// besides is what other files may know of them.
var besides = map[string]string{
	"cmd/internal/hints/table.go":         module + "/runtime/docker/engine", // whose errors are told apart by their types
	"cmd/internal/multicall/multicall.go": module + "/stack/relay",           // which runs inside a container
}

// No verb asks what runs the members: one file of the command line makes the
// runtimes, and hands them on.
func TestOneFileOfTheCommandLineKnowsMechanics(t *testing.T) {
	knowing := map[string]bool{}
	for _, file := range commandLine(t) {
		for _, imported := range importsOf(t, file) {
			known := slices.ContainsFunc(mechanics, func(m string) bool { return imported == m || strings.HasPrefix(imported, m+"/") })
			switch {
			case !known:
			case file == enginesFile || besides[file] == imported:
				knowing[file] = true
			default:
				t.Errorf("%s imports %s: only %s does, and hands on what it makes of it", file, imported, enginesFile)
			}
		}
	}
	if len(knowing) != len(besides)+1 {
		t.Errorf("an exception stands for a file that needs none: only %v do", knowing)
	}
}

// commandLine are its files, without tests, by their paths.
func commandLine(t *testing.T) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(filepath.Join(root, "cmd"), func(path string, _ fs.DirEntry, err error) error {
		if err == nil && filepath.Ext(path) == ".go" && !strings.HasSuffix(path, "_test.go") {
			name, _ := filepath.Rel(root, path)
			files = append(files, filepath.ToSlash(name))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func importsOf(t *testing.T, file string) []string {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, file), nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	var imports []string
	for _, spec := range parsed.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		imports = append(imports, imported)
	}
	return imports
}
