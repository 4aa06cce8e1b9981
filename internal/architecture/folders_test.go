package architecture

import (
	"path"
	"strings"
	"testing"
)

// summed are folders whose packages have one line in the table together.
var summed = []string{"internal", "e2e", "bench"}

// docs/architecture.md tells what each package is.
func TestTheTableOfFoldersHasEveryPackage(t *testing.T) {
	_, table, ok := strings.Cut(string(contents(t, "docs/architecture.md")), "\n## Folders\n")
	if !ok {
		t.Fatal("docs/architecture.md has no table of folders")
	}
	table, _, _ = strings.Cut(table, "\n## ")
	for _, p := range listPackages(t) {
		folder, below := strings.CutPrefix(p.ImportPath, module+"/")
		if !below {
			continue // the root
		}
		for _, s := range summed {
			if strings.HasPrefix(folder, s+"/") {
				folder = s
			}
		}
		if !strings.Contains(table, "`"+folder+"`") {
			t.Errorf("%s is not in the table of folders of docs/architecture.md", folder)
		}
	}
	for _, row := range strings.Split(table, "\n| `")[1:] {
		folder, _, _ := strings.Cut(row, "`")
		if !isFolder(path.Join(root, folder)) {
			t.Errorf("docs/architecture.md has a row for %s, which is not there", folder)
		}
	}
}
