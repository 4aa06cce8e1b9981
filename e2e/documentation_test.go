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

// TestTheDocumentedProgramsCompile vets every Go program in docs/testing.md, in
// a project that imports this one.
func TestTheDocumentedProgramsCompile(t *testing.T) {
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
	cmd := exec.CommandContext(t.Context(), "go", "vet", "-mod=mod", "./...")
	cmd.Dir = project
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// importingProject is the folder of a module with this module's requirements,
// and this module itself.
func importingProject(t *testing.T) string {
	t.Helper()
	here, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	const this = "github.com/etcdctr/etcdctr"
	mod := strings.Replace(readFile(t, "../go.mod"), "module "+this, "module example.com/orders", 1)
	mod += fmt.Sprintf("\nrequire %[1]s v0.0.0\n\nreplace %[1]s => %[2]s\n", this, here)
	dir := t.TempDir()
	for name, text := range map[string]string{"go.mod": mod, "go.sum": readFile(t, "../go.sum")} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
