package swarm

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path/filepath"

	"github.com/etcdctr/etcdctr/internal/lockfile"
)

// Lock keeps two commands of this user from changing the same cluster at the same
// time, whichever managers they ask. Swarm itself refuses to update what somebody else
// has updated since it was looked at, so whoever else comes second looks again.
func (r *Runtime) Lock(ctx context.Context, name string, waiting func()) (release func() error, err error) {
	in, err := r.manages(ctx)
	if err != nil {
		return nil, err
	}
	key := sha256.Sum256([]byte(in.cluster + "\x00" + name))
	release, err = lockfile.AcquireTelling(ctx, filepath.Join(r.o.LockDir, hex.EncodeToString(key[:8])), waiting)
	if err != nil && ctx.Err() == nil {
		err = fmt.Errorf("cannot keep other commands from changing %s: %w", name, err)
	}
	return release, err
}
