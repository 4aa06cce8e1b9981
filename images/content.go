package images

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// content is what a destination in OCI's terms is given: an image or, for
// several platforms, an index of images, and what refers to them.
type content struct {
	main      mutate.Appendable // a v1.Image or a v1.ImageIndex
	referrers []v1.Image
}

// newContent gathers images of one release for different platforms.
func newContent(ctx context.Context, imgs []*Image) (*content, error) {
	if err := checkSet(imgs); err != nil {
		return nil, err
	}
	imgs = slices.Clone(imgs)
	slices.SortFunc(imgs, func(a, b *Image) int {
		return strings.Compare(a.Binaries.Platform.String(), b.Binaries.Platform.String())
	})
	c := &content{}
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, img := range imgs {
		o, err := img.OCI(ctx)
		if err != nil {
			return nil, err
		}
		d, err := partial.Descriptor(o)
		if err != nil {
			return nil, err
		}
		referrer, err := img.sbomReferrer(*d)
		if err != nil {
			return nil, err
		}
		platform := img.Binaries.Platform
		d.Platform = &platform
		c.main = o
		c.referrers = append(c.referrers, referrer)
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: o, Descriptor: *d})
	}
	if len(imgs) > 1 {
		c.main = index
	}
	return c, nil
}

// checkSet makes sure that images can be told apart by their platforms, and by
// nothing else.
func checkSet(imgs []*Image) error {
	seen := map[string]bool{}
	for _, img := range imgs {
		b := img.Binaries
		if b.Version != imgs[0].Binaries.Version {
			return fmt.Errorf("images of different etcd releases (%s, %s) cannot share a reference",
				imgs[0].Binaries.Version, b.Version)
		}
		if seen[b.Platform.String()] {
			return fmt.Errorf("platform %s is given twice", b.Platform)
		}
		seen[b.Platform.String()] = true
	}
	return nil
}

// index is the top of an OCI layout that holds the content under a reference.
func (c *content) index(ref name.Tag) (v1.ImageIndex, error) {
	d, err := partial.Descriptor(c.main)
	if err != nil {
		return nil, err
	}
	d.Annotations = refAnnotations(ref)
	adds := []mutate.IndexAddendum{{Add: c.main, Descriptor: *d}}
	for _, r := range c.referrers {
		adds = append(adds, mutate.IndexAddendum{Add: r, Descriptor: v1.Descriptor{ArtifactType: sbomType}})
	}
	return mutate.AppendManifests(mutate.IndexMediaType(empty.Index, types.OCIImageIndex), adds...), nil
}

const (
	// containerdName is the annotation that containerd and Docker put an image's
	// full reference in.
	containerdName = "io.containerd.image.name"
	// ociName is OCI's own. It holds the tag alone, but for archives of Podman and
	// Skopeo, which put the full reference there.
	ociName = "org.opencontainers.image.ref.name"
)

// namedIn is the reference that a layout gives an image; empty where it gives none.
func namedIn(d v1.Descriptor) string {
	ref := d.Annotations[containerdName]
	if whole := d.Annotations[ociName]; ref == "" && strings.Contains(whole, ":") {
		ref = whole
	}
	return ref
}

// refAnnotations name an image in a layout.
func refAnnotations(ref name.Tag) map[string]string {
	return map[string]string{
		ociName:        ref.TagStr(),
		containerdName: strings.Replace(ref.Name(), name.DefaultRegistry, "docker.io", 1),
	}
}
