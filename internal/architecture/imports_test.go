package architecture

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

const (
	root   = "../.."
	module = "github.com/etcdctr/etcdctr"
)

// free folders stand at the edge, where everything comes together: nothing but
// their own programs and tests depends on them.
var free = []string{"bench", "cmd", "e2e"}

func TestEveryPackageImportsOnlyWhatItsFolderMay(t *testing.T) {
	for _, v := range violations(readRules(t), listPackages(t)) {
		t.Error(v)
	}
}

func TestViolationsNameThePackageTheImportAndTheReason(t *testing.T) {
	rules := map[string]rule{
		"model":     {Allow: []string{"$gostd", module + "/model", "go.yaml.in/yaml/v3", module + "/exact$"}, Deny: []denial{{Desc: "model is pure"}}},
		"model/own": {Allow: []string{"$gostd", "github.com/spf13/cobra"}, Deny: []denial{{Desc: "it has its own"}}},
		"absent":    {Allow: []string{"$gostd"}, Deny: []denial{{Desc: "it is gone"}}},
	}
	packages := []goPackage{
		{ImportPath: module + "/model", Imports: []string{"fmt", "net/http", module + "/model/inner", "go.yaml.in/yaml/v3"}},
		{ImportPath: module + "/model/inner", Imports: []string{"github.com/spf13/cobra", module + "/models", "go.yaml.in/yaml/v30", module + "/exact", module + "/exact/below"}},
		{ImportPath: module + "/model/own", Imports: []string{"github.com/spf13/cobra", module + "/model"}},
		{ImportPath: module + "/cmd/etcdctr", Imports: []string{"github.com/spf13/cobra"}},
		{ImportPath: module + "/newcomer", Imports: []string{"fmt"}},
	}
	want := []string{
		"model/inner imports github.com/spf13/cobra: model is pure",
		"model/inner imports " + module + "/models: model is pure",
		"model/inner imports go.yaml.in/yaml/v30: model is pure",
		"model/inner imports " + module + "/exact/below: model is pure",
		"model/own imports " + module + "/model: it has its own",
		"folder newcomer has no import rule: write one in .golangci.yml, under depguard",
		"folder absent has an import rule and no package: remove the rule from .golangci.yml",
	}
	if diff := cmp.Diff(want, violations(rules, packages)); diff != "" {
		t.Errorf("violations (-want +got):\n%s", diff)
	}
}

// rule is one of depguard's lists.
type rule struct {
	Allow []string `yaml:"allow"`
	Deny  []denial `yaml:"deny"`
}

type denial struct {
	Desc string `yaml:"desc"`
}

// readRules returns the rules of .golangci.yml by folder. A list that allows
// nothing in particular bans packages everywhere and is left to the linter.
func readRules(t *testing.T) map[string]rule {
	t.Helper()
	text, err := os.ReadFile(root + "/.golangci.yml")
	if err != nil {
		t.Fatal(err)
	}
	var config struct {
		Linters struct {
			Settings struct {
				Depguard struct {
					Rules map[string]rule `yaml:"rules"`
				} `yaml:"depguard"`
			} `yaml:"settings"`
		} `yaml:"linters"`
	}
	if err := yaml.Unmarshal(text, &config); err != nil {
		t.Fatal(err)
	}
	rules := config.Linters.Settings.Depguard.Rules
	for folder, r := range rules {
		switch {
		case len(r.Allow) == 0:
			delete(rules, folder)
		case len(r.Deny) == 0:
			t.Fatalf(".golangci.yml: depguard's rule %s gives no reason: deny something, with a desc", folder)
		}
	}
	return rules
}

type goPackage struct {
	ImportPath string
	Imports    []string // without those of tests
}

func listPackages(t *testing.T) []goPackage {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", "./...")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v", cmd, err)
	}
	var packages []goPackage
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p goPackage
		err := dec.Decode(&p)
		if errors.Is(err, io.EOF) {
			return packages
		}
		if err != nil {
			t.Fatalf("%v: %v", cmd, err)
		}
		packages = append(packages, p)
	}
}

// violations returns one line for each import that a rule forbids, and one for
// each folder that has no rule or rule that has no folder.
func violations(rules map[string]rule, packages []goPackage) []string {
	var found []string
	unused := make(map[string]bool)
	for folder := range rules {
		unused[folder] = true
	}
	for _, p := range packages {
		name := strings.TrimPrefix(p.ImportPath, path.Dir(module)+"/") // etcdctr for the package at the root
		if p.ImportPath != module {
			name = strings.TrimPrefix(p.ImportPath, module+"/")
		}
		folder, _, _ := strings.Cut(name, "/")
		if slices.Contains(free, folder) {
			continue
		}
		ruled := ruling(rules, name)
		r, ok := rules[ruled]
		if !ok {
			found = append(found, fmt.Sprintf("folder %s has no import rule: write one in .golangci.yml, under depguard", folder))
			continue
		}
		delete(unused, ruled)
		for _, imported := range p.Imports {
			if !r.allows(imported) {
				found = append(found, fmt.Sprintf("%s imports %s: %s", name, imported, r.reason()))
			}
		}
	}
	for _, folder := range slices.Sorted(maps.Keys(unused)) {
		found = append(found, fmt.Sprintf("folder %s has an import rule and no package: remove the rule from .golangci.yml", folder))
	}
	return found
}

// ruling is the folder whose rule a package goes by: its own, or the nearest
// above it that has one.
func ruling(rules map[string]rule, name string) string {
	for folder := name; folder != "."; folder = path.Dir(folder) {
		if _, ok := rules[folder]; ok {
			return folder
		}
	}
	return name
}

// allows reads an entry as depguard does: it stands for all below it, unless it
// ends in $.
func (r rule) allows(imported string) bool {
	host, _, _ := strings.Cut(imported, "/")
	if !strings.Contains(host, ".") {
		return true // the standard library: its paths begin with no host name
	}
	return slices.ContainsFunc(r.Allow, func(allowed string) bool {
		exactly, only := strings.CutSuffix(allowed, "$")
		return imported == exactly || !only && strings.HasPrefix(imported, allowed+"/")
	})
}

func (r rule) reason() string { return r.Deny[0].Desc }
