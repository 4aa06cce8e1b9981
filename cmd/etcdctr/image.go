package main

import (
	"context"
	"errors"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/cmd/internal/terminal"
	"github.com/etcdctr/etcdctr/cmd/internal/typed"
	"github.com/etcdctr/etcdctr/images"
	"github.com/etcdctr/etcdctr/internal/listed"
)

func newImageCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "image",
		Short: "Make etcd images and move them: no registry, no builder and no internet needed",
		Args:  typed.NoArgs,
	}
	cmd.AddCommand(
		newImageBuildCommand(a),
		newImageBundleCommand(a),
		newImagePushCommand(a),
		newImageLoadCommand(a),
		newImageSaveCommand(a),
	)
	return cmd
}

// sourceFlags say where an image's programs come from.
type sourceFlags struct {
	source    string
	with      images.SourceOptions
	platforms []string
}

func addSourceFlags(cmd *cobra.Command) *sourceFlags {
	f := &sourceFlags{source: images.Origins()[0].Word}
	flags := cmd.Flags()
	origins := cluster.ClosedChoice{What: "where etcd comes from"}
	for _, o := range images.Origins() {
		origins.Words = append(origins.Words, cluster.Word{Word: o.Word, Means: o.Means})
	}
	flags.Var(&typed.Choice{Value: &f.source, Of: origins.Takes()}, "source", origins.String())
	flags.StringVar(&f.with.Version, "etcd", "", "etcd release of "+listed.And(images.VersionedWords())+", such as "+cluster.ReleaseExample+" (default "+cluster.DefaultVersion.String()+")")
	flags.StringVar(&f.with.Dir, "dir", "", "folder of dir: etcd, etcdctl and etcdutl, or one such folder a platform (linux-arm64)")
	flags.StringVar(&f.with.Mirror, "mirror", "", "where release finds VERSION/etcd-VERSION-OS-ARCH.tar.gz and SHA256SUMS (default "+images.ReleaseMirror+")")
	flags.BoolVar(&f.with.PlainHTTP, "plain-http", false, "speak unencrypted HTTP to other machines too, not just on loopback")
	flags.StringSliceVar(&f.platforms, "platform", nil, "platforms, such as linux/amd64,linux/arm64 (default the Docker Engine's, or this machine's)")
	return f
}

// origin is the one that the flags choose.
func (f *sourceFlags) origin() images.Origin {
	o, _ := images.OriginOf(f.source) // the flag takes no other word
	return o
}

// check reports every flag that is missing or has no meaning.
func (f *sourceFlags) check() error {
	_, err := f.version()
	if err != nil {
		err = fmt.Errorf("--etcd: %w", err)
	}
	return usage(errors.Join(f.origin().Check(f.with), err))
}

func (f *sourceFlags) version() (cluster.Version, error) {
	if f.with.Version == "" {
		return cluster.DefaultVersion, nil
	}
	return cluster.ParseVersion(f.with.Version)
}

// open gives the source, which tells progress what it fetches and compiles.
func (f *sourceFlags) open(a *app, progress images.Progress) (images.Source, error) {
	v, err := f.version()
	with := f.with
	with.Version, with.Progress = v.String(), progress
	if err == nil {
		with.Self, err = a.Self()
	}
	if err == nil && f.origin().Versioned {
		with.Cache, err = images.UserCache()
	}
	return f.origin().Source(with), err
}

// build makes an image for each platform.
func (f *sourceFlags) build(ctx context.Context, a *app, platforms []v1.Platform, progress images.Progress) ([]*images.Image, error) {
	source, err := f.open(a, progress)
	if err != nil {
		return nil, err
	}
	imgs, err := images.BuildAll(ctx, source, platforms)
	if err != nil {
		return nil, err
	}
	for _, img := range imgs {
		if _, err := cluster.ParseVersion(img.Binaries.Version); err != nil {
			return nil, fmt.Errorf("%s: %w", img.Binaries.Origin, err)
		}
	}
	return imgs, nil
}

// showImageEvents puts the events of package images on a board.
func showImageEvents(board terminal.Board) images.Progress {
	return func(e images.Event) {
		board.Show(terminal.Step{Item: e.Item, Action: e.Action, Detail: e.Detail, Current: e.Current, Total: e.Total, Done: e.Done})
	}
}
