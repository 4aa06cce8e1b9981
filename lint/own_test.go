package lint_test

import (
	"bytes"
	"path/filepath"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/compose"
	"github.com/etcdctr/etcdctr/lint"
)

// TestNothingIsFoundInOurOwnComposeFiles judges every golden of package compose.
func TestNothingIsFoundInOurOwnComposeFiles(t *testing.T) {
	goldens, err := filepath.Glob("../compose/testdata/*.txtar")
	if err != nil || len(goldens) == 0 {
		t.Fatalf("no goldens: %v", err)
	}
	judged := 0
	for _, golden := range goldens {
		a, err := txtar.ParseFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range a.Files {
			if f.Name != "docker-compose.yml" {
				continue
			}
			judged++
			nothingFound(t, golden, f)
		}
	}
	if judged == 0 {
		t.Fatal("no golden has a Compose file")
	}
}

// TestNothingIsFoundInOurOwnProcfilesAndUnits judges what the same cluster files
// become elsewhere.
func TestNothingIsFoundInOurOwnProcfilesAndUnits(t *testing.T) {
	goldens, err := filepath.Glob("../compose/testdata/*.txtar")
	if err != nil || len(goldens) == 0 {
		t.Fatalf("no goldens: %v", err)
	}
	judged := map[string]int{}
	for _, golden := range goldens {
		a, err := txtar.ParseFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		spec, err := cluster.Load("etcdctr.yaml", a.Files[0].Data)
		if err != nil {
			continue
		}
		if c, err := cluster.Resolve(spec, cluster.InProcesses("data", "certs")); err == nil && !c.SpansMachines() {
			file := compose.Procfile(c, "/usr/local/bin/etcdctr etcd")
			if bytes.Count(file, []byte("\n")) > len(c.Members) {
				continue // a value of several lines, which no Procfile can hold
			}
			judged["Procfile"]++
			nothingFound(t, golden, txtar.File{Name: "Procfile", Data: file})
		}
		if c, err := cluster.Resolve(spec, cluster.UnderSystemd); err == nil {
			judged["systemd"]++
			for _, m := range c.Members {
				nothingFound(t, golden,
					txtar.File{Name: compose.UnitFileName(c, m), Data: compose.Unit(c, m, "/usr/bin/etcd")},
					txtar.File{Name: compose.UnitEnvFileName(c, m), Data: compose.UnitEnvFile(m)})
			}
		}
	}
	if len(judged) != 2 {
		t.Errorf("judged %v, want both kinds", judged)
	}
}

// nothingFound wants no finding in a file that may read the others.
func nothingFound(t *testing.T, golden string, files ...txtar.File) {
	t.Helper()
	c := corpusCase{files: map[string][]byte{}}
	for _, f := range files {
		c.files[f.Name] = f.Data
	}
	stacks, err := lint.Read([]lint.Input{{Files: []string{files[0].Name}}}, c.options())
	if err != nil {
		t.Errorf("%s: %v", golden, err)
		return
	}
	for _, s := range stacks {
		if len(s.Members) == 0 {
			t.Errorf("%s: no member was found", golden)
		}
		for _, err := range s.Unread {
			t.Errorf("%s: %v", golden, err)
		}
		for _, found := range lint.Check(s) {
			t.Errorf("%s: %s", golden, line(found))
		}
	}
}
