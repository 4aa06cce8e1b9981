package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/cmd/internal/terminal"
	"github.com/etcdctr/etcdctr/images"
)

type imageBuildOptions struct {
	source   *sourceFlags
	output   string
	tag      string
	sbom     string
	format   string
	progress string
}

func newImageBuildCommand(a *app) *cobra.Command {
	var o imageBuildOptions
	cmd := &cobra.Command{
		Use:   "build",
		Short: "Make an etcd image from this program, Go modules, a release or a folder",
		Long: `build makes an image with the official image's layout, reproducibly: the same
programs give the same digest on any machine. Nothing else takes part, neither
a base image nor a builder; only the default output asks for a Docker Engine.

    self      the etcd, etcdctl and etcdutl inside this program
    module    compiled from etcd's Go modules, with the Go toolchain found here
    release   upstream's archive, checked against its SHA256SUMS
    dir       programs you have

The image has the tag localhost/etcd:VERSION unless --tag says otherwise.`,
		Example: `  etcdctr image build
  etcdctr image build --source module --etcd 3.6 --tag registry.example/etcd:v3.6.16
  etcdctr image build --source module --platform linux/amd64,linux/arm64 --output oci:etcd-image
  etcdctr image build --source release --mirror https://mirror.example/etcd --output tar:etcd.tar`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runImageBuild(cmd.Context(), a, o)
		},
	}
	o.source = addSourceFlags(cmd)
	flags := cmd.Flags()
	flags.StringVarP(&o.output, "output", "o", "docker", "where the image goes: docker (the Engine), oci:FOLDER (an OCI layout) or tar:FILE")
	flags.StringVarP(&o.tag, "tag", "t", "", "reference of the image (default localhost/etcd:VERSION)")
	flags.StringVar(&o.sbom, "sbom", "", "write the software bill of materials (SPDX) to this file too, or one for each of several platforms")
	addFormatFlag(cmd, &o.format)
	addProgressFlag(cmd, &o.progress)
	return cmd
}

func runImageBuild(ctx context.Context, a *app, o imageBuildOptions) error {
	if err := o.source.check(); err != nil {
		return err
	}
	destination, err := a.openDestination(ctx, o)
	if err != nil {
		return err
	}
	board := a.newProgress(o.progress)
	defer board.Close()
	imgs, err := o.source.build(ctx, destination.platforms, board)
	if err != nil {
		return err
	}
	ref := o.tag
	if ref == "" {
		ref = "localhost/etcd:" + imgs[0].Binaries.Version
	}
	digest, err := destination.write(ctx, ref, imgs, showImageEvents(board))
	if err != nil {
		return imageError(err)
	}
	board.Close()
	if o.sbom != "" {
		if err := images.WriteSBOM(o.sbom, imgs); err != nil {
			return err
		}
	}
	return a.printImages(o.format, o.progress, ref, digest, imgs)
}

// destination is what --output means.
type destination struct {
	platforms []v1.Platform
	// write puts images there under a reference and gives the digest that the
	// place knows them by.
	write func(ctx context.Context, ref string, imgs []*images.Image, progress images.Progress) (string, error)
}

func (a *app) openDestination(ctx context.Context, o imageBuildOptions) (*destination, error) {
	kind, path, _ := strings.Cut(o.output, ":")
	switch {
	case o.output == "docker":
		return a.engineDestination(ctx, o.source)
	case kind == "oci" && path != "":
		return fileDestination(o.source, path, images.WriteLayout)
	case kind == "tar" && path != "":
		return fileDestination(o.source, path, images.WriteArchive)
	}
	return nil, usage(fmt.Errorf("--output %q: must be docker, oci:FOLDER or tar:FILE", o.output))
}

func (a *app) engineDestination(ctx context.Context, source *sourceFlags) (*destination, error) {
	if len(source.platforms) > 1 {
		return nil, usage(errors.New("--platform: a Docker Engine takes one platform at a time: name one, or give --output oci:FOLDER"))
	}
	engine, err := a.connectEngine(ctx)
	if err != nil {
		return nil, err
	}
	platform, err := images.EnginePlatform(ctx, engine)
	if err != nil {
		return nil, err
	}
	platforms, err := source.parsePlatforms(platform)
	if err != nil {
		return nil, err
	}
	write := func(ctx context.Context, ref string, imgs []*images.Image, progress images.Progress) (string, error) {
		return imgs[0].ID(), images.Load(ctx, engine, imgs[0], []string{ref}, progress)
	}
	return &destination{platforms, write}, nil
}

type writeFunc func(ctx context.Context, path, ref string, imgs []*images.Image) (v1.Hash, error)

func fileDestination(source *sourceFlags, path string, write writeFunc) (*destination, error) {
	platforms, err := source.parsePlatforms(v1.Platform{OS: "linux", Architecture: runtime.GOARCH})
	if err != nil {
		return nil, err
	}
	return &destination{platforms, func(ctx context.Context, ref string, imgs []*images.Image, progress images.Progress) (string, error) {
		event := images.Event{Item: path, Action: "writing"}
		progress(event)
		digest, err := write(ctx, path, ref, imgs)
		event.Done = err == nil
		progress(event)
		return digest.String(), err
	}}, nil
}

// printImages tells what was found and what became of it.
func (a *app) printImages(format, progress, ref, digest string, imgs []*images.Image) error {
	result := images.Result{Reference: ref, Digest: digest}
	var rows [][]string
	for _, img := range imgs {
		b := img.Binaries
		if progress != terminal.Quiet {
			a.say("found in %s", describe(b))
		}
		result.Images = append(result.Images, img.Details())
		rows = append(rows, []string{ref, b.Platform.String(), b.Version, terminal.HumanBytes(img.Size()), digest})
	}
	if format == formatJSON {
		return a.printJSON(result)
	}
	a.printTable([]string{"reference", "platform", "etcd", "size", "digest"}, rows)
	return nil
}
