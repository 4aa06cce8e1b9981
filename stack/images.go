package stack

import (
	"context"
	"fmt"
	"runtime"
	"slices"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/image"
	"github.com/moby/moby/client"
	"github.com/moby/moby/client/pkg/versions"
)

// ImageRefs are the images that a project's services run.
func ImageRefs(p *types.Project) []string {
	var refs []string
	for _, s := range p.Services {
		refs = append(refs, s.Image)
	}
	slices.Sort(refs)
	return slices.Compact(refs)
}

// ImageID gives what Compose records as a container's image, and "" for an
// image that is not on the engine. An engine with multi-platform images can
// say which part of one it runs; the ID of the whole would change with its
// attestations.
func ImageID(ctx context.Context, e Engine, ref string) (string, error) {
	var opts []client.ImageInspectOption
	if versions.GreaterThanOrEqualTo(e.ClientVersion(), "1.48") {
		opts = append(opts, client.ImageInspectWithManifests(true))
	}
	r, err := e.ImageInspect(ctx, ref, opts...)
	if errdefs.IsNotFound(err) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("look for the image %s: %w", ref, err)
	}
	return contentID(r.InspectResponse), nil
}

// contentID is the only local manifest that is an image, or among several the
// one for the platform that this program is made for, as Compose has it.
func contentID(r image.InspectResponse) string {
	var local []image.ManifestSummary
	for _, m := range r.Manifests {
		if m.Kind == image.ManifestKindImage && m.Available {
			local = append(local, m)
		}
	}
	for _, m := range local {
		if m.ImageData != nil && m.ImageData.Platform.OS == "linux" && m.ImageData.Platform.Architecture == runtime.GOARCH {
			return m.ID
		}
	}
	if len(local) == 1 {
		return local[0].ID
	}
	return r.ID
}
