package backup

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"time"

	"github.com/coreos/go-semver/semver"
	"go.etcd.io/bbolt"
	etcdversion "go.etcd.io/etcd/api/v3/version"
)

// Contents are what a database says of itself.
type Contents struct {
	// Revision is the newest.
	Revision int64
	// StorageVersion is such as "3.6.0"; empty for data of etcd 3.5, and for that
	// of a cluster some seconds old.
	StorageVersion string
	// ClusterVersion is what the members had agreed on; empty before they had.
	ClusterVersion string
	// Applied is the last raft entry that is in it, zero in a snapshot of some
	// releases.
	Applied uint64
	// Size is what etcd counts of it, in bytes: a file may have room for more.
	Size int64
	// Users tells that etcd's users are on: it answers nobody who is none of them.
	Users bool
	// Leases tells that there are some: their time counts from the beginning where the data
	// is restored.
	Leases bool
	// Revisions is how many are kept, deletions included; only thorough counts.
	Revisions int64
}

// openWait is how long a database may be in somebody's hands.
const openWait = 2 * time.Second

// inspect reads some pages of a database, which may have a checksum behind it.
func inspect(path string) (Contents, error) {
	var c Contents
	err := view(path, func(tx *bbolt.Tx) error {
		c.Size = tx.Size()
		return c.read(bolt{tx})
	})
	return c, err
}

// inspectAll reads the whole database, and checks that each page is where it
// belongs.
func inspectAll(path string) (Contents, error) {
	var c Contents
	err := view(path, func(tx *bbolt.Tx) error {
		c.Size = tx.Size()
		if err := c.read(bolt{tx}); err != nil {
			return err
		}
		// bbolt's own check crashes the program, from another goroutine, on pages
		// that are not what they are taken for: they are all visited before.
		if err := tx.ForEach(func(_ []byte, b *bbolt.Bucket) error {
			return b.ForEach(func(_, _ []byte) error { return nil })
		}); err != nil {
			return err
		}
		var wrong error
		for err := range tx.Check() {
			if wrong == nil {
				wrong = fmt.Errorf("%w: %w", ErrDamaged, err)
			}
		}
		if wrong != nil {
			return wrong
		}
		return tx.Bucket([]byte("key")).ForEach(func(_, _ []byte) error { c.Revisions++; return nil })
	})
	return c, err
}

// view opens a database of which any byte may be wrong.
func view(path string, look func(*bbolt.Tx) error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true)) // it maps the file, whatever its pages point to
	defer func() {
		if r := recover(); r != nil { // and trusts them
			err = fmt.Errorf("%w: %v", ErrDamaged, r)
		}
	}()
	db, err := bbolt.Open(path, 0o400, &bbolt.Options{ReadOnly: true, Timeout: openWait})
	if err != nil {
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, os.ErrPermission) {
			return err
		}
		return fmt.Errorf("cannot open the database: %w", err)
	}
	defer db.Close()
	return db.View(look)
}

// Reader is the oldest release of etcd that reads the data, by its minor: an
// older one refuses it, or, which is worse, takes it and misreads it.
func (c Contents) Reader() int {
	for _, text := range []string{c.StorageVersion, c.ClusterVersion} {
		if v, err := semver.NewVersion(text); err == nil && v.Major == 3 && text != etcdversion.MinClusterVersion {
			return int(v.Minor)
		}
	}
	return oldest
}

// newborn tells that nothing says which release wrote the data: the members had
// not agreed on anything yet, or on nothing but what a leader gives the cluster that has
// not heard all of them (etcdserver, monitorClusterVersions).
func (c Contents) newborn() bool {
	return c.StorageVersion == "" && (c.ClusterVersion == "" || c.ClusterVersion == etcdversion.MinClusterVersion)
}

// oldest is the minor of the first release that notes a version of its data: what
// has none is of this one or an older one, and each later one reads it.
const oldest = 5

// content is an open database, as far as it tells what it holds.
type content interface {
	has(bucket string) (bool, error)
	get(bucket, key string) ([]byte, error) // nil without
	last(bucket string) ([]byte, error)     // key
}

// read reads what etcd notes in the buckets key, meta, auth, lease and cluster
// (server/storage/schema, the same from 3.5 to 3.7).
func (c *Contents) read(from content) error {
	for _, name := range []string{"key", "meta"} {
		if ok, err := from.has(name); err != nil || !ok {
			return errors.Join(fmt.Errorf("%w: the database is not etcd's", ErrDamaged), err)
		}
	}
	var errs []error
	get := func(value []byte, err error) []byte { errs = append(errs, err); return value }
	c.Revision = 1
	for _, revision := range [][]byte{
		get(from.last("key")), get(from.get("meta", "finishedCompactRev")), get(from.get("meta", "scheduledCompactRev")),
	} {
		if len(revision) >= 8 {
			c.Revision = max(c.Revision, int64(binary.BigEndian.Uint64(revision)))
		}
	}
	c.StorageVersion = string(get(from.get("meta", "storageVersion")))
	c.ClusterVersion = string(get(from.get("cluster", "clusterVersion")))
	c.Users = bytes.Equal(get(from.get("auth", "authEnabled")), []byte{1})
	c.Leases = len(get(from.last("lease"))) > 0
	if index := get(from.get("meta", "consistent_index")); len(index) == 8 {
		c.Applied = binary.BigEndian.Uint64(index)
	}
	return errors.Join(errs...)
}

// bolt is a database that bbolt has opened.
type bolt struct{ tx *bbolt.Tx }

func (b bolt) has(bucket string) (bool, error) { return b.tx.Bucket([]byte(bucket)) != nil, nil }

func (b bolt) get(bucket, key string) ([]byte, error) {
	if in := b.tx.Bucket([]byte(bucket)); in != nil {
		return in.Get([]byte(key)), nil
	}
	return nil, nil
}

func (b bolt) last(bucket string) ([]byte, error) {
	in := b.tx.Bucket([]byte(bucket))
	if in == nil {
		return nil, nil
	}
	key, _ := in.Cursor().Last()
	return key, nil
}
