package lint_test

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	_ "github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif" // for its schema
	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/tools/txtar"

	"github.com/etcdctr/etcdctr/lint"
)

// allFindings are those of the whole corpus.
func allFindings(t *testing.T) []lint.Finding {
	t.Helper()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	var all []lint.Finding
	for _, file := range files {
		a, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		c := readCase(a)
		if _, bad := c.want["error"]; bad {
			continue
		}
		found, err := c.check(t)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all = append(all, found...)
	}
	if len(all) == 0 {
		t.Fatal("the corpus has no findings")
	}
	return all
}

// TestSARIFFitsItsSchema holds the log to the schema of SARIF 2.1.0, which
// refuses names that it does not know.
func TestSARIFFitsItsSchema(t *testing.T) {
	schema := sarifSchema(t)
	findings := allFindings(t)
	for name, some := range map[string][]lint.Finding{"the corpus": findings, "nothing": nil} {
		log := sarifOf(t, some)
		if err := validate(t, schema, log); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		var read struct {
			Runs []struct {
				Tool struct {
					Driver struct{ Rules []struct{ ID string } }
				}
				Results []struct {
					RuleID    string
					RuleIndex int
				}
			}
		}
		if err := json.Unmarshal([]byte(log), &read); err != nil {
			t.Fatal(err)
		}
		run := read.Runs[0]
		if got, want := len(run.Results), len(some); got != want {
			t.Errorf("%s: %d results, want %d", name, got, want)
		}
		for _, r := range run.Results {
			if rule := run.Tool.Driver.Rules[r.RuleIndex].ID; rule != r.RuleID {
				t.Errorf("%s: a result of %s points to %s", name, r.RuleID, rule)
			}
		}
	}
	wrong := strings.Replace(sarifOf(t, findings), `"level": "error"`, `"level": "bad"`, 1)
	if err := validate(t, schema, wrong); err == nil {
		t.Error("a level that there is not passes for valid: the schema refuses nothing")
	}
}

func sarifOf(t *testing.T, findings []lint.Finding) string {
	t.Helper()
	var log bytes.Buffer
	if err := lint.WriteSARIF(&log, findings, "v1.2.3"); err != nil {
		t.Fatal(err)
	}
	return log.String()
}

func validate(t *testing.T, schema *jsonschema.Schema, text string) error {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return schema.Validate(doc)
}

// sarifSchema is the official one, as go-sarif brings it along: a constant in
// its source.
func sarifSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	out, err := exec.Command("go", "list", "-f", "{{.Dir}}", "github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif").Output()
	if err != nil {
		t.Fatal(err)
	}
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(strings.TrimSpace(string(out)), "schema.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	literal := file.Scope.Lookup("schema").Decl.(*ast.ValueSpec).Values[0].(*ast.BasicLit).Value
	text, err := strconv.Unquote(literal)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("sarif.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("sarif.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func TestGitHubTakesNoTextForACommand(t *testing.T) {
	var out bytes.Buffer
	err := lint.WriteGitHub(&out, []lint.Finding{{
		Rule: "no-quota", Severity: lint.Note, Place: lint.Place{File: "a,b:c.yml", Line: 3, Column: 5},
		Member: "etcd", Message: "100%\n::error::no", Why: "w", Fix: "f",
	}})
	if err != nil {
		t.Fatal(err)
	}
	const want = "::notice file=a%2Cb%3Ac.yml,line=3,col=5,title=no-quota::etcd: 100%25%0A::error::no: w%0Afix: f\n"
	if out.String() != want {
		t.Errorf("got %q\nwant %q", out.String(), want)
	}
}

func TestWhatMembersHaveAlikeIsOneRow(t *testing.T) {
	at := func(line int) lint.Place { return lint.Place{File: "c.yml", Line: line, Column: 1} }
	rows := lint.Rows([]lint.Finding{
		{Rule: "no-quota", Severity: lint.Note, Place: at(1), Member: "a", Message: "m", Why: "w", Fix: "f"},
		{Rule: "client-port-open", Severity: lint.Error, Place: at(2), Member: "a", Message: "m", Why: "w", Fix: "f"},
		{Rule: "no-quota", Severity: lint.Note, Place: at(5), Member: "b", Message: "m", Why: "w", Fix: "f"},
	})
	var got []string
	for _, r := range rows {
		got = append(got, strings.Join(r, "|"))
	}
	want := "error|c.yml:2:1|client-port-open|a|m\n||||  why: w\n||||  fix: f\nnote|c.yml:1:1|no-quota|a, b|m\n||||  why: w\n||||  fix: f"
	if strings.Join(got, "\n") != want {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), want)
	}
}
