package etcdctr

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/etcdctr/etcdctr/backup"
	"github.com/etcdctr/etcdctr/member"
)

// This file rebuilds a cluster that has lost its quorum.

// ErrQuorum is the error of recovering a cluster that needs none of it.
var ErrQuorum = errors.New("it has a quorum: members that are away are replaced from the others, and nothing has to be recovered")

// RecoverOptions are what a recovery leaves to be chosen.
type RecoverOptions struct {
	RestoreOptions
	// Output is where the survivor's data is kept before anything is touched, as
	// for Backup.
	Output string
	// Backups is a store of earlier backups, which are used where they know more
	// than the survivor; empty looks for none.
	Backups string
	// Found is told what the survivor holds, and what the newest backup does, if
	// there is one; may be nil.
	Found func(survivor, newest backup.Metadata)
}

// Recover rebuilds a cluster of which so many members are gone that no quorum is
// left. The survivor that knows most gives its data while it runs: restarted
// without a quorum it would give none. All members, it included, are then made
// of that anew, and what each had is set aside; so nothing is lost that was
// acknowledged and still exists.
func (c *Cluster) Recover(ctx context.Context, o RecoverOptions) (backup.Restored, error) {
	var v member.View
	err := c.WithMembers(ctx, func(members *member.Client) (err error) {
		v, err = members.Look(ctx)
		return err
	})
	if err == nil && v.Quorum() {
		err = fmt.Errorf("%s: %w", c.spec.ClusterName(), ErrQuorum)
	}
	if err != nil {
		return backup.Restored{}, err
	}
	archive, survivor, err := c.Backup(ctx, o.Output, backup.Request{})
	if err != nil {
		return backup.Restored{}, err
	}
	o.At = backup.Moment{}
	known, err := c.known(ctx, o.Backups, survivor)
	if err != nil {
		return backup.Restored{}, err
	}
	if o.Found != nil {
		o.Found(survivor, known)
	}
	if known.Revision > survivor.Revision {
		archive, o.At.Revision = known.From, known.Revision
	}
	return c.Restore(ctx, archive, o.RestoreOptions)
}

// known is the last that the backups of this very cluster know of it, From being
// the place of the one that leads there: revisions of another cluster of the same
// name say nothing.
func (c *Cluster) known(ctx context.Context, place string, survivor backup.Metadata) (backup.Metadata, error) {
	if place == "" {
		return backup.Metadata{}, nil
	}
	s, err := backup.OpenStore(place)
	if err != nil {
		return backup.Metadata{}, err
	}
	found, err := backup.Find(ctx, s, c.spec.ClusterName(), backup.Moment{Time: survivor.Time.Add(-time.Nanosecond)})
	if errors.Is(err, backup.ErrUnknownMoment) || err == nil && found.Backup.Metadata.ClusterID != survivor.ClusterID {
		return backup.Metadata{}, nil
	}
	m := found.Backup.Metadata
	m.From, m.Revision, m.Time = found.Backup.Path, found.Revision, found.Known
	return m, err
}
