package etcdctr

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/etcdctr/etcdctr/backup"
	"github.com/etcdctr/etcdctr/certs"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/member"
	"github.com/etcdctr/etcdctr/runtime"
)

// This file keeps what a cluster holds.

// Backup keeps what the cluster holds in an archive, at path, in the folder path or in
// the bucket s3://BUCKET/PREFIX, and gives where. What the request does not say of the
// cluster is filled in. An empty path is BackupsAt, or else the current folder: there a
// cluster that knows less than it did gets none, as the newest is what is brought back, and
// the error is a *backup.BehindError.
func (c *Cluster) Backup(ctx context.Context, path string, r backup.Request) (string, backup.Metadata, error) {
	path, made, err := c.backup(ctx, path, r)
	if err == nil {
		c.Notice(ctx)
	}
	return path, made, err
}

func (c *Cluster) backup(ctx context.Context, path string, r backup.Request) (string, backup.Metadata, error) {
	switch at := c.BackupsAt(); {
	case path == "" && at == "":
		path = "."
	case path == "":
		return c.backupAmong(ctx, at, r)
	}
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

// backupAmong is Backup into the destination of the Spec, which is made with the first.
func (c *Cluster) backupAmong(ctx context.Context, destination string, r backup.Request) (string, backup.Metadata, error) {
	if err := c.CheckBackups(ctx); errors.As(err, new(*backup.BehindError)) {
		return "", backup.Metadata{}, err
	}
	s, err := backup.OpenStore(destination)
	if err != nil {
		return "", backup.Metadata{}, err
	}
	return c.BackupInto(ctx, s, r)
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

// BackupsAt is where the backups of the cluster are: the destination of its Spec; empty
// where that names none, or a folder of another machine, in which its service takes them.
func (c *Cluster) BackupsAt() string {
	at := c.spec.Backup.Destination
	if !inBucket(at) && c.have != nil && backupHost(c.have) != "" {
		return ""
	}
	return at
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

// FarBackupsError is the error of backups in a folder of another machine, which only the
// service that takes them sees.
type FarBackupsError struct{ Folder, Host string }

func (e *FarBackupsError) Error() string {
	return fmt.Sprintf("the backups are in %s on %s, and nobody sees from here whether they are late: `etcdctr logs backup` says what the service does", e.Folder, e.Host)
}

// far is a *FarBackupsError where the service that takes the backups runs on another machine,
// whose folder they are in.
func far(b *cluster.Backup, have *runtime.State) error {
	if host := backupHost(have); b.Service && b.InFolder() && host != "" {
		return &FarBackupsError{Folder: b.Destination, Host: host}
	}
	return nil
}

// backupHost is the machine of the service that takes the backups; empty for this one, and
// without such a service.
func backupHost(have *runtime.State) string {
	for _, s := range have.Servers {
		if s.Name == cluster.BackupName && s.Role == runtime.Service {
			return s.Host
		}
	}
	return ""
}

// CheckBackups compares the backups that the Spec asks for with what there is, and
// with what the cluster holds: see backup.Check. Those that can't be seen from here are a
// *FarBackupsError. Of a Spec without any it is nil.
func (c *Cluster) CheckBackups(ctx context.Context) error {
	if c.spec.Backup.Destination == "" {
		return nil
	}
	want, err := c.Want(ctx)
	if err != nil {
		return err
	}
	have, err := c.Observe(ctx)
	if err != nil {
		return err
	}
	if err := far(want.Backup, have); err != nil {
		return err
	}
	s, err := backup.OpenStore(want.Backup.Destination)
	if err != nil {
		return err
	}
	return c.WithMembers(ctx, func(members *member.Client) error {
		err := backup.Check(ctx, s, want.Name, members.Look, want.Backup.Next, c.o.Now())
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
