package backup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"
)

// lateAfter is how long after its time a backup has to be there: it counts from
// when it was begun.
const lateAfter = 5 * time.Minute

// LateError is the error of a backup that ought to be there.
type LateError struct {
	Cluster, Place string
	Newest, Due    time.Time // zero without any
}

func (e *LateError) Error() string {
	if e.Newest.IsZero() {
		return fmt.Sprintf("there is no backup of %s in %s yet: `etcdctr backup run` takes them", e.Cluster, e.Place)
	}
	return fmt.Sprintf("the newest backup of %s in %s is of %s, and the next was due at %s: `etcdctr backup run` takes them, and says what keeps it from that",
		e.Cluster, e.Place, e.Newest.Format(time.RFC3339), e.Due.Format(time.RFC3339))
}

// Check compares the backups of a cluster with what they ought to be, and with the
// revision that the cluster is at: a LateError, a BehindError, or that they can't
// be read.
func Check(ctx context.Context, s Store, cluster string, revision int64, next func(time.Time) time.Time, now time.Time) error {
	all, err := List(ctx, s)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	newest, ok := Newest(all, cluster)
	if !ok {
		return &LateError{Cluster: cluster, Place: s.Place("")}
	}
	if revision < newest.Metadata.Revision {
		return &BehindError{cluster, revision, newest}
	}
	if due := next(newest.Metadata.Time); now.After(due.Add(lateAfter)) {
		return &LateError{cluster, s.Place(""), newest.Metadata.Time, due}
	}
	return nil
}
