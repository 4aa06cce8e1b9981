package etcdctr

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/etcdctr/etcdctr/backup"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/internal/scratch"
	"github.com/etcdctr/etcdctr/member"
	"github.com/etcdctr/etcdctr/runtime"
)

// This file rebuilds a cluster that has lost its quorum.

// ErrQuorum is the error of recovering a cluster that needs none of it.
var ErrQuorum = errors.New("it has a quorum: members that are away are replaced from the others, and nothing has to be recovered")

// ErrUnreached is the error of recovering a cluster whose members may serve others.
var ErrUnreached = errors.New("most of its members run and none of them answers here, so that they may well serve others: nothing was touched")

// EarlierError is the error of recovering a cluster whose earlier backups can't be looked at:
// they may know more than its members.
type EarlierError struct{ Err error }

func (e *EarlierError) Error() string { return e.Err.Error() }

func (e *EarlierError) Unwrap() error { return e.Err }

// RecoverOptions are what a recovery leaves to be chosen.
type RecoverOptions struct {
	RestoreOptions
	// Output is where the survivor's data is kept before anything is touched, as
	// for Backup, once Consent is given.
	Output string
	// Backups is a store of earlier backups, which are used where they know more
	// than the survivors; empty looks for none.
	Backups string
	// Program carries out the log of a member whose own etcd can't be had.
	Program backup.Program
	// Found is told what is the newest among the members, and what the newest backup
	// holds, if there is one; may be nil.
	Found func(survivor, newest backup.Metadata)
}

// Recover rebuilds a cluster of which so many members are gone that no quorum is
// left, of what the member holds that knows most, stopped or running.
//
// One that runs gives its data first, as restarted without a quorum it would give
// none. That lacks what the member had not learned to be committed, and what may
// have been acknowledged all the same; so all are stopped then, the logs of those
// that have data are compared, and the one that raft would prefer is carried out to
// its end. All members are made anew of the better of these and of the newest
// backup. What each had is set aside; nothing is lost that was acknowledged and
// still exists.
func (c *Cluster) Recover(ctx context.Context, o RecoverOptions) (restored backup.Restored, err error) {
	r := recovery{Cluster: c, o: o, held: noTurn}
	defer func() { err = errors.Join(err, r.held()) }()
	if err := r.look(ctx); err != nil {
		return backup.Restored{}, err
	}
	if err := backup.TryFill(ctx, r.runtime, r.want); err != nil {
		return backup.Restored{}, err
	}
	best, err := r.choose(ctx)
	if err != nil {
		return backup.Restored{}, err
	}
	o.At, o.source, o.seen, o.held = best.at, best.source, best.Revision, r.held
	o.Consent = func(context.Context, backup.There) error { return nil } // it was asked for before anybody was stopped
	restored, err = c.Restore(ctx, best.archive, o.RestoreOptions)
	if err != nil && len(restored.Aside) == 0 {
		err = errors.Join(err, r.leaveAsTheyWere(context.WithoutCancel(ctx)))
	}
	return restored, err
}

// recovery is a recovery under way.
type recovery struct {
	*Cluster
	o       RecoverOptions
	runtime backup.Runtime
	want    *cluster.Cluster
	have    *runtime.State
	view    member.View
	listed  *backup.Listing // what Backups had before anything was kept
	held    func() error    // lets go of the turn that was taken; see takeTurn
}

// origin is what a cluster may be rebuilt of.
type origin struct {
	archive string // empty for nothing
	at      backup.Moment
	source  *backup.Source // what leads there; nil for what the archive holds
	backup.Metadata
}

// look finds out who is left, and refuses where others may depend on them, and one of another
// folder: nothing of it would be replaced once its members are stopped.
func (r *recovery) look(ctx context.Context) (err error) {
	if err := r.CheckHere(r.Cluster.have); err != nil {
		return err
	}
	var unfillable error
	r.runtime, unfillable = r.fillable(r.o.Into)
	if r.want, err = r.Want(ctx); err != nil {
		return err
	}
	if r.o.Into == nil {
		if _, err := r.users(r.want.Auth); err != nil {
			return err
		}
	}
	if r.have, err = r.Observe(ctx); err != nil {
		return err
	}
	switch refusal, err := r.UnfinishedRestore(ctx, r.have); {
	case err != nil:
		return err
	case refusal != nil: // what the members have is of two clusters
		return refusal
	}
	if len(running(r.have)) > 0 {
		err = r.WithMembers(ctx, func(members *member.Client) (err error) { r.view, err = members.Look(ctx); return err })
	}
	switch {
	case err != nil:
		return err
	case r.view.Quorum():
		return fmt.Errorf("%s: %w", r.have.Name, ErrQuorum)
	case len(backup.Survivors(r.view)) == 0 && len(running(r.have)) > len(electorate(r.want, r.have))/2:
		return fmt.Errorf("%s: %w", r.have.Name, ErrUnreached)
	case unfillable != nil:
		return r.unfillable(unfillable)
	}
	return r.canKeep()
}

// unfillable says what is done by hand where nothing can be done from here.
func (r *recovery) unfillable(err error) error {
	if b, is := r.handFilled(r.want, r.o.RestoreOptions); is {
		return b.recover(len(backup.Survivors(r.view)) > 0)
	}
	return err
}

// canKeep looks whether there is a place for what will be kept, before anybody stops.
func (r *recovery) canKeep() error {
	_, _, live := r.request(r.o.Output, backup.Request{})
	_, _, stopped := r.request(beside(r.o.Output), backup.Request{})
	return cmp.Or(live, stopped)
}

// choose keeps what there is, and gives what knows the most. Nothing is made before
// the consent is given.
func (r *recovery) choose(ctx context.Context) (origin, error) {
	e, err := r.known(ctx)
	if err != nil {
		return origin{}, err
	}
	if err := r.consent(ctx, e.best(), e.holders); err != nil {
		return origin{}, err
	}
	if e, err = r.takeTurn(ctx); err != nil {
		return origin{}, err
	}
	answers, earlier, holders := e.answers, e.earlier, e.holders
	room, remove, err := scratch.Make(r.o.Scratch, "etcdctr-recover")
	if err != nil {
		return origin{}, fmt.Errorf("cannot make a folder for the members' data: %w", err)
	}
	defer remove()
	var live origin
	if answers.From != "" {
		if live.archive, live.Metadata, err = r.Backup(ctx, r.o.Output, backup.Request{Seal: inClear}); err != nil {
			return live, err
		}
		r.kept(live, "gave while it ran")
	}
	stopped, err := r.stopped(ctx, holders, room)
	if err != nil {
		if live.archive == "" && earlier.archive == "" || ctx.Err() != nil || backup.NoRoom(err) {
			return live, errors.Join(err, r.wake(context.WithoutCancel(ctx)))
		}
		r.voice().Warnf("of what members hold on disk nothing can be used: %v", err)
	}
	if stopped.ClusterID != "" && live.ClusterID == "" { // whose backups count is known only now
		if earlier, err = r.earlier(ctx, stopped.Metadata); err != nil {
			return live, errors.Join(err, r.wake(context.WithoutCancel(ctx)))
		}
	}
	survivor := newer(stopped, live)
	if r.o.Found != nil {
		r.o.Found(survivor.Metadata, earlier.Metadata)
	}
	best := newer(survivor, earlier)
	r.made(best, stopped, live)
	return best, nil
}

// known is what is known before anybody is stopped.
type known struct {
	answers backup.Metadata // what the best of those says that answer
	earlier origin          // the newest backup
	holders []backup.Holder
}

// known looks for what there is to rebuild the cluster of.
func (r *recovery) known(ctx context.Context) (k known, err error) {
	k.answers, r.listed = r.answers(), nil
	if k.earlier, err = r.earlier(ctx, k.answers); err != nil {
		return k, err
	}
	if k.holders, err = r.holders(ctx); err != nil {
		return k, err
	}
	if k.answers.From == "" && k.earlier.archive == "" && len(k.holders) == 0 {
		err = fmt.Errorf("%s: %w: no member has any", r.have.Name, backup.ErrNobody)
	}
	return k, err
}

// best is what knows most of it.
func (k known) best() backup.Metadata {
	if k.earlier.Revision > k.answers.Revision {
		return k.earlier.Metadata
	}
	return k.answers
}

// answers is what the member says of its data that knows most of those that answer.
func (r *recovery) answers() backup.Metadata {
	all := backup.Survivors(r.view)
	if len(all) == 0 {
		return backup.Metadata{}
	}
	e := all[0]
	return backup.Metadata{Cluster: r.have.Name, From: e.Name, Revision: e.Revision, ClusterID: e.Cluster.String()}
}

// kept tells where what a member holds is kept, and which of two it is.
func (r *recovery) kept(o origin, how string) {
	r.voice().Warnf("what %s %s is kept in %s: revision %d", o.From, how, o.archive, o.Revision)
}

// made tells of which archive the members are made, and which are not needed for it.
func (r *recovery) made(of origin, others ...origin) {
	text := fmt.Sprintf("the members are made anew of %s, which knows most", of.archive)
	for _, o := range others {
		if o.archive != "" && o.archive != of.archive {
			text += fmt.Sprintf("; %s is kept besides, and can be deleted once they serve", o.archive)
		}
	}
	r.voice().Warnf("%s", text)
}

// newer is the one that knows more, and the first of two that know the same.
func newer(a, b origin) origin {
	if a.archive == "" || b.archive != "" && b.Revision > a.Revision {
		return b
	}
	return a
}

func (r *recovery) voice() backup.Voice {
	return backup.Voice{Tell: r.o.Tell, Detail: r.o.Detail, Warn: r.o.Warn}
}

// holders are the members that have data, running or not.
func (r *recovery) holders(ctx context.Context) ([]backup.Holder, error) {
	var all []backup.Holder
	for _, s := range r.have.Members() {
		data, err := r.runtime.Data(ctx, r.have.Name, s.Name)
		if err != nil {
			return nil, err
		}
		if data == runtime.None || data == runtime.Volatile {
			continue
		}
		all = append(all, backup.Holder{Name: s.Name, Files: func(ctx context.Context) (io.ReadCloser, error) {
			return r.runtime.Files(ctx, r.have.Name, s.Name)
		}})
	}
	return all, nil
}

// stopped stops all members, and keeps what the one holds on disk that knows most: room is
// a folder for copies.
func (r *recovery) stopped(ctx context.Context, holders []backup.Holder, room string) (origin, error) {
	if len(holders) == 0 {
		return origin{}, nil
	}
	r.voice().Tellf("see that nobody of %s runs", r.have.Name) // one that fails is started again and again
	if err := runtime.StopAll(ctx, r.runtime, r.have.Name); err != nil {
		return origin{}, err
	}
	best, err := backup.CopyNewest(ctx, holders, room, func(what string) { r.voice().Detailf("%s", what) })
	if err == nil && best.Name == "" {
		err = best.Unread
	}
	if err != nil {
		return origin{}, err
	}
	if best.Unread != nil {
		r.voice().Warnf("passed over: %v", best.Unread)
	}
	programs, err := r.programs(ctx, best.Name, room)
	if err != nil {
		return origin{}, err
	}
	request, path, err := r.request(beside(r.o.Output), backup.Request{Member: best.Name, Seal: inClear})
	if err != nil {
		return origin{}, err
	}
	r.voice().Tellf("carry out the log of %s", best.Name)
	made, err := backup.TakeFolderBy(ctx, best.Dir, path, programs, request)
	if err != nil {
		return origin{}, fmt.Errorf("%s: %w", best.Name, err)
	}
	kept := origin{archive: path, Metadata: made}
	r.kept(kept, "holds on disk, with its log carried out,")
	return kept, nil
}

// inClear has what a cluster is rebuilt of not be encrypted, whatever its description
// says of backups: nobody may have at hand what opens it.
var inClear = &backup.Seal{}

// beside is a second name for an archive; a folder has room for several.
func beside(output string) string {
	if info, err := os.Stat(output); err == nil && info.IsDir() {
		return output
	}
	return strings.TrimSuffix(output, backup.Extension) + "-disk" + backup.Extension
}

// programs are those that may carry out the log of a member.
func (r *recovery) programs(ctx context.Context, name, scratch string) ([]backup.Program, error) {
	own, err := r.runtime.Etcd(ctx, r.want, name, scratch)
	if err != nil {
		return nil, err
	}
	var all []backup.Program
	if own != "" {
		all = append(all, backup.Program{Path: own})
	}
	if r.o.Program.Path != "" && filepath.Clean(r.o.Program.Path) != own {
		all = append(all, r.o.Program)
	}
	return all, nil
}

// earlier is the last that the backups of this very cluster know of it: revisions of
// another cluster of the same name say nothing. Where nobody says which cluster it
// is, the newest are those that are meant. What is kept here is no earlier one, so the place
// is looked at before: times don't tell that, where a clock was set back meanwhile.
func (r *recovery) earlier(ctx context.Context, survivor backup.Metadata) (origin, error) {
	if r.o.Backups == "" {
		return origin{}, nil
	}
	if r.listed == nil {
		if err := r.list(ctx); err != nil {
			return origin{}, &EarlierError{err}
		}
	}
	of := *r.listed
	if survivor.ClusterID != "" {
		of.Backups = slices.DeleteFunc(slices.Clone(of.Backups), func(f backup.Found) bool { return f.Metadata.ClusterID != survivor.ClusterID })
	}
	found, err := of.Find(ctx, r.have.Name, backup.Moment{})
	if errors.Is(err, backup.ErrUnknownMoment) {
		return origin{}, nil
	}
	if err != nil {
		return origin{}, &EarlierError{err}
	}
	m := found.Backup.Metadata
	m.Revision, m.Time = found.Revision, found.Known
	return origin{found.Backup.Path, backup.Moment{Revision: found.Revision}, &found, m}, nil
}

// list looks at the earlier backups.
func (r *recovery) list(ctx context.Context) error {
	s, err := backup.OpenStore(r.o.Backups)
	if err != nil {
		return err
	}
	listed, err := backup.ListAll(ctx, backup.Unlocked(s, r.o.Secret))
	r.listed = &listed
	return err
}
