package docker

import (
	"context"
	"fmt"
	"strings"

	"github.com/containerd/errdefs"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/stack"
)

// versionLabel is where an image says which release of its program it is, see
// https://specs.opencontainers.org/image-spec/annotations.
const versionLabel = "org.opencontainers.image.version"

// AskImage gives the spec with the release of its image, if nothing else tells it
// and the engine has the image: by its label, else by running `etcd --version` in a
// container that is gone at once. Where nobody knows, it is as it was.
func (r *Runtime) AskImage(ctx context.Context, spec cluster.Spec) (cluster.Spec, error) {
	ref := spec.ImageToAsk()
	if ref == "" {
		return spec, nil
	}
	if err := r.answers(ctx); err != nil {
		return spec, nil //nolint:nilerr // what is known without it is known
	}
	image, err := r.engine.ImageInspect(ctx, ref)
	switch {
	case errdefs.IsNotFound(err):
		return spec, nil
	case err != nil:
		return spec, fmt.Errorf("ask the image %s for its release: %w", ref, err)
	}
	if image.Config != nil {
		if v, err := cluster.ReadVersion(image.Config.Labels[versionLabel]); err == nil {
			return spec.WithImageRelease(v), nil
		}
	}
	said, err := stack.Helper{Project: spec.ClusterName(), Image: ref, Command: []string{"etcd", "--version"}}.Output(ctx, r.engine)
	if err != nil {
		return spec, nil //nolint:nilerr // it is no image of etcd's, or one that begins otherwise
	}
	for _, line := range said {
		if _, version, found := strings.Cut(line, "etcd Version: "); found {
			if v, err := cluster.ReadVersion(strings.TrimSpace(version)); err == nil {
				return spec.WithImageRelease(v), nil
			}
		}
	}
	return spec, nil
}
