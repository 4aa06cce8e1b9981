package sbom_test

import (
	"encoding/json"
	"runtime/debug"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr/internal/sbom"
)

// two programs, which have a module in common.
func document() sbom.Document {
	common := &debug.Module{Path: "example.com/common", Version: "v1.0.0"}
	program := func(name, own string) sbom.Program {
		return sbom.Program{
			Component: sbom.Component{Name: name, Version: "v2.0.0", PURL: sbom.ModulePURL("example.com/"+name, "v2.0.0")},
			Go:        &debug.BuildInfo{GoVersion: "go1.26.8", Deps: []*debug.Module{{Path: own, Version: "v0.1.0"}, common}},
		}
	}
	return sbom.Document{
		Name: "both-linux-amd64", Namespace: "https://example.com/spdx/1",
		Whole:    sbom.Component{Name: "both", Version: "v2.0.0", PURL: "pkg:github/example/both@v2.0.0"},
		Programs: []sbom.Program{program("one", "example.com/a"), program("two", "example.com/b")},
	}
}

var wantNames = []string{"one", "stdlib", "example.com/a", "example.com/common", "two", "example.com/b"}

func TestSPDXListsEachPartOnce(t *testing.T) {
	var doc struct {
		SPDXVersion       string
		DocumentNamespace string
		Packages          []struct {
			Name, SPDXID string
			ExternalRefs []struct{ ReferenceLocator string }
		}
		Relationships []struct{ SpdxElementID, RelationshipType, RelatedSpdxElement string }
	}
	decode(t, document().SPDX, &doc)
	names, ids := []string{}, map[string]bool{"SPDXRef-DOCUMENT": true}
	for _, p := range doc.Packages {
		names = append(names, p.Name)
		ids[p.SPDXID] = true
	}
	if want := append([]string{"both"}, wantNames...); !cmp.Equal(names, want) {
		t.Errorf("the packages are %q, want %q", names, want)
	}
	for _, r := range doc.Relationships {
		if !ids[r.SpdxElementID] || !ids[r.RelatedSpdxElement] {
			t.Errorf("%+v is about what is not listed", r)
		}
	}
	if got := doc.Packages[2].ExternalRefs[0].ReferenceLocator; got != "pkg:golang/stdlib@1.26.8" {
		t.Errorf("Go's own library is %s", got)
	}
}

func TestCycloneDXListsEachPartOnceAndWhatItTakes(t *testing.T) {
	var doc struct {
		BOMFormat    string
		SpecVersion  string
		Metadata     struct{ Component struct{ Name string } }
		Components   []struct{ Name, PURL string }
		Dependencies []struct {
			Ref       string
			DependsOn []string
		}
	}
	decode(t, document().CycloneDX, &doc)
	var names []string
	for _, c := range doc.Components {
		names = append(names, c.Name)
	}
	if !cmp.Equal(names, wantNames) || doc.Metadata.Component.Name != "both" || doc.BOMFormat != "CycloneDX" {
		t.Errorf("the components of %s %+v are %q, want %q", doc.BOMFormat, doc.Metadata, names, wantNames)
	}
	if len(doc.Dependencies) != 3 || len(doc.Dependencies[0].DependsOn) != 2 ||
		!slices.Contains(doc.Dependencies[2].DependsOn, "module-example.com-b-v0.1.0") {
		t.Errorf("the dependencies are %+v", doc.Dependencies)
	}
}

func decode(t *testing.T, write func() ([]byte, error), to any) {
	t.Helper()
	data, err := write()
	if err == nil {
		err = json.Unmarshal(data, to)
	}
	if err != nil {
		t.Fatal(err)
	}
	again, err := write()
	if err != nil || string(again) != string(data) {
		t.Errorf("written twice it differs: %v", err)
	}
}
