package etcdctr

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/etcdctr/etcdctr/backup"
	"github.com/etcdctr/etcdctr/certs"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/internal/scratch"
	"github.com/etcdctr/etcdctr/internal/shellword"
	"github.com/etcdctr/etcdctr/member"
	"github.com/etcdctr/etcdctr/runtime"
)

// This file keeps what a cluster holds, and brings it back.

// Backup keeps what the cluster holds in an archive, at path, in the folder path or in
// the bucket s3://BUCKET/PREFIX, and gives where. What the request does not say of the
// cluster is filled in.
func (c *Cluster) Backup(ctx context.Context, path string, r backup.Request) (string, backup.Metadata, error) {
	if inBucket(path) {
		s, err := bucketFor(path)
		if err != nil {
			return "", backup.Metadata{}, err
		}
		return c.BackupInto(ctx, s, r)
	}
	r, path, err := c.request(path, r)
	if err != nil {
		return "", backup.Metadata{}, err
	}
	var made backup.Metadata
	err = c.WithMembers(ctx, func(members *member.Client) (err error) {
		made, err = backup.Take(ctx, members, path, r)
		return err
	})
	return path, made, err
}

// BackupFolder is Backup of a stopped member's data folder.
func (c *Cluster) BackupFolder(ctx context.Context, dir, path string, p backup.Program, r backup.Request) (string, backup.Metadata, error) {
	r, path, err := c.request(path, r)
	if err != nil {
		return "", backup.Metadata{}, err
	}
	made, err := backup.TakeFolder(ctx, dir, path, p, r)
	return path, made, err
}

// BackupInto is Backup into a store, under a name of its own.
func (c *Cluster) BackupInto(ctx context.Context, s backup.Store, r backup.Request) (string, backup.Metadata, error) {
	r, err := c.describe(r)
	if err != nil {
		return "", backup.Metadata{}, err
	}
	var place string
	var made backup.Metadata
	err = c.WithMembers(ctx, func(members *member.Client) (err error) {
		place, made, err = backup.TakeInto(ctx, members, s, r)
		return err
	})
	return place, made, err
}

// ErrNoDestination is the error of a cluster whose Spec says nothing of backups.
var ErrNoDestination = errors.New("its cluster file has no backup.destination")

// OtherBackupsError is the ErrNoDestination of a cluster whose file describes the backups
// of another one: a flag has given it its name.
type OtherBackupsError struct{ Name, Of string }

func (e *OtherBackupsError) Error() string {
	return fmt.Sprintf("%s takes no backups: those of the cluster file are the ones of %s", e.Name, e.Of)
}

// Is tells that it is an ErrNoDestination.
func (e *OtherBackupsError) Is(target error) bool { return target == ErrNoDestination }

// noDestination is the error of a cluster that is not backed up.
func (c *Cluster) noDestination() error {
	if of := c.spec.BackupsOf(); of != "" {
		return &OtherBackupsError{c.spec.ClusterName(), of}
	}
	return fmt.Errorf("%s: %w", c.spec.ClusterName(), ErrNoDestination)
}

// Runner is what backs the cluster up as its Spec says. Tell, Fail and MetricsFile
// are left to be said.
func (c *Cluster) Runner(ctx context.Context) (*backup.Runner, error) {
	want, err := c.Want(ctx)
	if err != nil {
		return nil, err
	}
	if want.Backup == nil {
		return nil, c.noDestination()
	}
	r := &backup.Runner{Next: want.Backup.Next, Keep: backup.Keep(want.Backup.Keep), Continuous: want.Backup.Continuous, Now: c.o.Now}
	if r.Store, err = backup.OpenStore(want.Backup.Destination); err != nil {
		return nil, err
	}
	if r.Request, err = c.describe(backup.Request{Stored: want.Backup.Stored}); err != nil {
		return nil, err
	}
	r.Ask = func(ctx context.Context) (*member.Client, func() error, error) {
		have, err := c.Observe(ctx)
		if err != nil {
			return nil, nil, err
		}
		return c.askMembers(ctx, have)
	}
	return r, nil
}

// CheckBackups compares the backups that the Spec asks for with what there is, and
// with what the cluster holds: see backup.Check. Of a Spec without any it is nil.
func (c *Cluster) CheckBackups(ctx context.Context) error {
	if c.spec.Backup.Destination == "" {
		return nil
	}
	want, err := c.Want(ctx)
	if err != nil {
		return err
	}
	s, err := backup.OpenStore(want.Backup.Destination)
	if err != nil {
		return err
	}
	return c.WithMembers(ctx, func(members *member.Client) error {
		v, err := members.Look(ctx)
		if err != nil || !v.Quorum() {
			return err // what is there instead, others tell
		}
		revision, id := backup.Known(v)
		err = backup.Check(ctx, s, want.Name, id, revision, want.Backup.Next, c.o.Now())
		if late := (*backup.LateError)(nil); errors.As(err, &late) {
			late.Service = want.Backup.Service
		}
		return err
	})
}

// inBucket tells a place in a bucket from a path of this machine.
func inBucket(place string) bool { return cluster.NamesService(place) }

// bucketFor opens a bucket for a backup, which gets a name of its own there.
func bucketFor(place string) (backup.Store, error) {
	if strings.HasSuffix(place, backup.Extension) {
		return nil, &InputError{fmt.Errorf("%s names a file, and in a bucket each backup gets a name of its own: name s3://BUCKET/PREFIX", place)}
	}
	s, err := backup.OpenStore(place)
	if err != nil {
		return nil, &InputError{err}
	}
	return s, nil
}

func (c *Cluster) request(path string, r backup.Request) (backup.Request, string, error) {
	if inBucket(path) {
		return r, "", &InputError{fmt.Errorf("%s: what is copied from a member's disk is kept on this machine: name a file or a folder", path)}
	}
	r, err := c.describe(r)
	if err != nil {
		return r, "", err
	}
	path, err = r.Destination(path)
	return r, path, err
}

// describe fills in what a request says of the cluster.
func (c *Cluster) describe(r backup.Request) (backup.Request, error) {
	r.Cluster, r.ClusterFile = c.spec.ClusterName(), c.spec.Text()
	if r.Time.IsZero() {
		r.Time = c.o.Now()
	}
	if r.Seal == nil {
		r.Seal = backup.SealFor(c.spec.Backup.Recipients())
	}
	if r.Keys != nil && r.Keys.Dir == "" {
		keys := *r.Keys
		keys.Dir = c.CertsDir()
		r.Keys = &keys
	}
	var err error
	r.Authorities, err = publicAuthorities(c.CertsDir())
	return r, err
}

// publicAuthorities are the certificates of a cluster's authorities, by kind.
func publicAuthorities(certsDir string) (map[string][]byte, error) {
	kinds, err := os.ReadDir(filepath.Join(certsDir, "ca"))
	if err != nil {
		return nil, nil //nolint:nilerr // there are none
	}
	all := map[string][]byte{}
	for _, kind := range kinds {
		data, err := os.ReadFile(filepath.Join(certsDir, "ca", kind.Name(), certs.CertFile))
		switch {
		case errors.Is(err, os.ErrNotExist):
		case err != nil:
			return nil, fmt.Errorf("cannot read an authority's certificate: %w", err)
		default:
			all[kind.Name()] = data
		}
	}
	return all, nil
}

// WithMembers lends a client that asks and changes the members that run.
func (c *Cluster) WithMembers(ctx context.Context, do func(*member.Client) error) error {
	way, err := c.Connect(ctx)
	if err != nil {
		return err
	}
	members, err := way.Members(member.Config{})
	if err != nil {
		return errors.Join(err, way.Close())
	}
	return errors.Join(do(members), members.Close(), way.Close())
}

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

	seen int64 // the newest revision that the members know; 0 has them asked
	plan bool  // nothing is brought back
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
	r, err := c.fillable(o.Into)
	if err != nil {
		return err
	}
	want, err := c.Want(ctx)
	if err != nil {
		return err
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
	}
	restoration.Seen, restoration.Asked = o.seen, o.seen > 0
	if err := c.consult(ctx, place, o, restoration); err != nil {
		return err
	}
	if restoration.Source != nil {
		place = restoration.Source.Backup.Path
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
	leads := isStore(place) || o.At != (backup.Moment{})
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
	if isStore(place) {
		return backup.OpenStore(place)
	}
	s, _, err := backup.StoreOf(place)
	return s, err
}

// isStore tells a place with archives from an archive.
func isStore(place string) bool {
	info, err := os.Stat(place)
	return err == nil && info.IsDir() || inBucket(place) && !strings.HasSuffix(place, backup.Extension)
}

// RevisionBefore is the newest revision that the cluster whose members these are had by a
// time, as far as the backups tell that the Spec asks for, and when it had it. etcd itself
// does not know when a revision was.
func (c *Cluster) RevisionBefore(ctx context.Context, members *member.Client, at time.Time) (int64, time.Time, error) {
	want, err := c.Want(ctx)
	if err != nil {
		return 0, time.Time{}, err
	}
	if want.Backup == nil {
		return 0, time.Time{}, fmt.Errorf("etcd does not tell when a revision was, and the backups would: %w", c.noDestination())
	}
	view, err := members.Look(ctx)
	if err != nil {
		return 0, time.Time{}, err
	}
	s, err := backup.OpenStore(want.Backup.Destination)
	if err != nil {
		return 0, time.Time{}, err
	}
	known, err := backup.ListAll(ctx, s)
	if err != nil {
		return 0, time.Time{}, err
	}
	return known.Before(view.Cluster().String(), at)
}

// askMembers gives a client for the members that run, and what ends it.
func (c *Cluster) askMembers(ctx context.Context, have *runtime.State) (*member.Client, func() error, error) {
	way, err := c.connect(ctx, have)
	if err != nil {
		return nil, nil, err
	}
	members, err := way.Members(member.Config{})
	if err != nil {
		return nil, nil, errors.Join(err, way.Close())
	}
	return members, func() error { return errors.Join(members.Close(), way.Close()) }, nil
}

// Typed is a command of this program as somebody types it, by its arguments; empty for
// none.
func Typed(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return "etcdctr " + shellword.Line(args...)
}
