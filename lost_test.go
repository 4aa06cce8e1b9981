//go:build unix

package etcdctr_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/backup"
	"github.com/etcdctr/etcdctr/converge"
)

// Of a cluster that has lost its data its backups tell. One that holds all that it did
// has lost nothing.
func TestWhatAClusterHasLostItsBackupsTell(t *testing.T) {
	r := remember(t)
	r.backups = filepath.Join(r.folder, "backups")
	r.up()
	r.lostNothing("a new cluster")
	r.keep()
	r.lostNothing("a cluster that was kept")
	err := r.emptied().Lost(t.Context())
	lost := (*etcdctr.LostError)(nil)
	if !errors.As(err, &lost) || lost.Backups != r.backups || !errors.As(err, new(*backup.BehindError)) {
		t.Errorf("the error is %v, want that it holds less than its backups in %s", err, r.backups)
	}
}

// Without backups it is told that a cluster has served before.
func TestWhatAClusterWithoutBackupsHasLostIsThatItServed(t *testing.T) {
	r := remember(t)
	r.up()
	r.lostNothing("a new cluster")
	if err := r.emptied().Lost(t.Context()); !errors.As(err, new(*etcdctr.EmptiedError)) {
		t.Errorf("the error is %v, want that it has served", err)
	}
}

func (r *remembered) lostNothing(who string) {
	r.Helper()
	if err := r.find().Lost(r.Context()); err != nil {
		r.Errorf("%s has lost something: %v", who, err)
	}
}

// emptied is the cluster after its data was deleted and it was started again.
func (r *remembered) emptied() *etcdctr.Cluster {
	r.Helper()
	r.make(etcdctr.Change{Verb: converge.Stop})
	if err := os.RemoveAll(filepath.Join(r.folder, ".etcdctr", "orders")); err != nil {
		r.Fatal(err)
	}
	c := r.find()
	if _, err := c.Up(r.Context(), etcdctr.UpOptions{}); err != nil {
		r.Fatal(err)
	}
	return c
}

// keep has the cluster hold something, and makes a backup where its file wants it.
func (r *remembered) keep() {
	r.Helper()
	c := r.find()
	etcd, err := c.Client(r.Context())
	if err != nil {
		r.Fatal(err)
	}
	_, err = etcd.Put(r.Context(), "greeting", "hello")
	s, errOpen := backup.OpenStore(r.backups)
	err = errors.Join(err, errOpen, etcd.Close())
	if err == nil {
		_, _, err = c.BackupInto(r.Context(), s, backup.Request{})
	}
	if err != nil {
		r.Fatal(err)
	}
}
