package images

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"

	"github.com/etcdctr/etcdctr/internal/outfile"
	"github.com/etcdctr/etcdctr/internal/scratch"
)

const indexFile = "index.json"

// WriteLayout puts images into an OCI image layout, a folder, under a
// reference; images for several platforms become one index. What the layout
// holds under other references stays. It gives the digest of what the
// reference now means.
func WriteLayout(ctx context.Context, dir, ref string, imgs []*Image) (v1.Hash, error) {
	tag, err := parseTag(ref)
	if err != nil {
		return v1.Hash{}, err
	}
	c, err := newContent(ctx, imgs)
	if err != nil {
		return v1.Hash{}, err
	}
	undo, err := prepareLayout(dir)
	if err != nil {
		return v1.Hash{}, err
	}
	if err := c.writeLayout(ctx, layout.Path(dir), tag); err != nil {
		undo()
		return v1.Hash{}, fmt.Errorf("write the image to %s: %w", dir, err)
	}
	return c.main.Digest()
}

// prepareLayout makes sure that dir is a layout or can become one, and gives a
// function that takes away everything added to it from then on.
func prepareLayout(dir string) (undo func(), err error) {
	files, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	missing := err != nil
	if _, err := os.Stat(filepath.Join(dir, "oci-layout")); err != nil && len(files) > 0 {
		return nil, fmt.Errorf("%s holds files and is no OCI layout: choose an empty or a new folder", dir)
	}
	before := tree(dir)
	return func() {
		for file := range tree(dir) {
			if !before[file] {
				discard(file)
			}
		}
		if missing {
			discard(dir)
		}
	}, nil
}

func tree(dir string) map[string]bool {
	files := map[string]bool{}
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files[path] = true
		}
		return nil
	})
	return files
}

// writeLayout writes blobs first and the index, which makes them an image, last
// and at once.
func (c *content) writeLayout(ctx context.Context, l layout.Path, ref name.Tag) error {
	if err := os.MkdirAll(string(l), 0o755); err != nil {
		return err
	}
	if err := c.writeBlobs(ctx, l); err != nil {
		return err
	}
	merged, err := c.mergedIndex(l, ref)
	if err != nil {
		return err
	}
	version, err := json.Marshal(map[string]string{"imageLayoutVersion": "1.0.0"})
	if err != nil {
		return err
	}
	if err := outfile.Note(filepath.Join(string(l), "oci-layout"), version, 0o644); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return outfile.Note(filepath.Join(string(l), indexFile), merged, 0o644)
}

func (c *content) writeBlobs(ctx context.Context, l layout.Path) error {
	for _, r := range c.referrers {
		if err := l.WriteImage(r); err != nil {
			return err
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if index, ok := c.main.(v1.ImageIndex); ok {
		return l.WriteIndex(index)
	}
	return l.WriteImage(c.main.(v1.Image))
}

// mergedIndex is the layout's index with this content in place of what had its
// reference.
func (c *content) mergedIndex(l layout.Path, ref name.Tag) ([]byte, error) {
	var old v1.ImageIndex = empty.Index
	if there, err := l.ImageIndex(); err == nil {
		old = there
	}
	added, err := c.index(ref)
	if err != nil {
		return nil, err
	}
	m, err := added.IndexManifest()
	if err != nil {
		return nil, err
	}
	replaced := func(d v1.Descriptor) bool {
		if name, ok := d.Annotations[containerdName]; ok {
			return name == refAnnotations(ref)[containerdName]
		}
		return slices.ContainsFunc(m.Manifests, func(n v1.Descriptor) bool { return n.Digest == d.Digest })
	}
	oldManifest, err := mutate.RemoveManifests(old, replaced).IndexManifest()
	if err != nil {
		return nil, err
	}
	m = m.DeepCopy()
	m.Manifests = append(oldManifest.Manifests, m.Manifests...)
	return json.MarshalIndent(m, "", "  ")
}

// WriteArchive puts images into a file: an OCI layout as a tar archive. An
// image for one platform is also what `docker load` takes, of any version.
func WriteArchive(ctx context.Context, file, ref string, imgs []*Image) (v1.Hash, error) {
	tmp, remove, err := scratch.Make("", "etcdctr-archive")
	if err != nil {
		return v1.Hash{}, err
	}
	defer func() { _ = remove() }()
	digest, err := WriteLayout(ctx, tmp, ref, imgs)
	if err != nil {
		return digest, err
	}
	entries, err := layoutEntries(tmp)
	if err != nil {
		return digest, err
	}
	if len(imgs) == 1 {
		manifest, err := dockerManifestOf(ctx, imgs[0], ref)
		if err != nil {
			return digest, err
		}
		entries = append(entries, inMemory(dockerManifest, manifest))
	}
	return digest, writeFile(file, func(w io.Writer) error { return writeTar(contextWriter{ctx, w}, entries) })
}

// layoutEntries lists the files of a layout for a tar archive.
func layoutEntries(dir string) ([]entry, error) {
	var entries []entry
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		st, err := d.Info()
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		open := func() (io.ReadCloser, error) { return os.Open(path) }
		entries = append(entries, entry{file(filepath.ToSlash(rel), st.Size()), open})
		return nil
	})
	return entries, err
}

// dockerManifestOf points into the blobs of a layout.
func dockerManifestOf(ctx context.Context, img *Image, ref string) ([]byte, error) {
	tags, err := parseTags([]string{ref})
	if err != nil {
		return nil, err
	}
	o, err := img.OCI(ctx)
	if err != nil {
		return nil, err
	}
	m, err := o.Manifest()
	if err != nil {
		return nil, err
	}
	return json.Marshal([]dockerImage{{
		Config: blobPath(m.Config.Digest), RepoTags: tags, Layers: []string{blobPath(m.Layers[0].Digest)},
	}})
}

func blobPath(h v1.Hash) string { return "blobs/" + h.Algorithm + "/" + h.Hex }

// writeFile writes the archive that a user has named.
func writeFile(file string, write func(io.Writer) error) error {
	if err := outfile.Stream(file, 0o644, write); err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	return nil
}

// contextWriter ends with its context.
type contextWriter struct {
	ctx context.Context
	w   io.Writer
}

func (c contextWriter) Write(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.w.Write(p)
}
