package architecture

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	finding   = regexp.MustCompile("`(?:findings/)?([a-z0-9-]+\\.sh)`")
	statement = regexp.MustCompile(`(?ms)^- (.*?)\n\n`)
	seen      = regexp.MustCompile(`[;(] ?(ran|read)[;)]`)
	release   = regexp.MustCompile(`\b(\d+\.\d+|2[5-9])\b`) // of etcd or another program, or Docker Engine's
	section   = regexp.MustCompile(`(?m)^#`)
)

// TestPagesOfBehaviourAreHeldByWhatTheyName keeps docs/behaviour and what it
// rests on together: a statement whose finding or test went away is held by
// nothing, and a finding that no page names is found by nobody.
func TestPagesOfBehaviourAreHeldByWhatTheyName(t *testing.T) {
	pages := read(t, "docs/behaviour/*.md")
	guesses := read(t, "findings/GUESSES.md")
	findings := findingNames(t)
	named := map[string]bool{}
	for _, match := range finding.FindAllStringSubmatch(pages+guesses, -1) {
		named[match[1]] = true
		if !findings[match[1]] {
			t.Errorf("findings/%s is named and not there", match[1])
		}
	}
	for name := range findings {
		if !named[name] || !strings.Contains(pages, name) {
			t.Errorf("findings/%s is named by no page of docs/behaviour", name)
		}
	}
}

func TestStatementsOfBehaviourSayHowTheyAreKnown(t *testing.T) {
	pages := read(t, "docs/behaviour/*.md")
	found := statement.FindAllStringSubmatch(strings.ReplaceAll(pages, "\n- ", "\n\n- "), -1)
	if len(found) == 0 {
		t.Fatal("docs/behaviour has no statements")
	}
	for _, match := range found {
		text := strings.Join(strings.Fields(match[1]), " ")
		if !seen.MatchString(text) {
			t.Errorf("neither ran nor read: %s", text)
		}
	}
}

// TestStatementsOfBehaviourSayOfWhichRelease wants a release in each, or for all of
// them in the head of their section or page.
func TestStatementsOfBehaviourSayOfWhichRelease(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(root, "docs", "behaviour", "*.md"))
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	for _, file := range files {
		page := read(t, filepath.Join("docs", "behaviour", filepath.Base(file)))
		page = strings.ReplaceAll(page, "\n- ", "\n\n- ")
		for i, part := range section.Split(page, -1) {
			head, statements, _ := strings.Cut(part, "\n- ")
			if statements == "" || release.MatchString(head) {
				continue
			}
			for _, match := range statement.FindAllStringSubmatch("- "+statements+"\n\n", -1) {
				if !release.MatchString(match[1]) {
					t.Errorf("%s, section %d: of no release: %s", filepath.Base(file), i, strings.Join(strings.Fields(match[1]), " "))
				}
			}
		}
	}
}

// read is the text of all files that a pattern names.
func read(t *testing.T, pattern string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(pattern)))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: no files: %v", pattern, err)
	}
	var text strings.Builder
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text.Write(content)
		text.WriteString("\n\n")
	}
	return text.String()
}

func findingNames(t *testing.T) map[string]bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, "findings", "*.sh"))
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, file := range files {
		names[filepath.Base(file)] = true
	}
	return names
}
