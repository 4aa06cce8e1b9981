package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/cmd/internal/terminal"
	"github.com/etcdctr/etcdctr/images"
)

func newImageCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "image",
		Short: "Make etcd images and move them: no registry, no builder and no internet needed",
		Args:  noArgs,
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
	etcd      string
	dir       string
	mirror    string
	plainHTTP bool
	platforms []string
}

func addSourceFlags(cmd *cobra.Command) *sourceFlags {
	f := &sourceFlags{source: imageSources[0].word}
	flags := cmd.Flags()
	words, described := wordsOfSources()
	flags.Var(&choice{value: &f.source, of: words}, "source", "where etcd comes from: "+described)
	flags.StringVar(&f.etcd, "etcd", "", "etcd release of "+versionedSources()+", such as "+releaseExample+" (default "+cluster.DefaultVersion.String()+")")
	flags.StringVar(&f.dir, "dir", "", "folder of dir: etcd, etcdctl and etcdutl, or one such folder a platform (linux-arm64)")
	flags.StringVar(&f.mirror, "mirror", "", "where release finds VERSION/etcd-VERSION-OS-ARCH.tar.gz and SHA256SUMS (default "+images.ReleaseMirror+")")
	flags.BoolVar(&f.plainHTTP, "plain-http", false, "speak unencrypted HTTP to other machines too, not just on loopback")
	flags.StringSliceVar(&f.platforms, "platform", nil, "platforms, such as linux/amd64,linux/arm64 (default the Docker Engine's, or this machine's)")
	return f
}

// check reports every flag that is missing or has no meaning.
func (f *sourceFlags) check() error {
	var errs []error
	if (f.source == sourceDir) != (f.dir != "") {
		errs = append(errs, errors.New("--source dir and --dir FOLDER go together"))
	}
	if f.mirror != "" && f.source != sourceRelease {
		errs = append(errs, errors.New("--mirror is for --source release"))
	}
	if f.etcd != "" && !f.chosen().versioned {
		errs = append(errs, fmt.Errorf("--etcd is for --source %s: %s has the version it has", versionedSources(), f.source))
	}
	if _, err := f.version(); err != nil {
		errs = append(errs, fmt.Errorf("--etcd: %w", err))
	}
	return usage(errors.Join(errs...))
}

func (f *sourceFlags) version() (cluster.Version, error) {
	if f.etcd == "" {
		return cluster.DefaultVersion, nil
	}
	return cluster.ParseVersion(f.etcd)
}

// parsePlatforms reads --platform; without it, it is only.
func (f *sourceFlags) parsePlatforms(only v1.Platform) ([]v1.Platform, error) {
	if len(f.platforms) == 0 {
		return []v1.Platform{only}, nil
	}
	var platforms []v1.Platform
	var errs []error
	for _, s := range f.platforms {
		p, err := images.ParsePlatform(s)
		platforms = append(platforms, p)
		errs = append(errs, err)
	}
	return platforms, usage(errors.Join(errs...))
}

// build makes an image for each platform.
func (f *sourceFlags) build(ctx context.Context, platforms []v1.Platform, board terminal.Board) ([]*images.Image, error) {
	source, err := f.chosen().open(f, showImageEvents(board))
	if err != nil {
		return nil, err
	}
	var imgs []*images.Image
	for _, platform := range platforms {
		b, err := source.Binaries(ctx, platform)
		if err != nil {
			return nil, imageError(err)
		}
		if _, err := cluster.ParseVersion(b.Version); err != nil {
			return nil, fmt.Errorf("%s: %w", b.Origin, err)
		}
		img, err := images.Build(b)
		if err != nil {
			return nil, imageError(err)
		}
		imgs = append(imgs, img)
	}
	return imgs, nil
}

// describe tells what a source had.
func describe(b *images.Binaries) string {
	var programs []string
	for _, name := range images.Names {
		programs = append(programs, name+" "+b.Version)
	}
	return fmt.Sprintf("%s: %s, %s, static", b.Origin, strings.Join(programs, ", "), b.Platform)
}

// showImageEvents puts the events of package images on a board.
func showImageEvents(board terminal.Board) images.Progress {
	return func(e images.Event) { board.Show(terminal.Step(e)) }
}

// imageError attaches what the command line can do about an error.
func imageError(err error) error {
	switch {
	case errors.Is(err, images.ErrNotLinux):
		return withHint(err, "images run on linux, and only an etcdctr of `make build` carries what they are made of: give --source module, or --source dir with a linux etcdctr")
	case errors.Is(err, images.ErrNoImage):
		return withHint(err, "docker pull brings it, or etcdctr image build --tag makes it")
	case errors.Is(err, images.ErrNoGo):
		return withHint(err, "install Go, or give --source release or --source self")
	case errors.Is(err, images.ErrPlainHTTP):
		return withHint(err, "give --plain-http if the network between is trusted")
	case errors.Is(err, syscall.ENOSPC):
		return withHint(err, "make room there; XDG_CACHE_HOME and TMPDIR choose other places for what is downloaded and unpacked")
	}
	return err
}
