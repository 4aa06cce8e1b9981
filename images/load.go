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
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/moby/moby/client"
)

// LoadStored hands the images of an archive or an OCI layout to a Docker Engine
// and gives their references. Of an image for several platforms it takes the
// Engine's.
func LoadStored(ctx context.Context, e Engine, path string, progress Progress) ([]string, error) {
	s, err := open(ctx, path)
	if err != nil {
		return nil, err
	}
	defer s.close()
	if s.docker == nil {
		return s.loadLayout(ctx, e, progress)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	event := Event{Item: path, Action: "loading", Total: st.Size()}
	if err := sendArchive(ctx, e, &counter{r: f, event: event, progress: progress}); err != nil {
		return nil, fmt.Errorf("load %s into the Docker Engine: %w", path, err)
	}
	event.Current, event.Done = event.Total, true
	progress.report(event)
	return s.references(), nil
}

func (s *stored) loadLayout(ctx context.Context, e Engine, progress Progress) ([]string, error) {
	platform, err := EnginePlatform(ctx, e)
	if err != nil {
		return nil, err
	}
	images, err := s.loadable(platform)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.path, err)
	}
	var refs []string
	for tag, img := range images {
		event := Event{Item: familiar(tag), Action: "loading"}
		progress.report(event)
		r, w := io.Pipe()
		short, err := name.NewTag(familiar(tag))
		if err != nil {
			return nil, err
		}
		go func() { w.CloseWithError(tarball.Write(short, img, w)) }()
		err = sendArchive(ctx, e, r)
		_ = r.Close() // ends the writer if the Engine stopped reading early
		if err != nil {
			return nil, fmt.Errorf("load %s into the Docker Engine: %w", event.Item, err)
		}
		event.Done = true
		progress.report(event)
		refs = append(refs, event.Item)
	}
	slices.Sort(refs)
	return refs, nil
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
