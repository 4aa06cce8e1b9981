package sbom

import "encoding/json"

// cdxDocument is the part of CycloneDX 1.6 that says the same.
// Source: https://cyclonedx.org/docs/1.6/json/
type cdxDocument struct {
	Schema       string          `json:"$schema"`
	BOMFormat    string          `json:"bomFormat"`
	SpecVersion  string          `json:"specVersion"`
	Version      int             `json:"version"`
	Metadata     cdxMetadata     `json:"metadata"`
	Components   []cdxComponent  `json:"components"`
	Dependencies []cdxDependency `json:"dependencies"`
}

type cdxMetadata struct {
	Timestamp string       `json:"timestamp"`
	Tools     cdxTools     `json:"tools"`
	Component cdxComponent `json:"component"`
}

type cdxTools struct {
	Components []cdxComponent `json:"components"`
}

type cdxComponent struct {
	Type    string `json:"type"`
	Ref     string `json:"bom-ref,omitempty"`
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
	PURL    string `json:"purl,omitempty"`
}

type cdxDependency struct {
	Ref       string   `json:"ref"`
	DependsOn []string `json:"dependsOn"`
}

// CycloneDX is the document in CycloneDX 1.6, as JSON.
func (d Document) CycloneDX() ([]byte, error) {
	whole := cdxOf("application", "whole", d.Whole)
	doc := cdxDocument{
		Schema: "http://cyclonedx.org/schema/bom-1.6.schema.json", BOMFormat: "CycloneDX", SpecVersion: "1.6", Version: 1,
		Metadata: cdxMetadata{
			Timestamp: created,
			Tools:     cdxTools{[]cdxComponent{{Type: "application", Name: "etcdctr"}}},
			Component: whole,
		},
	}
	var programs []string
	var below []cdxDependency
	for _, p := range d.Programs {
		program := doc.add(cdxOf("application", "program", p.Component))
		programs = append(programs, program)
		var modules []string
		for _, m := range p.made() {
			ref := doc.add(cdxOf("library", "module", m))
			modules = once(modules, ref, func(o string) bool { return o == ref })
		}
		below = append(below, cdxDependency{program, modules})
	}
	doc.Dependencies = append([]cdxDependency{{whole.Ref, programs}}, below...)
	return json.MarshalIndent(doc, "", "  ")
}

func cdxOf(typ, kind string, c Component) cdxComponent {
	return cdxComponent{Type: typ, Ref: id(kind, c), Name: c.Name, Version: c.Version, PURL: c.PURL}
}

// add lists a component, once however often it is added, and gives its reference.
func (doc *cdxDocument) add(c cdxComponent) string {
	doc.Components = once(doc.Components, c, func(o cdxComponent) bool { return o.Ref == c.Ref })
	return c.Ref
}
