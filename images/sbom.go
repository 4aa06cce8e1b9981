package images

import (
	"encoding/json"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// sbomType is the media type of an SPDX document, and so the type of the
// referrer that carries one.
const sbomType = "application/spdx+json"

// spdxDocument is the part of SPDX 2.3 that says what is in an image.
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

// SBOM is the image's software bill of materials, SPDX 2.3 as JSON: the
// programs, and the Go modules that their build information says they are made
// of.
func (i *Image) SBOM() ([]byte, error) {
	b := i.Binaries
	doc := spdxDocument{
		SPDXVersion: "SPDX-2.3", DataLicense: "CC0-1.0", SPDXID: "SPDXRef-DOCUMENT",
		Name:              fmt.Sprintf("etcd-%s-%s-%s", b.Version, b.Platform.OS, b.Platform.Architecture),
		DocumentNamespace: "https://github.com/etcdctr/etcdctr/spdx/" + strings.TrimPrefix(i.ID(), "sha256:"),
		CreationInfo:      spdxCreation{Created: epoch.Format("2006-01-02T15:04:05Z"), Creators: []string{"Tool: etcdctr"}},
	}
	image := doc.add("image", "etcd", b.Version, fmt.Sprintf("pkg:oci/etcd?arch=%s", b.Platform.Architecture))
	doc.relate(doc.SPDXID, "DESCRIBES", image)
	for _, p := range b.Programs {
		main := p.Go.Main
		id := doc.add("program", p.Name, p.Version, purl(main.Path, p.Version))
		doc.relate(image, "CONTAINS", id)
		std := doc.add("module", "stdlib", p.Go.GoVersion, purl("stdlib", strings.TrimPrefix(p.Go.GoVersion, "go")))
		doc.relate(id, "DEPENDS_ON", std)
		for _, m := range p.Go.Deps {
			doc.relate(id, "DEPENDS_ON", doc.add("module", m.Path, m.Version, purl(m.Path, m.Version)))
		}
	}
	return json.MarshalIndent(doc, "", "  ")
}

func purl(module, version string) string { return "pkg:golang/" + module + "@" + version }

var notInID = regexp.MustCompile(`[^0-9A-Za-z.-]+`)

// add lists a package, once however often it is added, and gives its ID.
func (d *spdxDocument) add(kind, name, version, locator string) string {
	id := "SPDXRef-" + kind + "-" + notInID.ReplaceAllString(path.Join(name, version), "-")
	known := slices.ContainsFunc(d.Packages, func(p spdxPackage) bool { return p.SPDXID == id })
	if !known {
		const unknown = "NOASSERTION"
		d.Packages = append(d.Packages, spdxPackage{
			Name: name, SPDXID: id, VersionInfo: version, DownloadLocation: unknown,
			LicenseConcluded: unknown, LicenseDeclared: unknown, CopyrightText: unknown,
			ExternalRefs: []spdxExternal{{Category: "PACKAGE-MANAGER", Type: "purl", Locator: locator}},
		})
	}
	return id
}

func (d *spdxDocument) relate(element, relationship, related string) {
	d.Relationships = append(d.Relationships, spdxRelationship{element, relationship, related})
}

// sbomReferrer is the artifact that carries the bill of materials of subject.
// Source: OCI image specification 1.1, "Guidelines for Artifact Usage".
func (i *Image) sbomReferrer(subject v1.Descriptor) (v1.Image, error) {
	doc, err := i.SBOM()
	if err != nil {
		return nil, err
	}
	return newArtifact(v1.Manifest{
		MediaType:    types.OCIManifestSchema1,
		ArtifactType: sbomType,
		Config:       v1.Descriptor{MediaType: "application/vnd.oci.empty.v1+json"},
		Subject:      &v1.Descriptor{MediaType: subject.MediaType, Digest: subject.Digest, Size: subject.Size},
	}, []byte("{}"), static.NewLayer(doc, sbomType))
}
