package images

import (
	"archive/tar"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// stored are the images that a file or a folder holds: an archive that `docker
// save` or this package wrote, or an OCI layout.
type stored struct {
	path   string
	docker []dockerImage // of an archive that `docker load` takes
	layout layout.Path   // of everything else; may be temporary
	close  func()
}

// open looks through path from beginning to end, so that a damaged archive is
// found before anything of it is used. The caller calls close.
func open(ctx context.Context, path string) (*stored, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	s := &stored{path: path, layout: layout.Path(path), close: func() {}}
	if !st.IsDir() {
		err = s.scan(ctx)
	}
	if err != nil {
		s.close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if s.docker == nil {
		if _, err := s.layout.ImageIndex(); err != nil {
			s.close()
			return nil, fmt.Errorf("%s: holds no images: give an archive from `docker save`, an OCI layout or a bundle", path)
		}
	}
	return s, nil
}

// scan reads an archive. One that only has an OCI layout is unpacked.
func (s *stored) scan(ctx context.Context) error {
	var found bool
	err := eachEntry(ctx, s.path, func(h *tar.Header, r io.Reader) error {
		found = found || h.Name == indexFile
		if h.Name == dockerManifest {
			return json.NewDecoder(r).Decode(&s.docker)
		}
		return nil
	})
	if err != nil || s.docker != nil || !found {
		return err
	}
	tmp, err := os.MkdirTemp("", "etcdctr-layout-")
	if err != nil {
		return err
	}
	s.layout, s.close = layout.Path(tmp), func() { discard(tmp) }
	return eachEntry(ctx, s.path, func(h *tar.Header, r io.Reader) error {
		if h.Typeflag != tar.TypeReg {
			return nil
		}
		return unpackFile(filepath.Join(tmp, filepath.FromSlash(h.Name)), r)
	})
}

// eachEntry calls do for every entry of a tar archive, and refuses one that
// would reach outside the folder it is unpacked in.
func eachEntry(ctx context.Context, file string, do func(*tar.Header, io.Reader) error) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	for tr := tar.NewReader(contextReader{ctx, f}); ; {
		h, err := tr.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			return fmt.Errorf("is damaged, cut short or no tar archive: %w", err)
		case !filepath.IsLocal(h.Name):
			return fmt.Errorf("holds %q, a path outside the archive: it was tampered with", h.Name)
		}
		if err := do(h, tr); err != nil {
			return fmt.Errorf("%s: %w", h.Name, err)
		}
	}
}

func unpackFile(file string, r io.Reader) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := io.Copy(f, r); err != nil {
		return err
	}
	return f.Close()
}

// references lists what the images are called.
func (s *stored) references() []string {
	var refs []string
	for _, img := range s.docker {
		refs = append(refs, img.RepoTags...)
	}
	return refs
}

// content gives the only image of the archive, for a registry.
func (s *stored) content() (*content, error) {
	if s.docker != nil {
		if refs := s.references(); len(s.docker) > 1 {
			return nil, fmt.Errorf("%s: holds %d images (%s): give an archive with the one to push",
				s.path, len(s.docker), strings.Join(refs, ", "))
		}
		img, err := tarball.ImageFromPath(s.path, nil)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.path, err)
		}
		return &content{main: img}, nil
	}
	return s.layoutContent()
}

func (s *stored) layoutContent() (*content, error) {
	index, err := s.layout.ImageIndex()
	if err != nil {
		return nil, err
	}
	m, err := index.IndexManifest()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.path, err)
	}
	c := &content{}
	for _, d := range m.Manifests {
		if err := c.take(index, d); err != nil {
			return nil, fmt.Errorf("%s: %w", s.path, err)
		}
	}
	if c.main == nil {
		return nil, fmt.Errorf("%s: holds no image", s.path)
	}
	return c, nil
}

// take adds what a descriptor of a layout stands for.
func (c *content) take(index v1.ImageIndex, d v1.Descriptor) error {
	if d.MediaType.IsIndex() {
		sub, err := index.ImageIndex(d.Digest)
		if err != nil {
			return err
		}
		return c.setMain(sub)
	}
	img, err := index.Image(d.Digest)
	if err != nil {
		return err
	}
	m, err := img.Manifest()
	if err != nil {
		return err
	}
	if m.Subject != nil {
		c.referrers = append(c.referrers, img)
		return nil
	}
	return c.setMain(img)
}

func (c *content) setMain(main interface {
	MediaType() (types.MediaType, error)
	Digest() (v1.Hash, error)
	Size() (int64, error)
},
) error {
	if c.main != nil {
		return errors.New("holds several images: give a layout with the one to push")
	}
	c.main = main
	return nil
}

// PushStored puts the image that an archive or an OCI layout holds into a
// registry, with what refers to it. See Push.
func PushStored(ctx context.Context, path, ref string, opts PushOptions) (v1.Hash, error) {
	s, err := open(ctx, path)
	if err != nil {
		return v1.Hash{}, err
	}
	defer s.close()
	c, err := s.content()
	if err != nil {
		return v1.Hash{}, err
	}
	return c.push(ctx, ref, opts)
}

// PushEngine puts an image of a Docker Engine into the registry that its
// reference names. See Push. The layers are compressed here, so that the digest
// is not the one of another way there.
func PushEngine(ctx context.Context, e Engine, ref string, opts PushOptions) (v1.Hash, error) {
	tmp, err := os.MkdirTemp("", "etcdctr-push-")
	if err != nil {
		return v1.Hash{}, err
	}
	defer discard(tmp)
	if err := wantImages(ctx, e, []string{ref}); err != nil {
		return v1.Hash{}, err
	}
	file := filepath.Join(tmp, "image.tar")
	err = writeFile(file, func(w io.Writer) error { return saveTo(ctx, e, []string{ref}, w, ref, opts.Progress) })
	if err != nil {
		return v1.Hash{}, err
	}
	return PushStored(ctx, file, ref, opts)
}

// loadable lists the images of a layout for one platform by their references.
func (s *stored) loadable(platform v1.Platform) (map[name.Tag]v1.Image, error) {
	index, err := s.layout.ImageIndex()
	if err != nil {
		return nil, err
	}
	m, err := index.IndexManifest()
	if err != nil {
		return nil, err
	}
	images := map[name.Tag]v1.Image{}
	for _, d := range m.Manifests {
		ref := d.Annotations[containerdName]
		if ref == "" {
			continue
		}
		tag, err := parseTag(ref)
		if err != nil {
			return nil, err
		}
		if images[tag], err = imageFor(index, d, platform); err != nil {
			return nil, fmt.Errorf("%s: %w", ref, err)
		}
	}
	if len(images) == 0 {
		return nil, errors.New("no image in it has a name (annotation " + containerdName + ")")
	}
	return images, nil
}

// imageFor finds the image for a platform that a descriptor stands for.
func imageFor(index v1.ImageIndex, d v1.Descriptor, platform v1.Platform) (v1.Image, error) {
	if !d.MediaType.IsIndex() {
		return index.Image(d.Digest)
	}
	sub, err := index.ImageIndex(d.Digest)
	if err != nil {
		return nil, err
	}
	m, err := sub.IndexManifest()
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(m.Manifests, func(d v1.Descriptor) bool {
		return d.Platform != nil && d.Platform.Satisfies(platform)
	})
	if i < 0 {
		return nil, fmt.Errorf("is not there for %s, the platform of the Docker Engine", platform)
	}
	return sub.Image(m.Manifests[i].Digest)
}
