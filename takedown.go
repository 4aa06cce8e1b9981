package etcdctr

import (
	"context"
	"errors"

	"github.com/etcdctr/etcdctr/backup"
	"github.com/etcdctr/etcdctr/converge"
	"github.com/etcdctr/etcdctr/runtime"
)

// This file takes a cluster down, with a last look at what is lost by that.

// TakeDownOptions are what TakeDown leaves to be chosen.
type TakeDownOptions struct {
	// Data is deleted as well.
	Data bool
	// Consent is asked before data is deleted, and told which; nil asks nobody.
	Consent func(ctx context.Context, losses []string) error
	// NoBackup does without the last backup before data is deleted: see LastBackup.
	NoBackup bool
	// Kept is told of that backup, where one was taken; may be nil.
	Kept func(place string, made backup.Metadata)
	// Change makes the change of the members; nil stands for Make.
	Change func(context.Context, Change) error
}

// Gone is what a cluster has left that was taken down.
type Gone struct {
	// Losses are the volumes and folders whose data was to be deleted; none without Data.
	Losses []string
	// Kept are the volumes and folders with the data that goes on being kept; none with Data.
	Kept []string
	// Left is what of it could not be deleted from here.
	Left []runtime.Left
	// Lent are the places of data in what somebody else has made, which stays.
	Lent []string
	// Others are what has the cluster's name and is not of it, and was left alone.
	Others []string
	// Rest tells that the cluster was gone before, but for what nobody let go of then, such as
	// a network that somebody was on: now that is gone, too.
	Rest bool
	// Begun are the members of something else, which are left alone, where the cluster was
	// to take over from them and has not: nothing of it was there but what was begun.
	Begun []string
}

// Spared tells that there were only others' things to delete.
func (g Gone) Spared() bool { return len(g.Losses) == 0 && len(g.Others) > 0 }

// TakeDown is Down for who may regret it: of data that is to be deleted it asks whether it
// may, takes a last backup where the profile is production, and tells what is left. Where
// nothing is there it is a runtime.ErrNotFound, and with Data nobody misses it any more.
func (c *Cluster) TakeDown(ctx context.Context, o TakeDownOptions) (Gone, error) {
	have, err := c.Observe(ctx)
	if errors.Is(err, runtime.ErrNotFound) {
		rest, failed := c.takeRest(ctx)
		if failed == nil && o.Data {
			failed = c.Forget()
		}
		if failed != nil || rest {
			return Gone{Rest: rest}, failed
		}
	}
	if err != nil {
		return Gone{}, err
	}
	gone := Gone{Lent: have.Lent(), Others: have.Others}
	if have.Begun {
		for _, m := range have.Members() {
			gone.Begun = append(gone.Begun, m.Name)
		}
	}
	if !o.Data {
		gone.Kept = have.Losses()
	} else {
		gone.Losses = have.Losses()
		if err := c.part(ctx, have, o); err != nil {
			return gone, err
		}
	}
	change := o.Change
	if change == nil {
		change = c.makeOnly
	}
	err = change(ctx, Change{Verb: converge.Down, Data: o.Data})
	gone.Left = c.Left()
	return gone, err
}

// HasRest tells whether there is something of a cluster that is gone, as a network is that
// somebody was on when it was taken down. No data is of that.
func (c *Cluster) HasRest(ctx context.Context) (bool, error) {
	have, err := c.runtime.Observe(ctx, c.spec.ClusterName())
	if errors.Is(err, runtime.ErrNotFound) {
		return false, nil
	}
	return err == nil && len(have.Servers) == 0, err
}

// takeRest takes that away, and tells whether it has.
func (c *Cluster) takeRest(ctx context.Context) (bool, error) {
	has, err := c.HasRest(ctx)
	if !has || err != nil {
		return false, err
	}
	if err := c.runtime.Remove(ctx, c.spec.ClusterName(), runtime.Removal{}); err != nil {
		return false, err
	}
	has, err = c.HasRest(ctx)
	return !has, err
}

// part is what comes before data is deleted.
func (c *Cluster) part(ctx context.Context, have *runtime.State, o TakeDownOptions) error {
	if err := c.CheckHere(have); err != nil {
		return err
	}
	if o.Consent != nil {
		if err := o.Consent(ctx, have.Losses()); err != nil {
			return err
		}
	}
	if o.NoBackup {
		return nil
	}
	place, made, err := c.LastBackup(ctx, c.o.Folder)
	if err == nil && place != "" && o.Kept != nil {
		o.Kept(place, made)
	}
	return err
}
