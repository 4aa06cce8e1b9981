package backup

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"slices"
	"time"

	"github.com/etcdctr/etcdctr/member"
)

// etcd gives a snapshot from its beginning only, and each is of another moment: what one
// member began to give no other can go on with, nor can the same one. So where one goes
// away in the middle the next is asked for its own, and nothing is kept of the first.

// mostAttempts is how often a backup is begun.
const mostAttempts = 5

// betweenAttempts is how long one waits that is asked again.
const betweenAttempts = time.Second

// BrokenOffError is the error of data that did not come, or not whole, or that is not
// what its checksum says, though its member was thought to be well.
type BrokenOffError struct {
	From string
	Err  error
}

func (e *BrokenOffError) Error() string { return e.Err.Error() }
func (e *BrokenOffError) Unwrap() error { return e.Err }

// ofSomebody has an archive made of the data of the member that it costs least, and where
// that breaks off, of another's.
func (r Request) ofSomebody(ctx context.Context, c *member.Client, archive func(m *Metadata, take stream) error) (Metadata, error) {
	var gone []string
	var broken *BrokenOffError
	for {
		m, take, err := r.choose(ctx, c, gone)
		if err != nil {
			if broken != nil { // what began it says more
				err = errors.Join(broken, err)
			}
			return Metadata{}, err
		}
		if broken != nil && r.Again != nil {
			r.Again(broken, m.From)
		}
		if slices.Contains(gone, m.From) {
			rest(ctx, betweenAttempts)
		}
		err = archive(&m, take)
		if ctx.Err() != nil || ofThisMachine(err) || !errors.As(err, &broken) || len(gone) == mostAttempts-1 {
			return m, err
		}
		gone = append(gone, m.From)
	}
}

// ofThisMachine tells that it is a file here that failed, as on a disk that is full: what
// another member gives would end there, too.
func ofThisMachine(err error) bool {
	return NoRoom(err) || errors.As(err, new(*fs.PathError))
}

// taking gives the data of a member. That it breaks off is a BrokenOffError, unless there
// is no other to ask, or nobody would be given any.
func (r Request) taking(ctx context.Context, c *member.Client, from string) stream {
	return func(w io.Writer, progress func(done, total int64)) (member.Snapshot, error) {
		to := &remembering{to: w}
		s, err := c.Snapshot(ctx, from, to, progress)
		begun := to.bytes > 0 || r.Member == ""
		if err != nil && to.failed == nil && begun && !errors.Is(err, member.ErrDenied) {
			err = &BrokenOffError{from, err}
		}
		return s, err
	}
}

// remembering remembers what writing came to.
type remembering struct {
	to     io.Writer
	bytes  int64
	failed error
}

func (w *remembering) Write(p []byte) (int, error) {
	n, err := w.to.Write(p)
	w.bytes += int64(n)
	if err != nil {
		w.failed = err
	}
	return n, err
}
