package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestTheDocumentedProgramsCompile compiles every Go program in docs/testing.md, in
// a project that imports this one. What they would be linked to is of no interest.
func TestTheDocumentedProgramsCompile(t *testing.T) {
	goIn(t, documentedPrograms(t), "list", "-test", "-export", "./...")
}

// documentedPrograms is a project of all of them.
func documentedPrograms(t *testing.T) string {
	t.Helper()
	page := readFile(t, "../docs/testing.md")
	programs := regexp.MustCompile("(?s)\n```go\n(.*?)\n```\n").FindAllStringSubmatch(page, -1)
	if len(programs) == 0 {
		t.Fatal("the page holds no program")
	}
	project := importingProject(t)
	for i, program := range programs {
		name := "page.go"
		if strings.Contains(program[1], "testing.T") {
			name = "page_test.go"
		}
		folder := filepath.Join(project, fmt.Sprint("program", i))
		if err := os.Mkdir(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, name), []byte(program[1]+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return project
}

// importingProject is the folder of a module that a workspace has beside this one. It
// is so that this one is found compiled: what another module requires is compiled as
// its own version.
func importingProject(t *testing.T) string {
	t.Helper()
	here, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	release := regexp.MustCompile(`(?m)^go .*$`).FindString(readFile(t, "../go.mod"))
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":  "module example.com/orders\n\n" + release + "\n",
		"go.work": fmt.Sprintf("%s\n\nuse (\n\t.\n\t%q\n)\n", release, here),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// goIn runs the go command in a folder, and wants it to succeed.
func goIn(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
