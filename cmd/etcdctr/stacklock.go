package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/etcdctr/etcdctr/internal/lockfile"
)

// shortly is how long another command may hold a stack before it is said that
// this one waits for it.
const shortly = 300 * time.Millisecond

// lock keeps two commands of this user from changing the same stack at the
// same time: each would take what the other is making for an obstacle. The
// engine has nothing to lock with that a killed program would let go of. So a
// second user, or one on another machine, is not kept out; whoever comes second
// then gets an error, and can run the command again.
func (d *driven) lock(ctx context.Context, a *app) (release func(), err error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	key := sha256.Sum256([]byte(d.engine.DaemonHost() + "\x00" + d.project))
	dir := filepath.Join(cache, "etcdctr", "stacks", hex.EncodeToString(key[:8]))

	soon, cancel := context.WithTimeout(ctx, shortly)
	defer cancel()
	unlock, err := lockfile.Acquire(soon, dir)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		a.say("another etcdctr is changing %s: waiting until it is done", d.project)
		unlock, err = lockfile.Acquire(ctx, dir)
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, withHint(fmt.Errorf("cannot keep other commands from changing %s: %w", d.project, err), "set XDG_CACHE_HOME to a folder that can be written to")
	}
	return func() {
		if err := unlock(); err != nil {
			a.warn("%s: %v", dir, err)
		}
	}, nil
}
