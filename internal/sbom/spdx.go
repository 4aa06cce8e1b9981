package sbom

import "encoding/json"

// SPDXType is the media type of an SPDX document.
const SPDXType = "application/spdx+json"

// spdxDocument is the part of SPDX 2.3 that says what is in something.
// Source: https://spdx.github.io/spdx-spec/v2.3/
type spdxDocument struct {
	SPDXVersion       string             `json:"spdxVersion"`
	DataLicense       string             `json:"dataLicense"`
	SPDXID            string             `json:"SPDXID"`
	Name              string             `json:"name"`
	DocumentNamespace string             `json:"documentNamespace"`
	CreationInfo      spdxCreation       `json:"creationInfo"`
	Packages          []spdxPackage      `json:"packages"`
	Relationships     []spdxRelationship `json:"relationships"`
}

type spdxCreation struct {
	Created  string   `json:"created"`
	Creators []string `json:"creators"`
}

type spdxPackage struct {
	Name             string         `json:"name"`
	SPDXID           string         `json:"SPDXID"`
	VersionInfo      string         `json:"versionInfo"`
	DownloadLocation string         `json:"downloadLocation"`
	FilesAnalyzed    bool           `json:"filesAnalyzed"`
	LicenseConcluded string         `json:"licenseConcluded"`
	LicenseDeclared  string         `json:"licenseDeclared"`
	CopyrightText    string         `json:"copyrightText"`
	ExternalRefs     []spdxExternal `json:"externalRefs,omitempty"`
}

type spdxExternal struct {
	Category string `json:"referenceCategory"`
	Type     string `json:"referenceType"`
	Locator  string `json:"referenceLocator"`
}

type spdxRelationship struct {
	Element string `json:"spdxElementId"`
	Type    string `json:"relationshipType"`
	Related string `json:"relatedSpdxElement"`
}

// SPDX is the document in SPDX 2.3, as JSON.
func (d Document) SPDX() ([]byte, error) {
	doc := spdxDocument{
		SPDXVersion: "SPDX-2.3", DataLicense: "CC0-1.0", SPDXID: "SPDXRef-DOCUMENT",
		Name: d.Name, DocumentNamespace: d.Namespace,
		CreationInfo: spdxCreation{Created: created, Creators: []string{"Tool: etcdctr"}},
	}
	whole := doc.add("whole", d.Whole)
	doc.relate(doc.SPDXID, "DESCRIBES", whole)
	for _, p := range d.Programs {
		program := doc.add("program", p.Component)
		doc.relate(whole, "CONTAINS", program)
		for _, m := range p.made() {
			doc.relate(program, "DEPENDS_ON", doc.add("module", m))
		}
	}
	return json.MarshalIndent(doc, "", "  ")
}

// add lists a package, once however often it is added, and gives its ID.
func (doc *spdxDocument) add(kind string, c Component) string {
	const unknown = "NOASSERTION"
	p := spdxPackage{
		Name: c.Name, SPDXID: "SPDXRef-" + id(kind, c), VersionInfo: c.Version, DownloadLocation: unknown,
		LicenseConcluded: unknown, LicenseDeclared: unknown, CopyrightText: unknown,
		ExternalRefs: []spdxExternal{{Category: "PACKAGE-MANAGER", Type: "purl", Locator: c.PURL}},
	}
	doc.Packages = once(doc.Packages, p, func(o spdxPackage) bool { return o.SPDXID == p.SPDXID })
	return p.SPDXID
}

func (doc *spdxDocument) relate(element, relationship, related string) {
	doc.Relationships = append(doc.Relationships, spdxRelationship{element, relationship, related})
}
