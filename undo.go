package etcdctr

import (
	"context"
	"errors"
	"fmt"

	"github.com/etcdctr/etcdctr/backup"
	"github.com/etcdctr/etcdctr/converge"
	"github.com/etcdctr/etcdctr/runtime"
)

// This file takes a restoration back.

// Undone is what a restoration that was taken back has left.
type Undone struct {
	// Back are the places where the data was kept that members have again, by their names.
	Back map[string]string `json:"back"`
	// Unfinished tells that the restoration was, and that what it had made is deleted. Else
	// what members held until now is set aside in turn.
	Unfinished bool `json:"unfinished"`
}

// Undo is UndoRestore, which asks before members are stopped that run: consent may be nil
// only where none does, and else that is refused with backup.ErrNoConsent. backup.ErrUndone
// says that all members have what they had already.
func (c *Cluster) Undo(ctx context.Context, consent func(context.Context) error) (Undone, error) {
	have, err := c.RestoreToUndo(ctx)
	if err != nil {
		return Undone{}, err
	}
	unfinished, err := c.UnfinishedRestore(ctx, have)
	if err != nil {
		return Undone{}, err
	}
	asked := have.Active()
	if asked {
		if consent == nil {
			return Undone{}, fmt.Errorf("%s runs: %w", have.Name, backup.ErrNoConsent)
		}
		if err := consent(ctx); err != nil {
			return Undone{}, err
		}
	}
	back, err := c.undoRestore(ctx, func(now *runtime.State) error {
		if now.Active() && !asked {
			return fmt.Errorf("%s runs: %w", now.Name, backup.ErrMeanwhile)
		}
		return nil
	})
	return Undone{Back: back, Unfinished: unfinished != nil}, err
}

// UndoForecast is what Undo would do.
type UndoForecast struct {
	// Stops tells that members run, which it would stop, once consent is given.
	Stops bool `json:"stops"`
	// Unfinished tells that the restoration was, and that what it has made would be deleted.
	Unfinished bool `json:"unfinished"`
	// Back are the places where the data is kept that members would have again, by their
	// names; empty for those that had none. It is nil of a restoration that was not finished.
	Back map[string]string `json:"back"`
}

// PlanUndo tells what Undo would do, and does nothing. Its errors are those of Undo.
func (c *Cluster) PlanUndo(ctx context.Context) (UndoForecast, error) {
	have, err := c.RestoreToUndo(ctx)
	if err != nil {
		return UndoForecast{}, err
	}
	r, err := c.fillable(nil)
	if err != nil {
		return UndoForecast{}, err
	}
	f := UndoForecast{Stops: have.Active()}
	by, err := backup.Unfinished(ctx, r, have)
	if err != nil || by != nil {
		f.Unfinished = by != nil
		return f, err
	}
	f.Back, err = backup.ToBringBack(ctx, r, have)
	return f, err
}

// UndoRestore brings back what the last restoration has set aside, and starts
// nothing: see backup.Undo.
func (c *Cluster) UndoRestore(ctx context.Context) (map[string]string, error) {
	return c.undoRestore(ctx, func(*runtime.State) error { return nil })
}

func (c *Cluster) undoRestore(ctx context.Context, may func(now *runtime.State) error) (map[string]string, error) {
	if err := c.CheckHere(c.have); err != nil {
		return nil, err
	}
	r, err := c.fillable(nil)
	if err != nil {
		return nil, err
	}
	c.unsee()
	return backup.UndoIf(ctx, r, c.spec.ClusterName(), c.sayWaiting, may)
}

// RestoreToUndo tells what runs now and would be stopped by UndoRestore. ErrNothing of
// package backup says that no restoration has set anything aside, and an *OtherFolderError
// that it is none of this folder's to undo.
func (c *Cluster) RestoreToUndo(ctx context.Context) (*runtime.State, error) {
	if err := c.CheckHere(c.have); err != nil {
		return nil, err
	}
	r, err := c.fillable(nil)
	if err != nil {
		return nil, err
	}
	have, err := c.Observe(ctx)
	if err != nil {
		return nil, err
	}
	return have, backup.Undoable(ctx, r, have)
}

// UnfinishedRestore tells of a restoration that was not finished, with the two commands
// that lead on from there; nil if there is none.
func (c *Cluster) UnfinishedRestore(ctx context.Context, have *runtime.State) (*converge.Refusal, error) {
	seen, err := runtime.WithRestoring(ctx, c.runtime, have)
	if err != nil {
		return nil, err
	}
	return converge.Unfinished(seen), nil
}

// Ended is how a restoration has left a cluster that was ended in the middle of it. Where
// nothing is said the cluster has the data that it had before.
type Ended struct {
	// Bare tells that nothing of the cluster is there.
	Bare bool
	// Placed tells that it has what was brought back, and may not serve yet.
	Placed bool
	// Unfinished has the commands that lead on from there.
	Unfinished *converge.Refusal
	// Idle are members that do not run, where others do.
	Idle []string
}

// RestoreEnded tells how a restoration was left that has failed or was ended: restored is
// what it has given. The error says that it can't be seen.
func (c *Cluster) RestoreEnded(ctx context.Context, restored backup.Restored) (Ended, error) {
	have, err := c.Observe(ctx)
	switch {
	case errors.Is(err, runtime.ErrNotFound):
		return Ended{Bare: true}, nil
	case restored.Aside != nil:
		return Ended{Placed: true}, nil
	case err != nil:
		return Ended{}, err
	}
	unfinished, err := c.UnfinishedRestore(ctx, have)
	ended := Ended{Unfinished: unfinished}
	for _, m := range have.Present() {
		if have.Runs() && m.Role == runtime.Member && !m.MayAnswer() {
			ended.Idle = append(ended.Idle, m.Name)
		}
	}
	return ended, err
}
