package etcdctr

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"time"

	"github.com/etcdctr/etcdctr/backup"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/internal/scratch"
	"github.com/etcdctr/etcdctr/internal/shellword"
)

// This file brings back what was kept of a cluster.

// RestoreOptions are what a restoration leaves to be chosen.
type RestoreOptions struct {
	// Bump is added to the revision: see backup.Restoration. 0 leaves it.
	Bump uint64
	// Scratch is a folder with room for the database.
	Scratch string
	// Consent is asked before anything is touched that is there; without it that is
	// refused with backup.ErrNoConsent.
	Consent func(ctx context.Context, there backup.There) error
	Tell    func(action string) // may be nil
	// Detail is told what that comes down to; without it Tell is.
	Detail func(action string)
	// Warn is told what is to be known besides; without it Tell is.
	Warn func(what string)
	// Into is what is filled, where that is only a part of the cluster's runtime;
	// nil stands for the whole.
	Into backup.Runtime
	// Secret opens a backup that is encrypted.
	Secret backup.Secret
	// At is the moment that is brought back, by what was kept of the changes after
	// a backup. With the zero Moment it is what the archive holds, or, of a whole
	// store, the last that is known.
	At backup.Moment
	// Flags are those of the command that goes on with it where it was not finished,
	// besides what is brought back: which cluster is meant, and what opens the backup.
	Flags []string

	seen int64        // the newest revision that the members know; 0 has them asked
	plan bool         // nothing is brought back
	held func() error // see backup.Restoration.Held
	// source is what leads to At; nil has it looked for.
	source *backup.Source
}

// ErrNotFillable is the error of a runtime whose servers can't be given data.
var ErrNotFillable = errors.New("data can't be put into the servers of this runtime")

// fillable is the runtime whose servers are given data: into, or where that is nil the
// cluster's own, if it can be done there.
func (c *Cluster) fillable(into backup.Runtime) (backup.Runtime, error) {
	if into != nil {
		return into, nil
	}
	if r, ok := c.runtime.(backup.Runtime); ok {
		return r, nil
	}
	return nil, fmt.Errorf("runtime %s: %w", c.runtime.Name(), ErrNotFillable)
}

// Restore makes the cluster what its Spec says, with what an archive holds: see
// backup.Restoration. Place is that of the archive, or of a store with archives. Where
// the Spec says who etcd's users are, it is restored once they are those: the archive may
// be of another time. A *UsersError says that all but that is done.
func (c *Cluster) Restore(ctx context.Context, place string, o RestoreOptions) (restored backup.Restored, err error) {
	err = c.withRestoration(ctx, place, o, func(r *backup.Restoration, archive string) error {
		if restored, err = r.Do(ctx, archive); err == nil && o.Into == nil {
			err = c.restoreUsers(ctx, r.Want.Auth, o.Tell)
			c.noteRestored(ctx)
		}
		return err
	})
	return restored, err
}

// PlanRestore tells what Restore would do, and does nothing.
func (c *Cluster) PlanRestore(ctx context.Context, place string, o RestoreOptions) (f backup.Forecast, err error) {
	o.plan = true
	err = c.withRestoration(ctx, place, o, func(r *backup.Restoration, archive string) error {
		f, err = r.Plan(ctx, archive)
		if err == nil && o.Into == nil {
			f.Steps = append(f.Steps, usersAfter(r.Want.Auth, f.Users)...)
		}
		return err
	})
	return f, err
}

// withRestoration lends a restoration, and the archive that it is from.
func (c *Cluster) withRestoration(ctx context.Context, place string, o RestoreOptions, do func(r *backup.Restoration, archive string) error) error {
	if err := c.CheckHere(c.have); err != nil {
		return err
	}
	r, unfillable := c.fillable(o.Into)
	want, err := c.Want(ctx)
	if err != nil {
		return err
	}
	hand, byHand := c.handFilled(want, o)
	if unfillable != nil && !byHand {
		return unfillable
	}
	if o.Into == nil {
		if _, err := c.users(want.Auth); err != nil {
			return err
		}
	}
	restoration := &backup.Restoration{
		Runtime: r, Want: want, Bump: o.Bump, Scratch: o.Scratch, Secret: o.Secret, Consent: o.Consent, Tell: o.Tell, Detail: o.Detail, Warn: o.Warn, Ask: c.askMembers,
		Provide: func(ctx context.Context, want *cluster.Cluster) error {
			c.unsee()
			return c.Provide(ctx, want)
		},
		Check: c.checkProvided,
		Shut:  o.Into == nil && want.Auth != nil && want.Auth.Enabled,
		Again: o.again(place),
		Held:  o.held,
	}
	restoration.Seen, restoration.Asked = o.seen, o.seen > 0
	if err := c.consult(ctx, place, o, restoration); err != nil {
		return err
	}
	if restoration.Source != nil {
		place = restoration.Source.Backup.Path
	}
	if byHand {
		return hand.restore(place, restoration.Source)
	}
	fetched, remove, err := scratch.Make(o.Scratch, "etcdctr-fetch")
	if err != nil {
		return fmt.Errorf("cannot make a folder to fetch into: %w", err)
	}
	defer remove()
	archive, err := backup.Fetch(ctx, place, fetched)
	if err != nil {
		return err
	}
	return do(restoration, archive)
}

// again is the command that goes on with a restoration from a place, from wherever it
// is typed.
func (o RestoreOptions) again(place string) []string {
	if full, err := filepath.Abs(place); err == nil && !inBucket(place) {
		place = full
	}
	again := []string{"restore", place}
	switch {
	case o.At.Revision > 0:
		again = append(again, "--revision", strconv.FormatInt(o.At.Revision, 10))
	case !o.At.Time.IsZero():
		again = append(again, "--at", o.At.Time.Format(time.RFC3339))
	}
	return append(again, o.Flags...)
}

// consult looks once at the backups where one is restored from, for what leads to a
// moment and for the newest revision that they know: this cluster's had it, whatever it
// has now. Without a moment an archive is taken as it is, and nothing is lacking where
// what is beside it can't be listed.
func (c *Cluster) consult(ctx context.Context, place string, o RestoreOptions, r *backup.Restoration) error {
	if o.source != nil {
		r.Source = o.source
		return nil
	}
	leads := backup.IsStore(place) || o.At != (backup.Moment{})
	raises := !o.plan && !r.Asked && o.Bump > 0
	if !leads && !raises {
		return nil
	}
	var known backup.Listing
	s, err := storeWith(place)
	if err == nil {
		known, err = backup.ListAll(ctx, backup.Unlocked(s, o.Secret))
	}
	switch {
	case err != nil && leads:
		return err
	case err != nil:
		return nil
	case raises:
		r.Seen = known.NewestRevision(c.spec.ClusterName())
	}
	if !leads {
		return nil
	}
	if o.At.Time.After(c.o.Now()) {
		return known.NotYet(ctx, c.spec.ClusterName(), o.At)
	}
	found, err := known.Find(ctx, c.spec.ClusterName(), o.At)
	if err != nil {
		return err
	}
	r.Source = &found
	return nil
}

// storeWith is a store, or the one that an archive is in.
func storeWith(place string) (backup.Store, error) {
	if backup.IsStore(place) {
		return backup.OpenStore(place)
	}
	s, _, err := backup.StoreOf(place)
	return s, err
}

// Typed is a command of this program as somebody types it, by its arguments; empty for
// none.
func Typed(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return "etcdctr " + shellword.Line(args...)
}
