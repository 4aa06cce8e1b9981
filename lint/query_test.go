package lint_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/etcdctr/etcdctr/lint"
)

const openClientPort = "services:\n  etcd:\n    image: quay.io/coreos/etcd:v3.6.1\n    ports:\n      - \"2379:2379\"\n"

func TestAQueryIsReadAsItIsWritten(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "compose.yaml")
	if err := os.WriteFile(file, []byte(openClientPort), 0o600); err != nil {
		t.Fatal(err)
	}
	q := lint.Query{Project: []string{file}, Paths: []string{dir, "-"}, Stdin: strings.NewReader(openClientPort), Etcd: "3.5", Off: []string{"client-port-open"}}
	inputs, options, err := q.Read()
	if err != nil || len(inputs) != 3 || inputs[1].Files[0] != file || string(inputs[2].Data) != openClientPort || options.Release.Minor != 5 {
		t.Fatalf("%+v, %+v, %v", inputs, options, err)
	}
	result, err := lint.Judge(inputs, options)
	if err != nil || result.Members() != 3 {
		t.Fatalf("%+v, %v", result, err)
	}
	for _, f := range result.Findings {
		if f.Rule == "client-port-open" {
			t.Errorf("a rule that is off finds something: %+v", f)
		}
	}
	_, _, err = lint.Query{Off: []string{"client-port-opened"}, Etcd: "three", Paths: []string{t.TempDir()}}.Read()
	if err == nil || strings.Count(err.Error(), "\n") != 2 || !strings.Contains(err.Error(), "off: there is no rule") {
		t.Errorf("three mistakes are told as: %v", err)
	}
}

func TestAResultIsWrittenForPrograms(t *testing.T) {
	result, err := lint.Judge([]lint.Input{{Name: "compose.yaml", Data: []byte(openClientPort)}}, lint.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, format := range lint.Formats() {
		var to bytes.Buffer
		if err := result.Write(&to, format, "v1.2.3"); err != nil || !strings.Contains(to.String(), "client-port-open") {
			t.Errorf("%s: %v\n%s", format, err, to.String())
		}
	}
	if err := result.Write(new(bytes.Buffer), "table", ""); err == nil {
		t.Error("a table is written for programs")
	}
}

func TestRulesAreExplainedByTheirIDs(t *testing.T) {
	for _, id := range lint.RuleIDs() {
		if text, err := lint.ExplainID(id); err != nil || !strings.HasPrefix(text, id) {
			t.Errorf("%s: %v", id, err)
		}
	}
	if _, err := lint.ExplainID("nothing"); err == nil {
		t.Error("what is no rule is explained")
	}
}
