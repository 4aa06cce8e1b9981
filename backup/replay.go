package backup

import (
	"context"
	"encoding/binary"
	"errors"

	"go.etcd.io/bbolt"
	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/server/v3/lease/leasepb"
	"google.golang.org/protobuf/proto"

	"github.com/etcdctr/etcdctr/member"
)

var leaseBucket = []byte("lease")

// together is how many batches are written in one transaction.
const together = 1000

// replay writes what happened into a database, as etcd would have: a record for
// each change, under its revision and its place among the changes of that
// (server/storage/mvcc/kvstore_txn.go).
func (s Source) replay(ctx context.Context, path string) error {
	db, err := openToChange(path)
	if err != nil {
		return err
	}
	var waiting []batch
	write := func() error {
		some := waiting
		waiting = waiting[:0]
		return db.Update(func(tx *bbolt.Tx) error { return writeBatches(tx, some) })
	}
	err = s.changes(ctx, func(b batch) error {
		if waiting = append(waiting, b); len(waiting) < together {
			return nil
		}
		return write()
	})
	if err == nil {
		err = write()
	}
	return errors.Join(err, db.Close())
}

func writeBatches(tx *bbolt.Tx, all []batch) error {
	leases, err := tx.CreateBucketIfNotExists(leaseBucket)
	if err != nil {
		return err
	}
	for _, b := range all {
		for id, ttl := range b.TTLs {
			value, err := proto.Marshal(&leasepb.Lease{ID: id, TTL: ttl})
			if err == nil {
				err = leases.Put(binary.BigEndian.AppendUint64(nil, uint64(id)), value)
			}
			if err != nil {
				return err
			}
		}
		if err := writeEvents(tx.Bucket(keyBucket), b.Events); err != nil {
			return err
		}
	}
	return nil
}

// tombstone ends the key of a record that a key was deleted.
const tombstone = 't'

func writeEvents(keys *bbolt.Bucket, all []member.Event) error {
	for i, e := range all {
		sub := 0
		for j := i; j > 0 && all[j-1].Revision == e.Revision; j-- {
			sub++
		}
		key := revisionKey(uint64(e.Revision))
		binary.BigEndian.PutUint64(key[len(key)-8:], uint64(sub))
		kv := &mvccpb.KeyValue{Key: e.Key}
		if e.Deleted {
			key = append(key, tombstone)
		} else {
			kv.Value, kv.CreateRevision, kv.ModRevision, kv.Version, kv.Lease = e.Value, e.Created, e.Revision, e.Version, e.Lease
		}
		value, err := proto.Marshal(kv)
		if err == nil {
			err = keys.Put(key, value)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
