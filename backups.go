package etcdctr

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/etcdctr/etcdctr/backup"
	"github.com/etcdctr/etcdctr/certs"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/member"
	"github.com/etcdctr/etcdctr/runtime"
)

// This file keeps what a cluster holds, and brings it back.

// Backup keeps what the cluster holds in an archive, at path or in the folder
// path, and gives where. What the request does not say of the cluster is filled
// in.
func (c *Cluster) Backup(ctx context.Context, path string, r backup.Request) (string, backup.Metadata, error) {
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

func (c *Cluster) request(path string, r backup.Request) (backup.Request, string, error) {
	r.Cluster, r.ClusterFile = c.spec.ClusterName(), c.spec.Text()
	if r.Time.IsZero() {
		r.Time = c.o.Now()
	}
	if r.Keys != nil && r.Keys.Dir == "" {
		keys := *r.Keys
		keys.Dir = c.CertsDir()
		r.Keys = &keys
	}
	var err error
	if r.Authorities, err = publicAuthorities(c.CertsDir()); err != nil {
		return r, "", err
	}
	path, err = r.Destination(path)
	return r, path, err
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
	// Consent is asked before anything is touched that is there.
	Consent func(ctx context.Context, there backup.There) error
	Tell    func(action string) // may be nil
	// Into is what is filled, where that is only a part of the cluster's runtime;
	// nil stands for the whole.
	Into backup.Runtime
}

// ErrNotFillable is the error of a runtime whose servers can't be given data.
var ErrNotFillable = errors.New("data can't be put into the servers of this runtime")

// Restore makes the cluster what its Spec says, with what an archive holds: see
// backup.Restoration.
func (c *Cluster) Restore(ctx context.Context, archive string, o RestoreOptions) (backup.Restored, error) {
	r, ok := o.Into, o.Into != nil
	if !ok {
		r, ok = c.runtime.(backup.Runtime)
	}
	if !ok {
		return backup.Restored{}, fmt.Errorf("runtime %s: %w", c.runtime.Name(), ErrNotFillable)
	}
	want, err := c.Want(ctx)
	if err != nil {
		return backup.Restored{}, err
	}
	restoration := &backup.Restoration{
		Runtime: r, Want: want, Bump: o.Bump, Scratch: o.Scratch, Consent: o.Consent, Tell: o.Tell, Ask: c.askMembers,
		Provide: func(ctx context.Context, want *cluster.Cluster) error { return c.Provide(ctx, want) },
	}
	return restoration.Do(ctx, archive)
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

// UndoRestore brings back what the last restoration has set aside, and starts
// nothing: see backup.Undo.
func (c *Cluster) UndoRestore(ctx context.Context) (map[string]string, error) {
	r, ok := c.runtime.(backup.Runtime)
	if !ok {
		return nil, fmt.Errorf("runtime %s: %w", c.runtime.Name(), ErrNotFillable)
	}
	return backup.Undo(ctx, r, c.spec.ClusterName())
}
