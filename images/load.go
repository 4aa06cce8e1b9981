package images

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/containerd/errdefs"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/moby/moby/client"
)

// LoadStored hands the images of an archive or an OCI layout to a Docker Engine
// and gives their references. Of an image for several platforms it takes the
// Engine's.
func LoadStored(ctx context.Context, e Engine, path string, progress Progress) (refs []string, err error) {
	s, err := open(ctx, path)
	if err != nil {
		return nil, err
	}
	if s.docker != nil {
		return s.references(), s.loadAsItIs(ctx, e, progress)
	}
	platform, err := EnginePlatform(ctx, e)
	if err != nil {
		return nil, err
	}
	err = s.withLayout(ctx, func(index v1.ImageIndex) error {
		refs, err = loadLayout(ctx, e, index, platform, progress)
		return err
	})
	return refs, err
}

// loadAsItIs sends an archive to an Engine that knows what to do with it.
func (s *stored) loadAsItIs(ctx context.Context, e Engine, progress Progress) error {
	f, err := os.Open(s.path)
	if err != nil {
		return err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return err
	}
	event := Event{Item: s.path, Action: "loading", Total: st.Size()}
	plain, _, err := decompressed(&counter{r: f, event: event, progress: progress}, st.Size())
	if err != nil {
		return fmt.Errorf("%s: %w", s.path, err)
	}
	defer plain.Close()
	if err := sendArchive(ctx, e, plain); err != nil {
		return fmt.Errorf("load %s into the Docker Engine: %w", s.path, err)
	}
	event.Current, event.Done = event.Total, true
	progress.report(event)
	return nil
}

func loadLayout(ctx context.Context, e Engine, index v1.ImageIndex, platform v1.Platform, progress Progress) ([]string, error) {
	images, err := loadable(index, platform)
	if err != nil {
		return nil, err
	}
	var refs []string
	for tag, img := range images {
		if err := loadOCI(ctx, e, tag, img, progress); err != nil {
			return nil, err
		}
		refs = append(refs, familiar(tag))
	}
	slices.Sort(refs)
	return refs, nil
}

// loadOCI sends an image with its layers compressed, as the layout has them.
func loadOCI(ctx context.Context, e Engine, tag name.Tag, img v1.Image, progress Progress) error {
	short, err := name.NewTag(familiar(tag))
	if err != nil {
		return err
	}
	event := Event{Item: familiar(tag), Action: "loading"}
	progress.report(event)
	r, w := io.Pipe()
	defer r.Close() // ends the writer if the Engine stopped reading early
	go func() { w.CloseWithError(tarball.Write(short, img, w)) }()
	if err := sendArchive(ctx, e, r); err != nil {
		if layered(img, types.OCILayerZStd) {
			err = fmt.Errorf("%w: its layers are compressed by zstd, which Docker Engine reads from 23 on: give an image with layers of gzip", err)
		}
		return fmt.Errorf("load %s into the Docker Engine: %w", event.Item, err)
	}
	event.Done = true
	progress.report(event)
	return nil
}

// layered reports whether an image has a layer of a kind.
func layered(img v1.Image, kind types.MediaType) bool {
	manifest, err := img.Manifest()
	return err == nil && slices.ContainsFunc(manifest.Layers, func(l v1.Descriptor) bool { return l.MediaType == kind })
}

// Save writes images of a Docker Engine into an archive that LoadStored and
// `docker load` take.
func Save(ctx context.Context, e Engine, refs []string, file string, progress Progress) error {
	if err := wantImages(ctx, e, refs); err != nil {
		return err
	}
	return writeFile(file, func(w io.Writer) error { return saveTo(ctx, e, refs, w, file, progress) })
}

// ErrNoImage is found in an error about an image that a Docker Engine does not
// have.
var ErrNoImage = errors.New("the Docker Engine does not have it")

// wantImages names every image that an Engine does not have. Asked to save one,
// it would fail when the first bytes are out already.
func wantImages(ctx context.Context, e Engine, refs []string) error {
	var errs []error
	for _, ref := range refs {
		_, err := e.ImageInspect(ctx, ref)
		if errdefs.IsNotFound(err) {
			err = fmt.Errorf("image %s: %w", ref, ErrNoImage)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// saveTo copies what an Engine sends.
func saveTo(ctx context.Context, e Engine, refs []string, w io.Writer, item string, progress Progress) error {
	res, err := e.ImageSave(ctx, refs)
	if err != nil {
		return err
	}
	defer res.Close()
	event := Event{Item: item, Action: "saving"}
	n, err := io.Copy(w, &counter{r: res, event: event, progress: progress})
	if err != nil {
		return err
	}
	event.Current, event.Done = n, true
	progress.report(event)
	return nil
}

var _ Engine = (*client.Client)(nil)
