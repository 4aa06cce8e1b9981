package lint_test

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/etcdctr/etcdctr/lint"
)

// TestCorpus holds every testdata/*.txtar to its word. An archive has the files
// of one case, then what is found in them and the files as they are fixed. The
// first file is read, unless `inputs` names others: one input a line.
func TestCorpus(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no corpus: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			a, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			c := readCase(a)
			got := c.results(t)
			if diff := cmp.Diff(c.want, got); diff == "" {
				return
			} else if !*update {
				t.Fatalf("%s differs (-want +got); -update rewrites it:\n%s", file, diff)
			}
			if err := os.WriteFile(file, c.archive(a, got), 0o644); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// corpusCase is one archive.
type corpusCase struct {
	files  map[string][]byte
	inputs []lint.Input
	want   map[string]string // findings, error, and fixed/…
}

func readCase(a *txtar.Archive) corpusCase {
	c := corpusCase{files: map[string][]byte{}, want: map[string]string{}}
	for _, f := range a.Files {
		switch {
		case isResult(f.Name):
			c.want[f.Name] = string(f.Data)
		case f.Name == "inputs":
			for line := range strings.Lines(string(f.Data)) {
				c.inputs = append(c.inputs, lint.Input{Files: strings.Fields(line)})
			}
		default:
			c.files[f.Name] = f.Data
			if c.inputs == nil {
				c.inputs = []lint.Input{{Files: []string{f.Name}}}
			}
		}
	}
	return c
}

func isResult(name string) bool {
	return name == "findings" || name == "error" || strings.HasPrefix(name, "fixed/")
}

func (c corpusCase) options() lint.Options {
	return lint.Options{ReadFile: func(name string) ([]byte, error) {
		if data, ok := c.files[filepath.ToSlash(name)]; ok {
			return data, nil
		}
		return nil, fs.ErrNotExist
	}}
}

func (c corpusCase) check(t *testing.T) ([]lint.Finding, error) {
	t.Helper()
	stacks, err := lint.Read(c.inputs, c.options())
	if err != nil {
		return nil, err
	}
	var all []lint.Finding
	for _, s := range stacks {
		if len(s.Members) == 0 {
			t.Errorf("%s: no member was found", s.Files)
		}
		all = append(all, lint.Check(s)...)
	}
	return all, nil
}

func (c corpusCase) results(t *testing.T) map[string]string {
	t.Helper()
	findings, err := c.check(t)
	if err != nil {
		return map[string]string{"error": err.Error() + "\n"}
	}
	got := map[string]string{"findings": ""}
	for _, f := range findings {
		got["findings"] += line(f)
	}
	fixed, err := lint.Fix(findings)
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range fixed {
		got["fixed/"+name] = string(data)
	}
	c.checkFixed(t, findings, fixed)
	return got
}

func line(f lint.Finding) string {
	mark := ""
	if f.Fixable {
		mark = " [fix]"
	}
	member := f.Member
	if member == "" {
		member = "-"
	}
	return fmt.Sprintf("%s %s %s %s: %s%s\n", f.Place, f.Severity, f.Rule, member, f.Message, mark)
}

// checkFixed wants what was fixed to be gone, nothing to have come instead, and
// a second fix to change nothing.
func (c corpusCase) checkFixed(t *testing.T, before []lint.Finding, fixed map[string][]byte) {
	t.Helper()
	after := c
	after.files = maps.Clone(c.files)
	maps.Copy(after.files, fixed)
	again, err := after.check(t)
	if err != nil {
		t.Fatalf("after the fix: %v", err)
	}
	for _, f := range again {
		if f.Fixable {
			t.Errorf("after the fix there is still to fix: %s", line(f))
		}
	}
	was, is := count(before), count(again)
	for _, rule := range slices.Sorted(maps.Keys(is)) {
		if is[rule] > was[rule] {
			t.Errorf("the fix has brought %d findings of %s, where %d were", is[rule], rule, was[rule])
		}
	}
}

func count(findings []lint.Finding) map[string]int {
	n := map[string]int{}
	for _, f := range findings {
		n[f.Rule]++
	}
	return n
}

func (c corpusCase) archive(a *txtar.Archive, got map[string]string) []byte {
	out := &txtar.Archive{Comment: a.Comment}
	for _, f := range a.Files {
		if !isResult(f.Name) {
			out.Files = append(out.Files, f)
		}
	}
	for _, name := range []string{"findings", "error"} {
		if text, ok := got[name]; ok {
			out.Files = append(out.Files, txtar.File{Name: name, Data: []byte(text)})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(got)) {
		if strings.HasPrefix(name, "fixed/") {
			out.Files = append(out.Files, txtar.File{Name: name, Data: []byte(got[name])})
		}
	}
	return txtar.Format(out)
}

// TestEveryRuleHasACase wants each rule to find something in the corpus, and
// each to be explained.
func TestEveryRuleHasACase(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, file := range files {
		a, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for l := range strings.Lines(readCase(a).want["findings"]) {
			if words := strings.Fields(l); len(words) > 2 {
				found[words[2]] = true
			}
		}
	}
	for _, r := range lint.Rules() {
		if !found[r.ID] {
			t.Errorf("no file of testdata has a finding of %s", r.ID)
		}
		if r.Title == "" || r.Why == "" || r.Source == "" || r.Bad == "" || r.Good == "" {
			t.Errorf("%s is not explained", r.ID)
		}
	}
}
