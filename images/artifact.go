package images

import (
	"bytes"
	"encoding/json"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// artifact is a manifest with one configuration and one layer: an image, or
// what refers to one. It is a partial.CompressedImageCore.
type artifact struct {
	mediaType types.MediaType
	manifest  []byte
	config    []byte
	layer     v1.Layer
}

// newArtifact completes a manifest with the descriptors of its content.
func newArtifact(m v1.Manifest, config []byte, l v1.Layer) (v1.Image, error) {
	var err error
	if m.Config.Digest, m.Config.Size, err = v1.SHA256(bytes.NewReader(config)); err != nil {
		return nil, err
	}
	d, err := partial.Descriptor(l)
	if err != nil {
		return nil, err
	}
	m.SchemaVersion, m.Layers = 2, []v1.Descriptor{*d}
	raw, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	return partial.CompressedToImage(&artifact{mediaType: m.MediaType, manifest: raw, config: config, layer: l})
}

func (a *artifact) RawConfigFile() ([]byte, error)      { return a.config, nil }
func (a *artifact) RawManifest() ([]byte, error)        { return a.manifest, nil }
func (a *artifact) MediaType() (types.MediaType, error) { return a.mediaType, nil }

func (a *artifact) LayerByDigest(h v1.Hash) (partial.CompressedLayer, error) {
	if d, err := a.layer.Digest(); err != nil || d != h {
		return nil, fmt.Errorf("no layer %s", h)
	}
	return a.layer, nil
}
