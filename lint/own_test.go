package lint_test

import (
	"path/filepath"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/etcdctr/etcdctr/lint"
)

// TestNothingIsFoundInOurOwnComposeFiles judges every golden of package compose.
func TestNothingIsFoundInOurOwnComposeFiles(t *testing.T) {
	goldens, err := filepath.Glob("../compose/testdata/*.txtar")
	if err != nil || len(goldens) == 0 {
		t.Fatalf("no goldens: %v", err)
	}
	judged := 0
	for _, golden := range goldens {
		a, err := txtar.ParseFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range a.Files {
			if f.Name != "docker-compose.yml" {
				continue
			}
			judged++
			nothingFound(t, golden, f)
		}
	}
	if judged == 0 {
		t.Fatal("no golden has a Compose file")
	}
}

func nothingFound(t *testing.T, golden string, f txtar.File) {
	t.Helper()
	stacks, err := lint.Read([]lint.Input{{Name: f.Name, Data: f.Data}}, corpusCase{files: map[string][]byte{f.Name: f.Data}}.options())
	if err != nil {
		t.Errorf("%s: %v", golden, err)
		return
	}
	for _, s := range stacks {
		if len(s.Members) == 0 {
			t.Errorf("%s: no member was found", golden)
		}
		for _, found := range lint.Check(s) {
			t.Errorf("%s: %s", golden, line(found))
		}
	}
}
