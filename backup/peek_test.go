package backup

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"
)

// madeDatabase has many keys, or few, and what etcd notes beside them.
func madeDatabase(t *testing.T, revisions int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "db")
	if err := makeEmpty(path); err != nil {
		t.Fatal(err)
	}
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for i := range revisions {
		if err := db.Update(func(tx *bbolt.Tx) error {
			return tx.Bucket(keyBucket).Put(revisionKey(uint64(i+2)), make([]byte, rand.IntN(9000)))
		}); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Update(func(tx *bbolt.Tx) error {
		leases, err := tx.CreateBucketIfNotExists([]byte("lease"))
		if err == nil && revisions > 1 {
			err = leases.Put(revisionKey(7), []byte("its time to live"))
		}
		if err != nil {
			return err
		}
		c, err := tx.CreateBucketIfNotExists([]byte("cluster"))
		meta := tx.Bucket(metaBucket)
		return errors.Join(err, c.Put([]byte("clusterVersion"), []byte("3.7.0")), meta.Put([]byte("storageVersion"), []byte("3.7.0")),
			meta.Put([]byte("finishedCompactRev"), revisionKey(2)), meta.Put([]byte("consistent_index"), []byte{0, 0, 0, 0, 0, 0, 1, 1}))
	}); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAFewPagesTellWhatBboltTells(t *testing.T) {
	t.Parallel()
	for _, revisions := range []int{0, 1, 30, 700} {
		path := madeDatabase(t, revisions)
		want, err := inspect(path)
		if err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if got, err := peek(f); err != nil || got != want || got.Leases != (revisions > 1) || got.Revision != int64(max(revisions+1, 2)) {
			t.Errorf("of %d revisions it tells %+v, %v, and bbolt %+v", revisions, got, err, want)
		}
	}
}

// Any byte may be wrong: it is told, or does not matter; nothing crashes.
func TestAFewPagesOfADamagedDatabase(t *testing.T) {
	t.Parallel()
	path := madeDatabase(t, 200)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3000 {
		damaged := append([]byte(nil), text...)
		at := rand.IntN(len(damaged))
		if i%2 == 0 {
			at %= 3 * os.Getpagesize() // where it matters most
		}
		damaged[at] ^= byte(1 + rand.IntN(255))
		if _, err := peek(inMemory(damaged)); err != nil && fmt.Sprint(err) == "" {
			t.Error("an error says nothing")
		}
	}
}

type inMemory []byte

func (m inMemory) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 || off > int64(len(m)) {
		return 0, errors.New("behind the end")
	}
	n := copy(p, m[off:])
	if n < len(p) {
		return n, errors.New("at the end")
	}
	return n, nil
}
