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

	"github.com/etcdctr/etcdctr/internal/scratch"
)

// stored are the images that a file or a folder holds. An archive may be what
// `docker load` takes, an OCI layout, or both at once.
type stored struct {
	path      string
	docker    []dockerImage // nil in a folder, and in an archive that only has a layout
	hasLayout bool
}

// open looks through path from beginning to end, so that a damaged archive is
// found before anything of it is used.
func open(ctx context.Context, path string) (*stored, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	s := &stored{path: path}
	if st.IsDir() {
		_, err = os.Stat(filepath.Join(path, indexFile))
		s.hasLayout = err == nil
	} else if err := s.scan(ctx); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if s.docker == nil && !s.hasLayout {
		return nil, fmt.Errorf("%s: holds no images: give an archive from `docker save`, an OCI layout or a bundle", path)
	}
	return s, nil
}

func (s *stored) scan(ctx context.Context) error {
	return eachEntry(ctx, s.path, func(h *tar.Header, r io.Reader) error {
		s.hasLayout = s.hasLayout || h.Name == indexFile
		if h.Name == dockerManifest {
			return json.NewDecoder(r).Decode(&s.docker)
		}
		return nil
	})
}

// withLayout calls do with the layout, which for that time is unpacked if it is
// in an archive.
func (s *stored) withLayout(ctx context.Context, do func(v1.ImageIndex) error) error {
	dir := s.path
	if st, err := os.Stat(dir); err != nil || !st.IsDir() {
		tmp, remove, err := scratch.Make("", "etcdctr-layout")
		if err != nil {
			return err
		}
		defer func() { _ = remove() }()
		if err := unpackLayout(ctx, s.path, tmp); err != nil {
			return fmt.Errorf("%s: %w", s.path, err)
		}
		dir = tmp
	}
	index, err := layout.ImageIndexFromPath(dir)
	if err == nil {
		err = do(index)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", s.path, err)
	}
	return nil
}

func unpackLayout(ctx context.Context, archive, dir string) error {
	return eachEntry(ctx, archive, func(h *tar.Header, r io.Reader) error {
		if h.Typeflag != tar.TypeReg {
			return nil
		}
		return unpackFile(filepath.Join(dir, filepath.FromSlash(h.Name)), r)
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
	st, err := f.Stat()
	if err != nil {
		return err
	}
	plain, most, err := decompressed(contextReader{ctx, f}, st.Size())
	if err != nil {
		return err
	}
	defer plain.Close()
	for tr := tar.NewReader(plain); ; {
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
		case h.Size > most: // of which most would be holes
			return fmt.Errorf("is damaged, cut short or was tampered with: it holds %q with %d MB, more than it has itself", h.Name, h.Size>>20)
		}
		h.Name = strings.TrimPrefix(h.Name, "./") // tar -C FOLDER . calls a file ./index.json
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

// dockerContent gives the only image of an archive from `docker save`, for a
// registry.
func (s *stored) dockerContent() (*content, error) {
	if len(s.docker) > 1 {
		return nil, fmt.Errorf("%s: holds %d images (%s): give an archive with the one to push",
			s.path, len(s.docker), strings.Join(s.references(), ", "))
	}
	img, err := tarball.ImageFromPath(s.path, nil)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.path, err)
	}
	return &content{main: img}, nil
}

// layoutContent gives the only image of a layout, for a registry.
func layoutContent(index v1.ImageIndex) (*content, error) {
	m, err := index.IndexManifest()
	if err != nil {
		return nil, err
	}
	c := &content{}
	for _, d := range m.Manifests {
		if err := c.take(index, d); err != nil {
			return nil, err
		}
	}
	if c.main == nil {
		return nil, errors.New("holds no image")
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
func PushStored(ctx context.Context, path, ref string, opts PushOptions) (digest v1.Hash, err error) {
	s, err := open(ctx, path)
	if err != nil {
		return digest, err
	}
	if !s.hasLayout {
		c, err := s.dockerContent()
		if err != nil {
			return digest, err
		}
		return c.push(ctx, ref, opts)
	}
	err = s.withLayout(ctx, func(index v1.ImageIndex) error {
		c, err := layoutContent(index)
		if err != nil {
			return err
		}
		digest, err = c.push(ctx, ref, opts)
		return err
	})
	return digest, err
}

// PushEngine puts an image of a Docker Engine into the registry that its
// reference names. See Push. The layers are compressed here, so that the digest
// is not the one of another way there.
func PushEngine(ctx context.Context, e Engine, ref string, opts PushOptions) (v1.Hash, error) {
	tmp, remove, err := scratch.Make("", "etcdctr-push")
	if err != nil {
		return v1.Hash{}, err
	}
	defer func() { _ = remove() }()
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
func loadable(index v1.ImageIndex, platform v1.Platform) (map[name.Tag]v1.Image, error) {
	m, err := index.IndexManifest()
	if err != nil {
		return nil, err
	}
	images := map[name.Tag]v1.Image{}
	for _, d := range m.Manifests {
		ref := namedIn(d)
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
		return nil, fmt.Errorf("no image in it has a name (annotation %s, or a whole reference in %s)", containerdName, ociName)
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
