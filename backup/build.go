package backup

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"

	"go.etcd.io/bbolt"
	"go.etcd.io/etcd/etcdutl/v3/snapshot"
	"go.uber.org/zap"

	"github.com/etcdctr/etcdctr/runtime"
)

// A restored cluster is built of one snapshot, whatever its size, which is only
// changed in place: all members start on the same database, and differ in their
// logs. So the logs are what etcdutl's library makes of an empty database, and
// what it notes in that (who the members are, and where their logs begin) is
// taken over into the real one.

// identity is who a member is to be.
type identity struct {
	Name, PeerURL string
	Cluster       string // all members, as name=peerURL,…
	Token         string
}

// buildLog makes a member's data folder in a folder that is not there yet, with
// an empty database, as `etcdutl snapshot restore` does. It gives that database.
func buildLog(dir string, m identity) (string, error) {
	empty := dir + ".empty"
	defer os.Remove(empty)
	if err := makeEmpty(empty); err != nil {
		return "", err
	}
	return database(dir), snapshot.NewV3(zap.NewNop()).Restore(snapshot.RestoreConfig{
		SnapshotPath: empty, Name: m.Name, OutputDataDir: dir, PeerURLs: []string{m.PeerURL},
		InitialCluster: m.Cluster, InitialClusterToken: m.Token, SkipHashCheck: true,
	})
}

// The buckets of etcd's database that are written here (server/storage/schema,
// the same from 3.5 to 3.7).
var (
	keyBucket         = []byte("key")
	metaBucket        = []byte("meta")
	membershipBuckets = [][]byte{[]byte("members"), []byte("members_removed")}
)

// nothingLater is for a snapshot that is restored as it is.
func nothingLater(string) error { return nil }

// openToChange opens a database that nobody has open, for changes that need not be on disk
// before all are made.
func openToChange(path string) (*bbolt.DB, error) {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: openWait, NoSync: true, NoFreelistSync: true, FreelistType: bbolt.FreelistMapType})
	if err != nil {
		return nil, fmt.Errorf("cannot open the database: %w", err)
	}
	return db, nil
}

// makeEmpty makes the database of an etcd that was never written to.
func makeEmpty(path string) error {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: openWait, NoSync: true})
	if err != nil {
		return err
	}
	return errors.Join(db.Update(func(tx *bbolt.Tx) error {
		for _, name := range append([][]byte{keyBucket, metaBucket}, membershipBuckets...) {
			if _, err := tx.CreateBucket(name); err != nil {
				return err
			}
		}
		return nil
	}), db.Close())
}

// adopt turns a verified snapshot into the database of all members of a new
// cluster, in place: the checksum at its end goes, what happened later is added,
// the members are those in the database made, and the revision is raised and marked
// as compacted. It is not synced: it is a file to be copied.
func adopt(path, made string, later func(path string) error, to raised) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil { // bbolt trusts its pages
			err = fmt.Errorf("%w: %v", ErrDamaged, r)
		}
	}()
	info, err := os.Stat(path)
	if err == nil {
		err = os.Truncate(path, info.Size()-info.Size()%page)
	}
	if err == nil {
		err = later(path)
	}
	if err != nil {
		return err
	}
	db, err := openToChange(path)
	if err != nil {
		return err
	}
	return errors.Join(db.Update(func(tx *bbolt.Tx) error {
		return errors.Join(
			view(made, func(from *bbolt.Tx) error { return takeMembers(tx, from) }),
			raise(tx, to),
		)
	}), db.Close())
}

// takeMembers takes over what etcdutl has noted of the members and their logs.
// What is put into a database has to last until it is written.
func takeMembers(to, from *bbolt.Tx) error {
	for _, name := range membershipBuckets {
		if err := to.DeleteBucket(name); err != nil && to.Bucket(name) != nil {
			return err
		}
		into, err := to.CreateBucket(name)
		if err == nil {
			err = from.Bucket(name).ForEach(func(k, v []byte) error { return into.Put(k, bytes.Clone(v)) })
		}
		if err != nil {
			return err
		}
	}
	meta := to.Bucket(metaBucket)
	if meta == nil || to.Bucket(keyBucket) == nil {
		return fmt.Errorf("%w: the database is not etcd's", ErrDamaged)
	}
	var errs []error
	for _, name := range []string{"consistent_index", "term"} {
		errs = append(errs, meta.Put([]byte(name), bytes.Clone(from.Bucket(metaBucket).Get([]byte(name)))))
	}
	return errors.Join(errs...)
}

// raised is what a revision is raised by, from its own or from one that was seen later.
type raised struct {
	By   uint64 // 0 leaves it
	Seen int64
}

// raise raises the newest revision, and has it count as compacted.
func raise(tx *bbolt.Tx, to raised) error {
	if to.By == 0 {
		return nil
	}
	var c Contents
	if err := c.read(bolt{tx}); err != nil {
		return err
	}
	revision := revisionKey(uint64(max(c.Revision, to.Seen)) + to.By)
	return errors.Join(
		tx.Bucket(keyBucket).Put(revision, nil),
		tx.Bucket(metaBucket).Put([]byte("scheduledCompactRev"), revision),
	)
}

// revisionKey is a revision as etcd writes it (server/storage/mvcc/revision.go).
func revisionKey(revision uint64) []byte {
	return append(binary.BigEndian.AppendUint64(nil, revision), "_\x00\x00\x00\x00\x00\x00\x00\x00"...)
}

// buildAll makes a folder for each member, by its name, with all that it starts
// on but the database: that is what the snapshot is turned into.
func buildAll(snapshot, dir string, members []identity, later func(path string) error, to raised) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	first := filepath.Join(dir, "first.db") // where it is noted who the members are, as in every other
	if err := runtime.Together(members, func(m identity) error {
		made, err := buildLog(filepath.Join(dir, m.Name), m)
		switch {
		case err != nil:
		case m.Name == members[0].Name:
			err = os.Rename(made, first)
		default:
			err = os.Remove(made)
		}
		if err != nil {
			return fmt.Errorf("cannot make the data of %s: %w", m.Name, err)
		}
		return nil
	}); err != nil {
		return err
	}
	if err := adopt(snapshot, first, later, to); err != nil {
		return fmt.Errorf("cannot make the data of %s: %w", members[0].Name, err)
	}
	return os.Remove(first)
}

// identities are the members of a cluster that never was before.
func identities(names, peerURLs []string, token string) []identity {
	var all []identity
	var cluster []string
	for i, name := range names {
		cluster = append(cluster, name+"="+peerURLs[i])
	}
	for i, name := range names {
		all = append(all, identity{Name: name, PeerURL: peerURLs[i], Cluster: strings.Join(cluster, ","), Token: token})
	}
	return all
}
