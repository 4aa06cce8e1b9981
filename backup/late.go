package backup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/etcdctr/etcdctr/member"
)

// lateAfter is how long after its time a backup has to be there: it counts from
// when it was begun.
const lateAfter = 5 * time.Minute

// LateError is the error of a backup that ought to be there.
type LateError struct {
	Cluster, Place string
	Newest, Due    time.Time // zero without any
	// Service says that a service of the cluster's own takes the backups.
	Service bool
}

func (e *LateError) Error() string {
	if e.Newest.IsZero() {
		return fmt.Sprintf("there is no backup of %s in %s yet: %s", e.Cluster, e.Place, e.remedy())
	}
	return fmt.Sprintf("the newest backup of %s in %s is of %s, and the next was due at %s: %s",
		e.Cluster, e.Place, e.Newest.Format(time.RFC3339), e.Due.Format(time.RFC3339), e.remedy())
}

func (e *LateError) remedy() string {
	if e.Service {
		return "`etcdctr up` starts the service that takes them, and `etcdctr logs backup` says what keeps it from that"
	}
	return "`etcdctr backup run` takes them, and says what keeps it from that"
}

// Check compares the backups of a cluster with what they ought to be, and with what
// its members say once they are asked: a LateError, a BehindError, a SharedError, or that they
// can't be read. The backups are looked at before that: one that is taken while a member that
// is slow to answer is waited for knows more than the others have said. Without a quorum
// nothing is compared.
func Check(ctx context.Context, s Store, cluster string, ask func(context.Context) (member.View, error), next func(time.Time) time.Time, now time.Time) error {
	all, err := List(ctx, s)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	v, err := ask(ctx)
	if err != nil || !v.Quorum() {
		return err
	}
	revision, id := Known(v)
	return check(all, s.Place(""), cluster, id, revision, next, now)
}

// check is Check by what is known. The ID is that of etcd in hexadecimal, empty where nobody
// knows it.
func check(all []Found, place, cluster, id string, revision int64, next func(time.Time) time.Time, now time.Time) error {
	if err := behind(all, cluster, id, revision); err != nil {
		return err
	}
	of := ofName(notAfter(all, now), cluster) // a clock may have been ahead
	if ids := takingTurns(of); len(ids) > 0 {
		return &SharedError{Cluster: cluster, Place: place, IDs: ids}
	}
	if own := ofID(of, id); len(own) > 0 { // one that was restored has those of before
		of = own
	}
	newest, ok := Newest(of, cluster)
	if !ok {
		return &LateError{Cluster: cluster, Place: place}
	}
	if due := next(newest.Metadata.Time); now.After(due.Add(lateAfter)) {
		return &LateError{Cluster: cluster, Place: place, Newest: newest.Metadata.Time, Due: due}
	}
	return nil
}
