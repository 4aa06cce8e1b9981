package architecture

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	testFunc = regexp.MustCompile(`(?m)^func (Test[A-Z][A-Za-z0-9]*)\(`)
	// testName is one of a test, or with … or after -run the beginning of several.
	testName = regexp.MustCompile(`(-run '?\^?)?\b(Test[A-Z][A-Za-z0-9]*)(…?)`)
)

// imagined are tests that no page means to be there.
var imagined = map[string]bool{"TestDownKeepsVolumes": true} // how a name states behaviour

// TestTestsThatPagesNameAreThere: what a page says to be held by a test is held by
// nothing once the test has another name.
func TestTestsThatPagesNameAreThere(t *testing.T) {
	tests := testNames(t)
	named := 0
	for _, file := range paths(t, "*.md", "docs/*.md", "docs/*/*.md", "e2e/*.md", "bench/*.md", "Dockerfile", "Makefile", ".ci/run") {
		for _, match := range testName.FindAllStringSubmatch(string(contents(t, file)), -1) {
			named++
			several := match[1] != "" || match[3] != ""
			if name := match[2]; !tests[name] && !imagined[name] && (!several || !begins(tests, name)) {
				t.Errorf("%s names %s, and no test is called so", file, strings.TrimSpace(match[0]))
			}
		}
	}
	if named < 30 {
		t.Errorf("%d names of tests were found on all pages", named)
	}
}

func begins(names map[string]bool, with string) bool {
	for name := range names {
		if strings.HasPrefix(name, with) {
			return true
		}
	}
	return false
}

// testNames are those of all tests of the module, whatever their build tags, and of
// the programs that pages show.
func testNames(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != root && strings.HasPrefix(entry.Name(), "."):
			return fs.SkipDir
		case !strings.HasSuffix(path, "_test.go") && filepath.Ext(path) != ".md":
			return nil
		}
		content, err := os.ReadFile(path)
		for _, match := range testFunc.FindAllStringSubmatch(string(content), -1) {
			names[match[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}
