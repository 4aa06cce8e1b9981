package architecture

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// placeName is a place as CONTRIBUTING names it: a path of the tree, and what to look
// for in the file.
var placeName = regexp.MustCompile("`([a-zA-Z.][a-zA-Z0-9_./-]*)(?:: ([A-Za-z]+))?`")

// yetToBeMade is a file whose name has a word in it that stands for others.
var yetToBeMade = regexp.MustCompile(`[A-Z]{4,}[^/]*\.[a-z]+$`)

// The table of where a change goes names what is there.
func TestPlacesOfChangesAreThere(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(root, "CONTRIBUTING.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, table, ok := strings.Cut(string(data), "\n## Where a change goes\n")
	if !ok {
		t.Fatal("CONTRIBUTING.md does not say where a change goes")
	}
	table, _, _ = strings.Cut(table, "\n## ")
	places := 0
	for _, name := range placeName.FindAllStringSubmatch(table, -1) {
		path, identifier := name[1], name[2]
		if identifier == "" && !strings.Contains(path, "/") && !isFolder(filepath.Join(root, path)) {
			continue // a word, a flag's value or a file's name in any folder
		}
		if yetToBeMade.MatchString(path) {
			path = filepath.Dir(path)
		}
		places++
		text, err := os.ReadFile(filepath.Join(root, path))
		switch {
		case err != nil && !isFolder(filepath.Join(root, path)):
			t.Errorf("%s is not there", path)
		case identifier != "" && !regexp.MustCompile(`(?m)^(func (\([^)]*\) )?|type |var |const |\t?)`+identifier+`\b`).Match(text):
			t.Errorf("%s has no %s", path, identifier)
		}
	}
	if places < 30 {
		t.Errorf("the table names %d places only", places)
	}
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
