package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/etcdctr/etcdctr/runtime/docker"
)

// lock keeps two commands of this user from changing the same stack at the
// same time.
func (d *driven) lock(ctx context.Context, a *app) (release func(), err error) {
	r := docker.New(docker.Options{Engine: d.engine, LockDir: lockFolder()})
	unlock, err := r.Lock(ctx, d.project, func() {
		a.say("another etcdctr is changing %s: waiting until it is done", d.project)
	})
	if failed := (*docker.LockError)(nil); errors.As(err, &failed) {
		return nil, withHint(err, "set XDG_CACHE_HOME to a folder that can be written to")
	}
	if err != nil {
		return nil, err
	}
	return func() {
		if err := unlock(); err != nil {
			a.warn("%v", err)
		}
	}, nil
}

// lockFolder is where commands of this user meet.
func lockFolder() string {
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	return filepath.Join(cache, "etcdctr", "stacks")
}
