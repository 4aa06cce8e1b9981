package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/images"
	"github.com/etcdctr/etcdctr/stack/relay"
)

// What runs in a relay's container: this program, at its place in an image
// made of itself.
const (
	relayProgram = "/usr/local/bin/etcdctr"
	relayCommand = "relay"

	// relayReference is the image's name on the engine, for people who look at
	// the list of images and wonder.
	relayReference = "etcdctr/relay:latest"
)

// newRelayCommand is not for people: it speaks a protocol on its standard
// streams, and ends with them.
func newRelayCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:    relayCommand,
		Short:  "Dial for whoever is at the other end of the standard streams",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return relay.Serve(cmd.Context(), standardStreams{a.in, a.out}, new(net.Dialer).DialContext)
		},
	}
}

type standardStreams struct {
	io.Reader
	io.Writer
}

// Close has nothing to do: the process ends with its streams.
func (standardStreams) Close() error { return nil }

// relayImage gives the image of this program on the engine, and puts it there
// if it is not: a second the first time, nothing later. A program that no
// engine can run makes do with one that somebody has put there.
func (a *app) relayImage(ctx context.Context, e images.Engine) (string, error) {
	image, err := selfImage(ctx, e)
	if errors.Is(err, images.ErrNotLinux) {
		_, missing := e.ImageInspect(ctx, relayReference)
		return relayReference, withHint(missing, "this program can't run in a container: build an image of the one for linux, "+
			"with `docker build --tag %s .` in etcdctr's source", relayReference)
	}
	if err != nil {
		return "", fmt.Errorf("make an image for the relay: %w", err)
	}
	if err := images.Load(ctx, e, image, []string{relayReference}, nil); err != nil {
		return "", err
	}
	return image.ID(), nil
}

// selfImage packs this program.
func selfImage(ctx context.Context, e images.Engine) (*images.Image, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program's file: %w", err)
	}
	platform, err := images.EnginePlatform(ctx, e)
	if err != nil {
		return nil, err
	}
	programs, err := images.Self{File: self}.Binaries(ctx, platform)
	if err != nil {
		return nil, err
	}
	return images.Build(programs)
}
