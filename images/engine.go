package images

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/moby/moby/api/types/image"
	"github.com/moby/moby/client"
)

// Engine is what a Docker Engine is asked; *client.Client is one.
type Engine interface {
	ImageInspect(ctx context.Context, image string, opts ...client.ImageInspectOption) (client.ImageInspectResult, error)
	ImageLoad(ctx context.Context, input io.Reader, opts ...client.ImageLoadOption) (client.ImageLoadResult, error)
	ImageSave(ctx context.Context, images []string, opts ...client.ImageSaveOption) (client.ImageSaveResult, error)
	ImageTag(ctx context.Context, opts client.ImageTagOptions) (client.ImageTagResult, error)
	ServerVersion(ctx context.Context, opts client.ServerVersionOptions) (client.ServerVersionResult, error)
}

// EnginePlatform tells which platform's images an Engine runs.
func EnginePlatform(ctx context.Context, e Engine) (v1.Platform, error) {
	v, err := e.ServerVersion(ctx, client.ServerVersionOptions{})
	if err != nil {
		return v1.Platform{}, fmt.Errorf("ask the Docker Engine for its platform: %w", err)
	}
	return ParsePlatform(v.Os + "/" + v.Arch)
}

// Load hands an image to a Docker Engine under the given references, such as
// "localhost/etcd:v3.7.3". A reference moves if another image has it. The
// Engine has the whole image or nothing of it, and is only sent what it does
// not have yet.
func Load(ctx context.Context, e Engine, img *Image, refs []string, progress Progress) error {
	tags, err := parseTags(refs)
	if err != nil {
		return err
	}
	if known, ok := img.find(ctx, e, tags); ok {
		return tagImage(ctx, e, known, tags)
	}
	r, w := io.Pipe()
	go func() { w.CloseWithError(writeDockerArchive(w, img, tags)) }()
	defer r.Close()

	event := Event{Item: tags[0], Action: "loading", Total: img.layer.tarSize}
	if err := sendArchive(ctx, e, &counter{r: r, event: event, progress: progress}); err != nil {
		return fmt.Errorf("load %s into the Docker Engine: %w", tags[0], err)
	}
	event.Current, event.Done = event.Total, true
	progress.report(event)
	return nil
}

// find gives what an Engine that has the image knows it by: its ID, or one of
// its references. An Engine that keeps images in containerd's store, as those
// since 29 do, takes the digest of a manifest for the ID.
func (i *Image) find(ctx context.Context, e Engine, tags []string) (known string, ok bool) {
	if _, err := e.ImageInspect(ctx, i.ID()); err == nil {
		return i.ID(), true
	}
	for _, tag := range tags {
		if r, err := e.ImageInspect(ctx, tag); err == nil && i.is(r.InspectResponse) {
			return tag, true
		}
	}
	return "", false
}

// is reports whether an Engine describes this very image: the same files, run
// in the same way.
func (i *Image) is(r image.InspectResponse) bool {
	if !slices.Equal(r.RootFS.Layers, []string{i.layer.diffID.String()}) {
		return false
	}
	var own image.InspectResponse // its keys are those of a configuration, but for their case
	if json.Unmarshal(i.config, &own) != nil {
		return false
	}
	got, errGot := json.Marshal(r.Config)
	want, errWant := json.Marshal(own.Config)
	return errors.Join(errGot, errWant) == nil && bytes.Equal(got, want)
}

func tagImage(ctx context.Context, e Engine, id string, tags []string) error {
	for _, tag := range tags {
		if _, err := e.ImageTag(ctx, client.ImageTagOptions{Source: id, Target: tag}); err != nil {
			return fmt.Errorf("tag %s as %s: %w", id, tag, err)
		}
	}
	return nil
}

// parseTags normalises references that an image is to have, and reports all
// that cannot be given to one.
func parseTags(refs []string) ([]string, error) {
	var tags []string
	var errs []error
	for _, s := range refs {
		t, err := parseTag(s)
		errs = append(errs, err)
		tags = append(tags, familiar(t))
	}
	if len(refs) == 0 {
		errs = append(errs, errors.New("an image needs at least one reference"))
	}
	return tags, errors.Join(errs...)
}

func parseTag(s string) (name.Tag, error) {
	t, err := name.NewTag(s)
	if err != nil {
		return t, fmt.Errorf("%q cannot name an image: write it as REPOSITORY:TAG", s)
	}
	return t, nil
}

// familiar writes a tag the way Docker does: what is index.docker.io/library/etcd
// elsewhere is etcd to it.
func familiar(t name.Tag) string {
	s := strings.TrimPrefix(t.Name(), name.DefaultRegistry+"/")
	return strings.TrimPrefix(s, "library/")
}

// sendArchive streams a Docker archive to an Engine. The Engine answers 200 and
// tells its errors in the body.
func sendArchive(ctx context.Context, e Engine, archive io.Reader) error {
	res, err := e.ImageLoad(ctx, archive, client.ImageLoadWithQuiet(true))
	if err != nil {
		return err
	}
	defer res.Close()
	for dec := json.NewDecoder(res); ; {
		var line struct{ Error string }
		switch err := dec.Decode(&line); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case line.Error != "":
			return errors.New(line.Error)
		}
	}
}

// dockerManifest is the file in an archive that makes `docker load` take it.
const dockerManifest = "manifest.json"

// dockerImage is an entry of dockerManifest; its paths are inside the archive.
type dockerImage struct {
	Config   string
	RepoTags []string
	Layers   []string
}

// writeDockerArchive writes an image as `docker save` does, its layer
// uncompressed: between two processes on one machine, compressing costs more
// than it saves.
func writeDockerArchive(w io.Writer, img *Image, tags []string) error {
	config := strings.TrimPrefix(img.ID(), "sha256:") + ".json"
	layerName := img.layer.diffID.Hex + ".tar"
	manifest, err := json.Marshal([]dockerImage{{Config: config, RepoTags: tags, Layers: []string{layerName}}})
	if err != nil {
		return err
	}
	return writeTar(w, []entry{
		inMemory(config, img.config),
		{file(layerName, img.layer.tarSize), img.layer.Uncompressed},
		inMemory(dockerManifest, manifest),
	})
}

func inMemory(name string, data []byte) entry {
	return entry{file(name, int64(len(data))), func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(data)), nil
	}}
}
