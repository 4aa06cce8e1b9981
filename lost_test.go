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

// Of a cluster that has lost its data its backups tell, and without any that it has
// served. One that holds all that it did has lost nothing, and neither has one whose
// first backup is late.
func TestWhatAClusterHasLostItsBackupsTell(t *testing.T) {
	for what, kept := range map[string]bool{"with backups": true, "without any": false} {
		t.Run(what, func(t *testing.T) {
			r := remember(t)
			if kept {
				r.backups = filepath.Join(r.folder, "backups")
			}
			r.up()
			if err := r.find().Lost(t.Context()); err != nil {
				t.Errorf("a new cluster has lost something: %v", err)
			}
			if kept {
				r.keep()
				if err := r.find().Lost(t.Context()); err != nil {
					t.Errorf("a cluster that was kept has lost something: %v", err)
				}
			}
			r.make(etcdctr.Change{Verb: converge.Stop})
			if err := os.RemoveAll(filepath.Join(r.folder, ".etcdctr", "orders")); err != nil {
				t.Fatal(err)
			}
			c := r.find()
			if _, err := c.Up(t.Context(), etcdctr.UpOptions{}); err != nil {
				t.Fatal(err)
			}
			err := c.Lost(t.Context())
			lost, emptied := (*etcdctr.LostError)(nil), (*etcdctr.EmptiedError)(nil)
			if kept && (!errors.As(err, &lost) || lost.Backups != r.backups || !errors.As(err, new(*backup.BehindError))) {
				t.Errorf("the error is %v, want that it holds less than its backups in %s", err, r.backups)
			}
			if !kept && !errors.As(err, &emptied) {
				t.Errorf("the error is %v, want that it has served", err)
			}
		})
	}
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
