package etcdctr

import (
	"context"
	"errors"
	"fmt"

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
	// Backups is a folder of earlier backups, which are used where the newest of
	// them knows more than the survivor; empty looks for none.
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
	newest, err := c.newestBackup(o.Backups, survivor)
	if err != nil {
		return backup.Restored{}, err
	}
	if o.Found != nil {
		o.Found(survivor, newest.Metadata)
	}
	if newest.Metadata.Revision > survivor.Revision {
		archive = newest.Path
	}
	return c.Restore(ctx, archive, o.RestoreOptions)
}

// newestBackup is the one of this very cluster that knows most: revisions of
// another one of the same name say nothing.
func (c *Cluster) newestBackup(dir string, survivor backup.Metadata) (backup.Found, error) {
	if dir == "" {
		return backup.Found{}, nil
	}
	all, err := backup.List(dir)
	var newest backup.Found
	for _, f := range all {
		same := f.Err == nil && f.Metadata.ClusterID == survivor.ClusterID
		if same && f.Metadata.Revision > newest.Metadata.Revision && f.Metadata.Time.Before(survivor.Time) {
			newest = f
		}
	}
	return newest, err
}
