package etcdctr

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/etcdctr/etcdctr/backup"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/converge"
	"github.com/etcdctr/etcdctr/runtime"
)

// This file is about data that a change deletes.

// OtherFolderError is the error of changing a cluster that was started in another folder,
// and that nobody has named here but a file: who has a copy of that, or none, means the one
// of the own folder.
type OtherFolderError struct {
	Name, Folder string
	// Kept tells that the change would have kept the data.
	Kept bool
}

func (e *OtherFolderError) Error() string {
	if e.Kept {
		return fmt.Sprintf("%s was started in %s: it is not changed from another folder", e.Name, e.Folder)
	}
	return fmt.Sprintf("%s was started in %s: its data is not deleted, or replaced, from another folder", e.Name, e.Folder)
}

// UnknownFolderError is the error of going on from data of which nothing tells where it is
// from, in a folder that has no certificates yet: those of its clients are elsewhere.
type UnknownFolderError struct {
	Name string
	Data []string // the volumes and folders
}

func (e *UnknownFolderError) Error() string {
	return fmt.Sprintf("there is data of %s from before (%s), and no certificates of it are in this folder: it may be another folder's", e.Name, strings.Join(e.Data, ", "))
}

// CheckHere refuses to delete or replace the data of a cluster that was not started here,
// unless it was named by a flag or by the program. Its error is an *OtherFolderError, or
// an *UnknownFolderError.
func (c *Cluster) CheckHere(have *runtime.State) error {
	switch {
	case c.spec.NameIsSaid() || have.StartedIn(c.o.Folder):
		return nil
	case have != nil && have.Folder != "":
		return &OtherFolderError{Name: have.Name, Folder: have.Folder}
	}
	return c.checkKnown(have)
}

// checkMeant refuses a change of a cluster that another folder has started, of this machine:
// one that has been moved is not there any more, and one of another machine is not known.
func (c *Cluster) checkMeant(change Change) error {
	if change.Verb == converge.Up && (c.have == nil || len(c.have.Servers) == 0) {
		if err := c.procfile(); err != nil {
			return err
		}
	}
	switch {
	case change.Data:
		return c.CheckHere(c.have)
	case c.spec.NameIsSaid() || c.spec.Adopts != "" || change.Verb == converge.Start || c.have.StartedIn(c.o.Folder):
		return nil
	case c.have.StartedElsewhere(c.o.Folder) && !sameFolder(c.have.CertsDir, c.spec.CertsDir):
		return &OtherFolderError{Name: c.have.Name, Folder: c.have.Folder, Kept: true}
	case change.Verb == converge.Up:
		return c.checkKnown(c.have)
	}
	return nil
}

// checkKnown refuses data on which members are to start with certificates that nobody has yet.
func (c *Cluster) checkKnown(have *runtime.State) error {
	if have == nil || have.Runs() || len(have.Losses()) == 0 || c.o.Provided || c.spec.TLSMode() != cluster.Mutual || isFolder(c.CertsDir()) {
		return nil
	}
	return &UnknownFolderError{have.Name, have.Losses()}
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
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
