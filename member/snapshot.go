package member

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
)

// Snapshot is what a member sent.
type Snapshot struct {
	// Size is what was written, in bytes: the database and its checksum behind
	// it, as `etcdutl snapshot restore` wants them.
	Size int64
	// SHA256 is the checksum.
	SHA256 [sha256.Size]byte
	// StorageVersion is that of the data, such as "3.6.0"; etcd 3.5 does not tell.
	StorageVersion string
}

// Snapshot writes a member's data to w, as it is at one moment, with etcd's own
// checksum at its end, and verifies that one. Its memory does not grow with the
// database. A member without a quorum can be asked too, as long as it has not
// been restarted; so can a learner.
//
// A member that does not answer is a TroubleError. It may take as long as data
// comes: ErrNoProgress after Patience.Progress
// without any. Progress, which may be nil, is told what was written of how much,
// in bytes. On an error what was written is of no use.
func (c *Client) Snapshot(ctx context.Context, name string, w io.Writer, progress func(done, total int64)) (Snapshot, error) {
	s, err := c.snapshot(ctx, name, w, progress)
	if err != nil {
		return Snapshot{}, fmt.Errorf("cannot take a snapshot of %s: %w", name, err)
	}
	return s, nil
}

func (c *Client) snapshot(ctx context.Context, name string, w io.Writer, progress func(done, total int64)) (Snapshot, error) {
	if _, err := c.ask(ctx, name); err != nil { // a stream would not tell why there is none
		return Snapshot{}, err
	}
	to, err := c.to(name)
	if err != nil {
		return Snapshot{}, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	patience := time.AfterFunc(c.config.Patience.Progress, func() { cancel(ErrNoProgress) })
	defer patience.Stop()
	stream, err := to.stream.Snapshot(ctx, &etcdserverpb.SnapshotRequest{})
	if err != nil {
		return Snapshot{}, cause(ctx, err)
	}
	sum := newTrailing(w)
	var s Snapshot
	for {
		part, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return Snapshot{}, cause(ctx, err)
		}
		patience.Stop() // what it takes to write counts for nobody
		if _, err := sum.Write(part.Blob); err != nil {
			return Snapshot{}, err
		}
		s.Size += int64(len(part.Blob))
		s.StorageVersion = part.Version
		if progress != nil {
			progress(s.Size, s.Size+int64(part.RemainingBytes))
		}
		patience.Reset(c.config.Patience.Progress)
	}
	s.SHA256, err = sum.verify()
	return s, err
}

// cause is why a context was ended by us, else etcd's error.
func cause(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return meaning(err)
}

// trailing hashes all that is written through it but the last bytes, which are
// to be that hash.
type trailing struct {
	to    io.Writer
	hash  hash.Hash
	last  []byte // at most sha256.Size bytes that are not hashed yet
	bytes int64
}

func newTrailing(to io.Writer) *trailing { return &trailing{to: to, hash: sha256.New()} }

func (t *trailing) Write(p []byte) (int, error) {
	n, err := t.to.Write(p)
	t.bytes += int64(n)
	p = p[:n]
	over := min(max(0, len(t.last)+len(p)-sha256.Size), len(t.last))
	t.hash.Write(t.last[:over]) // never fails
	t.last = append(t.last[:0], t.last[over:]...)
	more := max(0, len(t.last)+len(p)-sha256.Size)
	t.hash.Write(p[:more])
	t.last = append(t.last, p[more:]...)
	return n, err
}

// page is what the size of a database is a multiple of: by that, etcdutl
// recognises that there is a checksum behind it (etcdutl/snapshot/v3_snapshot.go).
const page = 512

func (t *trailing) verify() (sum [sha256.Size]byte, err error) {
	if t.bytes%page != sha256.Size || !bytes.Equal(t.hash.Sum(nil), t.last) {
		return sum, ErrBrokenSnapshot
	}
	return [sha256.Size]byte(t.last), nil
}
