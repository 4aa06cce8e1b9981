package images

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strconv"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Image is an etcd image for one platform. Its content is read from the
// programs' files whenever it is written somewhere: they must stay in place.
type Image struct {
	Binaries *Binaries

	config []byte // the image configuration as JSON
	layer  *layer
}

// Build makes an image of programs. Nothing is written.
func Build(b *Binaries) (*Image, error) {
	entries, err := rootEntries(b)
	if err != nil {
		return nil, err
	}
	l, err := newLayer(entries)
	if err != nil {
		return nil, err
	}
	config, err := json.Marshal(configFile(b, l.diffID))
	if err != nil {
		return nil, err
	}
	return &Image{Binaries: b, config: config, layer: l}, nil
}

// ID is what a Docker Engine knows the image by: the digest of its
// configuration, "sha256:…".
func (i *Image) ID() string {
	return fmt.Sprintf("sha256:%x", sha256.Sum256(i.config))
}

// Size is the number of bytes that the files of the image have together.
func (i *Image) Size() int64 {
	var sum int64
	for _, e := range i.layer.entries {
		sum += e.Size
	}
	return sum
}

// OCI gives the image as go-containerregistry knows images, with OCI's media
// types. It compresses the layer, which takes seconds and which Load never
// needs.
func (i *Image) OCI(ctx context.Context) (v1.Image, error) {
	if err := i.layer.compress(ctx); err != nil {
		return nil, err
	}
	return newArtifact(v1.Manifest{
		MediaType:   types.OCIManifestSchema1,
		Config:      v1.Descriptor{MediaType: types.OCIConfigJSON},
		Annotations: labels(i.Binaries),
	}, i.config, i.layer)
}

// configFile says how a container of the image runs. The Dockerfile says the
// same: change both.
func configFile(b *Binaries, diffID v1.Hash) v1.ConfigFile {
	return v1.ConfigFile{
		OS:           b.Platform.OS,
		Architecture: b.Platform.Architecture,
		Created:      v1.Time{Time: epoch},
		RootFS:       v1.RootFS{Type: "layers", DiffIDs: []v1.Hash{diffID}},
		History:      []v1.History{{Created: v1.Time{Time: epoch}, CreatedBy: "etcdctr image build"}},
		Config: v1.Config{
			User:         strconv.Itoa(user) + ":" + strconv.Itoa(user),
			WorkingDir:   "/" + dataDir,
			ExposedPorts: map[string]struct{}{"2379/tcp": {}, "2380/tcp": {}},
			Cmd:          []string{"/" + binDir + "/etcd"},
			Env:          []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
			Labels:       labels(b),
		},
	}
}

// labels are OCI's pre-defined annotation keys, used as labels too.
// Source: https://github.com/opencontainers/image-spec/blob/main/annotations.md
func labels(b *Binaries) map[string]string {
	return map[string]string{
		"org.opencontainers.image.title":    "etcd",
		"org.opencontainers.image.version":  b.Version,
		"org.opencontainers.image.revision": b.revision(),
		"org.opencontainers.image.source":   "https://github.com/etcd-io/etcd",
		"org.opencontainers.image.licenses": "Apache-2.0",
	}
}

// revision is etcd's commit where the programs were built in its repository,
// and otherwise the tag that their modules were published from.
func (b *Binaries) revision() string {
	if commit := setting(b.Programs[0].Go, "vcs.revision"); commit != "" && !b.multicall() {
		return commit
	}
	return b.Version
}
