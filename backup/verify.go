package backup

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/etcdctr/etcdctr/internal/scratch"
)

// Report is what Verify has found right.
type Report struct {
	Metadata Metadata `json:"metadata"`
	// Revisions is how many of them the database keeps, deletions included.
	Revisions int64 `json:"revisions"`
}

// ErrNoBackup is the error of a place where there is none.
var ErrNoBackup = errors.New("there is no backup")

// At is the backup that a place stands for: itself, or of a folder or s3://BUCKET/PREFIX
// the one that is restored from there, the newest of a cluster, or of the only one that has
// some. Without any it is ErrNoBackup.
func At(ctx context.Context, place, cluster string) (string, error) {
	if !IsStore(place) {
		return place, nil
	}
	s, err := OpenStore(place)
	if err != nil {
		return "", err
	}
	all, err := List(ctx, s)
	if err != nil {
		return "", err
	}
	cluster = meant(all, cluster)
	newest, ok := Newest(all, cluster)
	if !ok {
		return "", fmt.Errorf("%w of %s in %s", ErrNoBackup, cluster, s.Place(""))
	}
	return newest.Path, nil
}

// VerifyAt is Verify of a backup wherever it is kept, a file or s3://BUCKET/KEY.
func VerifyAt(ctx context.Context, place, in string, secret Secret) (Report, error) {
	fetched, remove, err := scratch.Make(in, "etcdctr-fetch")
	if err != nil {
		return Report{}, err
	}
	defer remove()
	archive, err := Fetch(ctx, place, fetched)
	if err != nil {
		return Report{}, err
	}
	return Verify(ctx, archive, in, secret)
}

// Verify restores an archive into a folder of its own in another one, opens what
// came of it, page by page, and compares its checksum and its revision with
// those of when it was made. Nothing is left there.
func Verify(ctx context.Context, archive, in string, secret Secret) (r Report, err error) {
	dir, remove, err := scratch.Make(in, "etcdctr-verify")
	if err != nil {
		return Report{}, fmt.Errorf("cannot make a folder to restore into: %w", err)
	}
	defer func() { err = errors.Join(err, remove()) }()
	u, err := Unpack(ctx, archive, dir, secret)
	if err != nil {
		return Report{}, err
	}
	c, err := verify(u, filepath.Join(dir, "data"))
	if err != nil {
		return Report{}, fmt.Errorf("the backup %s can't be restored: %w", archive, err)
	}
	return Report{Metadata: u.Metadata, Revisions: c.Revisions}, nil
}

func verify(u Unpacked, dir string) (Contents, error) {
	const name, peer = "verify", "http://127.0.0.1:2380"
	before, err := inspect(u.Snapshot)
	if err != nil {
		return before, err
	}
	if err := buildAll(u.Snapshot, dir, identities([]string{name}, []string{peer}, name), nothingLater, raised{}); err != nil {
		return before, err
	}
	after, err := inspectAll(u.Snapshot)
	switch {
	case err != nil:
	case after.Revision != u.Metadata.Revision:
		err = fmt.Errorf("%w: it was made at revision %d, and restored it is at %d", ErrDamaged, u.Metadata.Revision, after.Revision)
	case before.StorageVersion != u.Metadata.StorageVersion:
		err = fmt.Errorf("%w: its data is of version %s, and was of %s", ErrDamaged, before.StorageVersion, u.Metadata.StorageVersion)
	}
	return after, err
}
