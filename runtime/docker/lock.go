package docker

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/etcdctr/etcdctr/internal/lockfile"
)

// shortly is how long another command may hold a cluster before it is said that
// this one waits for it.
const shortly = 300 * time.Millisecond

// LockError is about a folder for locks that can't be worked in.
type LockError struct {
	Name string
	Err  error
}

func (e *LockError) Error() string {
	return fmt.Sprintf("cannot keep other commands from changing %s: %v", e.Name, e.Err)
}

func (e *LockError) Unwrap() error { return e.Err }

// Lock keeps two commands of this user from changing the same cluster at the
// same time: each would take what the other is making for an obstacle. The
// engine has nothing to lock with that a killed program would let go of. So a
// second user, or one on another machine, is not kept out; whoever comes second
// then gets an error, and can run the command again.
func (r *Runtime) Lock(ctx context.Context, name string, waiting func()) (release func() error, err error) {
	key := sha256.Sum256([]byte(r.engine.DaemonHost() + "\x00" + name))
	dir := filepath.Join(r.o.LockDir, hex.EncodeToString(key[:8]))

	soon, cancel := context.WithTimeout(ctx, shortly)
	defer cancel()
	release, err = lockfile.Acquire(soon, dir)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		waiting()
		release, err = lockfile.Acquire(ctx, dir)
	}
	switch {
	case ctx.Err() != nil && err == nil:
		return nil, errors.Join(ctx.Err(), release())
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, &LockError{name, err}
	}
	return release, nil
}
