package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/etcdctr/etcdctr/images"
)

const (
	// relayProgram is what runs in a relay's container, see package multicall.
	relayProgram = "/usr/local/bin/relay"

	// relayReference is the image's name on the engine, for people who look at
	// the list of images and wonder.
	relayReference = "etcdctr/relay:latest"
)

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
	loaded, err := e.ImageInspect(ctx, relayReference)
	if err != nil {
		return "", fmt.Errorf("make an image for the relay: %w", err)
	}
	return loaded.ID, nil // the reference may move to another version's at any time
}

// selfImage packs what this program has with it.
func selfImage(ctx context.Context, e images.Engine) (*images.Image, error) {
	source, err := selfSource()
	if err != nil {
		return nil, err
	}
	platform, err := images.EnginePlatform(ctx, e)
	if err != nil {
		return nil, err
	}
	programs, err := source.Binaries(ctx, platform)
	if err != nil {
		return nil, err
	}
	return images.Build(programs)
}
