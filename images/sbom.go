package images

import (
	"fmt"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/etcdctr/etcdctr/internal/sbom"
)

// sbomType is the type of the referrer that carries a bill of materials.
const sbomType = sbom.SPDXType

// SBOM is the image's software bill of materials, SPDX 2.3 as JSON: the
// programs, and the Go modules that their build information says they are made
// of.
func (i *Image) SBOM() ([]byte, error) {
	b := i.Binaries
	doc := sbom.Document{
		Name:      fmt.Sprintf("etcd-%s-%s-%s", b.Version, b.Platform.OS, b.Platform.Architecture),
		Namespace: "https://github.com/etcdctr/etcdctr/spdx/" + strings.TrimPrefix(i.ID(), "sha256:"),
		Whole:     sbom.Component{Name: "etcd", Version: b.Version, PURL: "pkg:oci/etcd?arch=" + b.Platform.Architecture},
	}
	for _, p := range b.Programs {
		doc.Programs = append(doc.Programs, sbom.Program{
			Component: sbom.Component{Name: p.Name, Version: p.Version, PURL: sbom.ModulePURL(p.Go.Main.Path, p.Version)},
			Go:        p.Go,
		})
	}
	return doc.SPDX()
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
