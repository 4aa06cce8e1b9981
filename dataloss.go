package etcdctr

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/etcdctr/etcdctr/backup"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/converge"
	"github.com/etcdctr/etcdctr/runtime"
)

// This file is about data that a change deletes.

// OtherFolderError is the error of deleting or replacing the data of a cluster that was
// started in another folder, and that nobody has named here but a file: who has a copy of
// that means the one of the copy's folder.
type OtherFolderError struct{ Name, Folder string }

func (e *OtherFolderError) Error() string {
	return fmt.Sprintf("%s was started in %s: its data is not deleted, or replaced, from another folder", e.Name, e.Folder)
}

// CheckHere refuses to delete or replace the data of a cluster that was not started here,
// unless it was named by a flag or by the program. Its error is an *OtherFolderError.
func (c *Cluster) CheckHere(have *runtime.State) error {
	if c.spec.NameIsSaid() || have == nil || have.Folder == "" || have.StartedIn(c.o.Folder) {
		return nil
	}
	return &OtherFolderError{have.Name, have.Folder}
}

// Losses are the volumes and folders with data that a change deletes, where it may.
// Where nobody knows what it removes, because it has no end, it is all.
func (c *Cluster) Losses(ctx context.Context, change Change) ([]string, error) {
	if !change.Data {
		return nil, nil
	}
	steps, err := c.Plan(ctx, change)
	endless := errors.As(err, new(*converge.EndlessError))
	if err != nil && !endless {
		return nil, err
	}
	return c.dataOf(ctx, func(s runtime.Server) bool { return endless || among(steps, converge.Delete, s) })
}

// Kept are the volumes and folders with data of members that the steps of a change take
// away without it. They serve nobody, and a change that has Data deletes them.
func (c *Cluster) Kept(ctx context.Context, steps converge.Steps) ([]string, error) {
	return c.dataOf(ctx, func(s runtime.Server) bool {
		return among(steps, converge.Remove, s) && !among(steps, converge.Delete, s)
	})
}

// among tells whether steps of a kind are about a server.
func among(steps converge.Steps, kind converge.Kind, s runtime.Server) bool {
	return slices.ContainsFunc(steps, func(step converge.Step) bool {
		return step.Kind == kind && (len(step.Servers) == 0 || slices.Contains(step.Servers, s.Name))
	})
}

// dataOf is where the data of some of the servers is, and what was set aside of it; nowhere
// where there is nothing.
func (c *Cluster) dataOf(ctx context.Context, some func(runtime.Server) bool) ([]string, error) {
	have, err := c.Observe(ctx)
	if errors.Is(err, runtime.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return have.LossesOf(some), nil
}

// LastBackup keeps what a cluster of the profile production holds, for who is about to
// delete its data: in the destination of its Spec, or else in a folder. It gives no
// place where there is nothing to keep.
func (c *Cluster) LastBackup(ctx context.Context, folder string) (place string, made backup.Metadata, err error) {
	have, err := c.Observe(ctx)
	if err != nil || c.spec.Profile != cluster.Production || len(have.Losses()) == 0 {
		return "", made, err
	}
	if c.spec.Backup.Destination != "" {
		folder = c.spec.Backup.Destination
	}
	s, err := backup.OpenStore(folder)
	if err != nil {
		return "", made, err
	}
	place, made, err = c.BackupInto(ctx, s, backup.Request{})
	if err != nil {
		_, refused := c.Plan(ctx, Change{Verb: converge.Start})
		last := &LastBackupError{Err: err}
		if refusal := (*converge.Refusal)(nil); errors.As(refused, &refusal) {
			last.First = refusal.Remedy.Command
		}
		err = last
	}
	return place, made, err
}

// LastBackupError is the error of a last backup that could not be taken.
type LastBackupError struct {
	Err error
	// First is the command, as arguments of etcdctr, without which none can be taken, such
	// as that for a quorum that is lost; nil where it is enough to start the members.
	First []string
}

func (e *LastBackupError) Error() string {
	return fmt.Sprintf("nothing was deleted: no last backup could be taken: %v", e.Err)
}

func (e *LastBackupError) Unwrap() error { return e.Err }
