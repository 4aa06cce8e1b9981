package images

import (
	"cmp"
	"context"
	"errors"
	"runtime"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/etcdctr/etcdctr/internal/option"
)

// Destination is where images go: a Docker Engine, or a file or folder.
type Destination struct {
	connect func(context.Context) (Engine, error)
	engine  Engine // once Platforms has connected
	path    string
	write   func(ctx context.Context, path, ref string, imgs []*Image) (v1.Hash, error) // nil for an Engine
}

// output is what a destination is called.
const output = option.Name("output")

// ParseDestination reads "docker", "oci:FOLDER" for an OCI layout, or "tar:FILE" for an
// archive. Connect is asked for the Engine, if it is one.
func ParseDestination(text string, connect func(context.Context) (Engine, error)) (*Destination, error) {
	kind, path, _ := strings.Cut(text, ":")
	switch {
	case text == "docker":
		return &Destination{connect: connect}, nil
	case kind == "oci" && path != "":
		return &Destination{path: path, write: WriteLayout}, nil
	case kind == "tar" && path != "":
		return &Destination{path: path, write: WriteArchive}, nil
	}
	return nil, option.Errorf("%s %q: must be docker, oci:FOLDER or tar:FILE", output, text)
}

// PlatformError is the error of platforms that there can be no images for, or not in
// one place.
type PlatformError struct{ Err error }

func (e *PlatformError) Error() string { return e.Err.Error() }

func (e *PlatformError) Unwrap() error { return e.Err }

// ErrOnePlatform is found in the error of several platforms for an Engine.
var ErrOnePlatform = errors.New("a Docker Engine takes one platform at a time")

// Platforms reads those that are asked for by name. Where none is, it is the Engine's,
// or this machine's where the destination is none. What is wrong with the names is a
// *PlatformError, and nobody was asked.
func (d *Destination) Platforms(ctx context.Context, names []string) ([]v1.Platform, error) {
	onEngine := d.write == nil
	if onEngine && len(names) > 1 {
		return nil, option.Errorf("%s: %w: name one, or give %s oci:FOLDER", option.Name("platform"), &PlatformError{ErrOnePlatform}, output)
	}
	platforms := []v1.Platform{{OS: "linux", Architecture: runtime.GOARCH}}
	if len(names) > 0 {
		var err error
		if platforms, err = parsePlatforms(names); err != nil {
			return nil, &PlatformError{err}
		}
	}
	if !onEngine {
		return platforms, nil
	}
	var err error
	if d.engine, err = d.connect(ctx); err != nil {
		return nil, err
	}
	if len(names) > 0 {
		return platforms, nil
	}
	its, err := EnginePlatform(ctx, d.engine)
	return []v1.Platform{its}, err
}

// parsePlatforms reports all that are none.
func parsePlatforms(names []string) ([]v1.Platform, error) {
	var platforms []v1.Platform
	var errs []error
	for _, s := range names {
		p, err := ParsePlatform(s)
		platforms = append(platforms, p)
		errs = append(errs, err)
	}
	return platforms, errors.Join(errs...)
}

// Write puts images of its Platforms there under a reference, and gives the digest that
// the place knows them by.
func (d *Destination) Write(ctx context.Context, ref string, imgs []*Image, progress Progress) (string, error) {
	if d.write == nil {
		return imgs[0].ID(), Load(ctx, d.engine, imgs[0], []string{ref}, progress)
	}
	event := Event{Item: d.path, Action: "writing"}
	progress.report(event)
	digest, err := d.write(ctx, d.path, ref, imgs)
	event.Done = err == nil
	progress.report(event)
	return digest.String(), err
}

// Put is Write under a tag, or else localhost/etcd:VERSION, and tells what was made. Where a
// file is named for it, the bill of materials goes there too: see WriteSBOM.
func (d *Destination) Put(ctx context.Context, tag, sbom string, imgs []*Image, progress Progress) (Result, error) {
	result := Result{Reference: cmp.Or(tag, "localhost/etcd:"+imgs[0].Binaries.Version)}
	var err error
	if result.Digest, err = d.Write(ctx, result.Reference, imgs, progress); err == nil && sbom != "" {
		err = WriteSBOM(sbom, imgs)
	}
	for _, img := range imgs {
		result.Images = append(result.Images, img.Details())
	}
	return result, err
}
