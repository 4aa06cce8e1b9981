package lint_test

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr/lint"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestPage holds docs/lint.md to the table of rules. `make docs` writes it.
func TestPage(t *testing.T) {
	const file, heading = "../docs/lint.md", "\n## Rules\n\n"
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	head, _, ok := strings.Cut(string(page), heading)
	if !ok {
		t.Fatalf("%s has no list of rules", file)
	}
	want := head + heading + lint.Page()
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, string(page)); diff != "" {
		t.Errorf("%s differs from the table (-table +page); run `make docs`:\n%s", file, diff)
	}
}
