package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/cmd/internal/terminal"
	"github.com/etcdctr/etcdctr/cmd/internal/typed"
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

` + originsShown() + `
The image has the tag localhost/etcd:VERSION unless --tag says otherwise.`,
		Example: `  etcdctr image build
  etcdctr image build --source module --etcd 3.6 --tag registry.example/etcd:v3.6.16
  etcdctr image build --source module --platform linux/amd64,linux/arm64 --output oci:etcd-image
  etcdctr image build --source release --mirror https://mirror.example/etcd --output tar:etcd.tar`,
		Args: typed.NoArgs,
		RunE: with(a, &o, runImageBuild),
	}
	o.source = addSourceFlags(cmd)
	flags := cmd.Flags()
	flags.StringVarP(&o.output, "output", "o", "docker", "where the image goes: docker (the Engine), oci:FOLDER (an OCI layout) or tar:FILE")
	flags.StringVarP(&o.tag, "tag", "t", "", "reference of the image (default localhost/etcd:VERSION)")
	flags.StringVar(&o.sbom, "sbom", "", "write the software bill of materials (SPDX) to this file too, or one for each of several platforms")
	typed.AddFormat(cmd, &o.format)
	typed.AddProgress(cmd, &o.progress)
	return cmd
}

// originsShown are the sources, a line each.
func originsShown() string {
	var b strings.Builder
	for _, o := range images.Origins() {
		fmt.Fprintf(&b, "    %-9s %s\n", o.Word, o.What)
	}
	return b.String()
}

func runImageBuild(ctx context.Context, a *app, o imageBuildOptions, _ []string) error {
	if err := o.source.check(); err != nil {
		return err
	}
	destination, err := images.ParseDestination(o.output, func(ctx context.Context) (images.Engine, error) { return a.ConnectEngine(ctx) })
	if err != nil {
		return usage(err)
	}
	platforms, err := destination.Platforms(ctx, o.source.platforms)
	if err != nil {
		return err
	}
	board := a.NewBoard(o.progress)
	defer board.Close()
	imgs, err := o.source.build(ctx, a, platforms, showImageEvents(board))
	if err != nil {
		return err
	}
	result, err := destination.Put(ctx, o.tag, o.sbom, imgs, showImageEvents(board))
	if err != nil {
		return err
	}
	board.Close()
	if strings.HasPrefix(o.tag, cluster.OfficialImage+":") {
		a.Say("%s is upstream's name, and its image runs as root: this one runs as user 65532, who may not write to a volume or folder of root's", o.tag)
	}
	var rows [][]string
	for _, img := range imgs {
		b := img.Binaries
		if o.progress != terminal.Quiet {
			a.Say("found in %s", b)
		}
		rows = append(rows, []string{result.Reference, b.Platform.String(), b.Version, terminal.HumanBytes(img.Size()), result.Digest})
	}
	return a.Result(o.format, result, a.Table([]string{"reference", "platform", "etcd", "size", "digest"}, rows))
}
