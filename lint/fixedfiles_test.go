package lint_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/etcdctr/etcdctr/lint"
)

func TestFilesThatArePutRightAreToldWithWhatTheyAre(t *testing.T) {
	file := filepath.Join(t.TempDir(), "compose.yaml")
	const before = "services:\n  etcd:\n    image: quay.io/coreos/etcd:v3.6.1\n    ports:\n      - \"2379:2379\"\n"
	if err := os.WriteFile(file, []byte(before), 0o600); err != nil {
		t.Fatal(err)
	}
	result, err := lint.Judge([]lint.Input{{Files: []string{file}}}, lint.Options{})
	if err != nil {
		t.Fatal(err)
	}
	all, err := lint.FixedFiles(result.Findings)
	if err != nil || len(all) != 1 || all[0].Name != file || string(all[0].Before) != before || !strings.Contains(string(all[0].After), "127.0.0.1:2379:2379") {
		t.Errorf("%+v, %v", all, err)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if all, err := lint.FixedFiles(result.Findings); err == nil {
		t.Errorf("what is gone is put right: %+v", all)
	}
}

func TestAReleaseAndVariablesAreReadAsTheyAreWritten(t *testing.T) {
	if r, err := lint.ReadRelease("3.5"); err != nil || r.Minor != 5 {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := lint.ReadRelease("newest"); err == nil {
		t.Error("newest is a release")
	}
	if got := lint.Environ([]string{"TAG=v3.5=x", "EMPTY="}); got["TAG"] != "v3.5=x" || len(got) != 2 {
		t.Errorf("%v", got)
	}
}
