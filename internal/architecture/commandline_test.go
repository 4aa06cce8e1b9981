package architecture

import (
	"go/parser"
	"go/token"
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

// hints also attaches what to do to the errors of finding an engine, by their types.
const (
	enginesFile = "engines.go"
	hintsFile   = "hints.go"
)

// No verb asks what runs the members: one file of the command line makes the
// runtimes, and hands them on.
func TestOneFileOfTheCommandLineKnowsMechanics(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(root, "cmd", "etcdctr", "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatal("cmd/etcdctr has no files", err)
	}
	for _, file := range files {
		name := filepath.Base(file)
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range parsed.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			known := slices.ContainsFunc(mechanics, func(m string) bool { return imported == m || strings.HasPrefix(imported, m+"/") })
			typesOnly := name == hintsFile && imported == module+"/runtime/docker/engine"
			if known && name != enginesFile && !typesOnly {
				t.Errorf("cmd/etcdctr/%s imports %s: only %s does, and hands on what it makes of it", name, imported, enginesFile)
			}
		}
	}
}
