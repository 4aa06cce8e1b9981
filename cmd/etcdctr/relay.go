package main

import (
	"context"
	"errors"

	"github.com/etcdctr/etcdctr/images"
	"github.com/etcdctr/etcdctr/runtime/docker"
)

// relayImage gives the image of this program on the engine.
func (a *app) relayImage(ctx context.Context, e images.Engine) (string, error) {
	self, err := selfSource()
	if err != nil {
		return "", err
	}
	id, err := docker.OwnImage(ctx, e, self)
	if errors.Is(err, images.ErrNotLinux) {
		return "", withHint(err, "this program can't run in a container: build an image of the one for linux, "+
			"with `docker build --tag %s .` in etcdctr's source", docker.RelayReference)
	}
	return id, err
}
