package images

import (
	"bytes"
	"io"
	"testing"

	"github.com/google/go-containerregistry/pkg/compression"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// What Engine 20.10 says of layers of zstd names nothing of it.
func TestLoadNamesLayersThatOldEnginesDoNotRead(t *testing.T) {
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(make([]byte, 1024))), nil
	}, tarball.WithCompression(compression.ZStd), tarball.WithMediaType(types.OCILayerZStd))
	if err != nil {
		t.Fatal(err)
	}
	img, err := mutate.Append(empty.Image, mutate.Addendum{Layer: layer, MediaType: types.OCILayerZStd})
	if err != nil {
		t.Fatal(err)
	}
	tag, err := name.NewTag(testRef)
	if err != nil {
		t.Fatal(err)
	}
	e := engine{answer: `{"error":"Error processing tar file(exit status 1): archive/tar: invalid tar header"}`}
	wantError(t, loadOCI(t.Context(), &e, tag, img, nil), "invalid tar header", "compressed by zstd, which Docker Engine reads from 23 on")
}
