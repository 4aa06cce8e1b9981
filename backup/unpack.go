package backup

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// Unpacked is an archive's contents in a folder.
type Unpacked struct {
	Metadata Metadata
	// Snapshot is the file of etcd's snapshot.
	Snapshot string
	// Authorities are the public certificates, by the authority's name.
	Authorities map[string][]byte
	// Keys is the file of the encrypted certificates; empty without any.
	Keys string
}

// Unpack writes an archive's contents into a folder that exists, and verifies
// that they are what was written: the snapshot against etcd's checksum, and that
// against the one of when the archive was made. It takes bare snapshots too. What is
// encrypted takes what opens it: ErrSealed and ErrSecret are about that.
func Unpack(ctx context.Context, archive, dir string, secret Secret) (Unpacked, error) {
	u, err := unpack(ctx, archive, dir, secret)
	if err != nil {
		return Unpacked{}, fmt.Errorf("cannot unpack the backup %s: %w", archive, err)
	}
	return u, nil
}

func unpack(ctx context.Context, archive, dir string, secret Secret) (Unpacked, error) {
	f, err := os.Open(archive)
	if err != nil {
		return Unpacked{}, err
	}
	defer f.Close()
	u := Unpacked{Snapshot: filepath.Join(dir, snapshotEntry), Authorities: map[string][]byte{}}
	bare, err := isBare(f)
	if err != nil {
		return Unpacked{}, err
	}
	if bare {
		err := create(u.Snapshot, func(w io.Writer) (err error) {
			u.Metadata, err = readBare(f, until(ctx, w))
			return err
		})
		return u, err
	}
	info, err := f.Stat()
	if err != nil {
		return u, err
	}
	if u.Metadata, err = readEnd(f, info.Size()); err != nil {
		return u, err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return u, err
	}
	zip, err := unzip(f, beside)
	if err != nil {
		return u, err
	}
	defer zip.Close()
	return u, u.entries(ctx, tar.NewReader(zip), dir, secret)
}

// entries takes those that it knows, under names of its own.
func (u *Unpacked) entries(ctx context.Context, from *tar.Reader, dir string, secret Secret) error {
	found := false
	for {
		h, err := from.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return errors.Join(ErrDamaged, err)
		}
		switch {
		case h.Name == snapshotEntry && !found:
			found = true
			err = u.snapshot(ctx, from, h.Size)
		case h.Name == sealedEntry && u.Metadata.Encrypted && !found:
			found = true
			err = u.sealed(ctx, from, dir, secret)
		case h.Name == keysEntry:
			u.Keys = filepath.Join(dir, keysEntry)
			err = create(u.Keys, func(w io.Writer) error { _, err := io.Copy(until(ctx, w), from); return err })
		case h.Name == metadataEntry && !u.Metadata.Encrypted && h.Size <= mostMetadata:
			u.Metadata, err = decodeMetadata(from)
		case strings.HasPrefix(h.Name, authoritiesDir) && h.Size <= mostMetadata:
			u.Authorities[strings.TrimSuffix(path.Base(h.Name), path.Ext(h.Name))], err = io.ReadAll(from)
		}
		if err != nil {
			return err
		}
	}
	if !found {
		return fmt.Errorf("%w: there is no snapshot in it", ErrDamaged)
	}
	return nil
}

// sealed takes the entries of the archive that is encrypted in this one, and the
// metadata that they end with: it has more.
func (u *Unpacked) sealed(ctx context.Context, from io.Reader, dir string, secret Secret) error {
	plain, err := secret.open(from)
	if err != nil {
		return err
	}
	zip, err := unzip(plain, beside)
	if err != nil {
		return err
	}
	defer zip.Close()
	inside := Unpacked{Metadata: u.Metadata, Snapshot: u.Snapshot, Authorities: u.Authorities}
	inside.Metadata.Encrypted = false // once
	if err := inside.entries(ctx, tar.NewReader(zip), dir, secret); err != nil {
		return err
	}
	*u = inside
	u.Metadata.Encrypted = true
	return nil
}

func (u *Unpacked) snapshot(ctx context.Context, from io.Reader, size int64) error {
	if size != u.Metadata.Size {
		return fmt.Errorf("%w: the snapshot has %d bytes and had %d", ErrDamaged, size, u.Metadata.Size)
	}
	return create(u.Snapshot, func(w io.Writer) error {
		sum, err := copyChecked(until(ctx, w), from, size)
		if err == nil && sum != u.Metadata.SHA256 {
			err = fmt.Errorf("%w: the checksum of the snapshot is another than when it was made", ErrDamaged)
		}
		return err
	})
}

var errChecksum = errors.New("the snapshot does not match its checksum")

// piece is how many bytes of a snapshot are copied at once.
const piece = 256 << 10

// copyChecked copies a snapshot, and verifies the checksum at its end.
func copyChecked(to io.Writer, from io.Reader, size int64) (string, error) {
	hash := sha256.New()
	both := struct{ io.Writer }{io.MultiWriter(to, hash)}
	switch n, err := io.CopyBuffer(both, io.LimitReader(from, size-sha256.Size), make([]byte, piece)); {
	case err != nil:
		return "", errors.Join(ErrDamaged, err)
	case n < size-sha256.Size:
		return "", errors.Join(ErrDamaged, io.ErrUnexpectedEOF)
	}
	sum := make([]byte, sha256.Size)
	if _, err := io.ReadFull(from, sum); err != nil {
		return "", errors.Join(ErrDamaged, err)
	}
	if !bytes.Equal(sum, hash.Sum(nil)) {
		return "", fmt.Errorf("%w: %w", ErrDamaged, errChecksum)
	}
	_, err := to.Write(sum)
	return hex.EncodeToString(sum), err
}

const (
	zstdMagic = 0xFD2FB528
	boltMagic = 0xED0CDAED
	boltAt    = 16 // behind the header of its first page
	page      = 512
)

// isBare tells a bare snapshot from an archive by its first bytes. bbolt writes
// numbers as its machine keeps them, and reads no others.
func isBare(f io.ReaderAt) (bool, error) {
	head := make([]byte, boltAt+4)
	n, err := f.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	switch {
	case n >= 4 && binary.LittleEndian.Uint32(head) == zstdMagic:
		return false, nil
	case n == len(head) && binary.LittleEndian.Uint32(head[boltAt:]) == boltMagic:
		return true, nil
	case n == len(head) && binary.BigEndian.Uint32(head[boltAt:]) == boltMagic:
		return false, ErrByteOrder
	}
	return false, ErrNoArchive
}

// readBare copies a bare snapshot, and tells what is known of it.
func readBare(f *os.File, to io.Writer) (Metadata, error) {
	info, err := f.Stat()
	if err != nil {
		return Metadata{}, err
	}
	m := Metadata{Size: info.Size(), From: f.Name(), Time: info.ModTime()}
	if m.Size%page != sha256.Size {
		return m, fmt.Errorf("%w: a snapshot of etcd's has a checksum at its end, a copied database has none", ErrIncomplete)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return m, err
	}
	m.SHA256, err = copyChecked(to, f, m.Size)
	if errors.Is(err, errChecksum) {
		// It works on the file itself: findings/hashkv-writes-into-the-snapshot.sh.
		return m, fmt.Errorf("%w, as after `etcdutl hashkv`, which writes into the file: if nothing else was at it, `etcdutl snapshot restore --skip-hash-check` takes it", err)
	}
	if err != nil {
		return m, err
	}
	c, err := inspect(f.Name())
	m.Revision, m.StorageVersion = c.Revision, c.StorageVersion
	return m, err
}

// create makes a file that nobody else reads.
func create(name string, write func(io.Writer) error) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}

// until is a writer that fails once ctx has ended.
func until(ctx context.Context, w io.Writer) io.Writer { return &bounded{ctx, w} }

type bounded struct {
	ctx context.Context //nolint:containedctx // it is what a writer for one call is about
	to  io.Writer
}

func (b *bounded) Write(p []byte) (int, error) {
	if b.ctx.Err() != nil {
		return 0, context.Cause(b.ctx)
	}
	return b.to.Write(p)
}
