package docker

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path/filepath"

	"github.com/etcdctr/etcdctr/internal/lockfile"
)

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
	release, err = lockfile.AcquireTelling(ctx, dir, waiting)
	if err != nil && ctx.Err() == nil {
		err = &LockError{name, err}
	}
	return release, err
}
