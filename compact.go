package etcdctr

import (
	"context"
	"time"

	"github.com/etcdctr/etcdctr/member"
)

// Compaction says which history of its keys a cluster forgets.
type Compaction struct {
	// Revision is the first that is kept; 0 stands for the newest that there is.
	Revision int64
	// Before has the backups tell the revision, and takes its place: see RevisionBefore.
	// Known is told what they say; may be nil.
	Before time.Time
	Known  func(revision int64, at time.Time)
	// Recover gives the room back as well, as Reclaiming says, and ends the alarm NOSPACE:
	// see member.Client.RecoverSpace.
	Recover    bool
	Reclaiming member.Reclaiming
}

// Compact has the cluster forget the history of its keys.
func (c *Cluster) Compact(ctx context.Context, o Compaction) (done member.Recovery, err error) {
	ask := c.WithMembers
	if o.Recover {
		ask = c.whileNobodyChanges
	}
	err = ask(ctx, func(members *member.Client) error {
		done.Revision = o.Revision
		if !o.Before.IsZero() {
			var known time.Time
			if done.Revision, known, err = c.RevisionBefore(ctx, members, o.Before); err != nil {
				return err
			}
			if o.Known != nil {
				o.Known(done.Revision, known)
			}
		}
		if o.Recover {
			done, err = members.RecoverSpace(ctx, done.Revision, o.Reclaiming)
			return err
		}
		if done.Revision == 0 {
			v, err := members.Look(ctx)
			if err != nil {
				return err
			}
			done.Revision = v.Newest()
		}
		return members.Compact(ctx, done.Revision)
	})
	return done, err
}
