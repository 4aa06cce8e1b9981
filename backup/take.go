package backup

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/etcdctr/etcdctr/internal/outfile"
	"github.com/etcdctr/etcdctr/member"
)

// Request says what else a backup is to hold, and how it is made.
type Request struct {
	Cluster     string // the cluster's name
	ClusterFile string // its description; may be empty
	// Authorities are public certificates in PEM, by the authority's name, such
	// as client-ca.
	Authorities map[string][]byte
	// Keys encrypts certificates with their keys; nil leaves them out.
	Keys *Keys
	// Seal encrypts all of it.
	Seal *Seal
	// Member is whose data to take; empty lets Choose decide. Of a folder it is whose
	// that is, where that is known.
	Member string
	// Stored leaves the data as it is, where it would be compressed: bigger, and
	// faster where processors are few.
	Stored bool
	// Scheduled says that it is one of many which are taken at their times, and deleted
	// as none of a Runner's rules keeps them. Any other is for whoever asked to delete.
	Scheduled bool
	// Time is now.
	Time time.Time
	// Progress is told what was taken of how much, in bytes; may be nil.
	Progress func(done, total int64)
	// Again is told that the data of a member broke off, and whose is taken instead,
	// from the beginning; may be nil.
	Again func(broken *BrokenOffError, from string)

	// apart is the ID of a cluster that has the store with others of its name, which may
	// take a backup in the same second; empty where it is alone.
	apart string
}

// FileName is what a backup is called that nobody has named. It is the n-th of the
// cluster within a second.
func (r Request) FileName(n int) string {
	name := r.Cluster + "-" + r.Time.UTC().Format("20060102T150405Z")
	if r.apart != "" {
		name += "-" + r.apart
	}
	if n > 1 {
		name += fmt.Sprintf("-%d", n)
	}
	return name + Extension
}

// Extension ends the name of an archive.
const Extension = ".tar.zst"

// Destination is the file for a backup: path, or one in it if that is a folder.
// It must not be there yet, ErrExists, and its folder must: NoFolderError. A path
// without an extension is not there as a file by mistake: it is meant for a folder.
func (r Request) Destination(path string) (string, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return path, needFolder(path)
	case err != nil:
		return "", err
	case info.IsDir():
		name, err := r.freeName(context.Background(), folder(path))
		return filepath.Join(path, name), err
	case info.Mode().IsRegular():
		return "", fmt.Errorf("cannot make the backup %s: %w", path, ErrExists)
	}
	return path, nil
}

// needFolder tells of the folder that a path which is not there takes: itself, or the
// one that it is in.
func needFolder(path string) error {
	dir := filepath.Dir(path)
	if os.IsPathSeparator(path[len(path)-1]) || filepath.Ext(path) == "" {
		dir = filepath.Clean(path)
	}
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return &NoFolderError{Dir: dir}
	}
	return nil
}

// Take makes an archive of a running cluster: of the member that Choose gives,
// or the one that is asked for. The data is verified against etcd's checksum and
// looked into before the archive is there, under its name, with mode 0600; on an
// error nothing is. Where the member goes away in the middle, or its data is not
// what its checksum says, another is asked for its own: see Request.Again.
//
// Memory does not grow with the database: what is streamed is compressed in
// blocks of at most some MiB.
func Take(ctx context.Context, c *member.Client, path string, r Request) (Metadata, error) {
	return r.ofSomebody(ctx, c, func(m *Metadata, take stream) error { return r.write(path, m, take) })
}

// TakeInto is Take for an archive in a store, under a name of its own.
func TakeInto(ctx context.Context, c *member.Client, s Store, r Request) (string, Metadata, error) {
	var m Metadata
	name, err := r.freeName(ctx, s)
	if err != nil {
		name = r.FileName(1)
	} else {
		m, err = r.ofSomebody(ctx, c, func(m *Metadata, take stream) error {
			return s.Write(ctx, name, func(f archiveFile) error { return r.archive(f, m, take) })
		})
	}
	if err != nil {
		return "", Metadata{}, fmt.Errorf("cannot make the backup %s: %w", s.Place(name), err)
	}
	return s.Place(name), m, nil
}

// freeName is a name that nothing in the store has.
func (r Request) freeName(ctx context.Context, s Store) (string, error) {
	for n := 1; ; n++ {
		f, err := s.Open(ctx, r.FileName(n))
		if errors.Is(err, fs.ErrNotExist) {
			return r.FileName(n), nil
		}
		if err != nil {
			return "", err
		}
		if err := f.Close(); err != nil {
			return "", err
		}
	}
}

// choose looks whose data is to be taken, and what is known of the cluster. Those whose
// data broke off come last.
func (r Request) choose(ctx context.Context, c *member.Client, gone []string) (Metadata, stream, error) {
	v, err := c.Look(ctx)
	if err != nil {
		return Metadata{}, nil, err
	}
	from := r.Member
	if from == "" {
		if from, err = chooseBut(v, gone); err != nil {
			return Metadata{}, nil, err
		}
	}
	m := r.metadata(from)
	m.describe(v)
	return m, r.taking(ctx, c, from), nil
}

func (r Request) metadata(from string) Metadata {
	return Metadata{
		Version: formatVersion, Cluster: r.Cluster, ClusterFile: r.ClusterFile,
		Time: r.Time.UTC(), From: from, Keys: r.Keys != nil, ByHand: !r.Scheduled,
	}
}

// describe notes what the cluster says of itself.
func (m *Metadata) describe(v member.View) {
	e := v.Endpoint(m.From)
	m.Release, m.ClusterVersion, m.ClusterID, m.Members = e.Version, e.ClusterVersion, e.Cluster.String(), membersOf(v.Members)
}

// stream gives etcd's snapshot.
type stream func(w io.Writer, progress func(done, total int64)) (member.Snapshot, error)

func (r Request) write(path string, m *Metadata, take stream) error {
	err := outfile.Stream(path, 0o600, func(w io.Writer) error {
		if f, ok := w.(archiveFile); ok && isReadable(f) {
			return r.archive(f, m, take)
		}
		return r.pass(w, m, take)
	})
	if err != nil {
		return fmt.Errorf("cannot make the backup %s: %w", path, err)
	}
	return nil
}

// isReadable tells an empty file that can be read from all else that can be
// written to.
func isReadable(f archiveFile) bool {
	_, err := f.ReadAt(make([]byte, 1), 0)
	return errors.Is(err, io.EOF)
}

// pass makes an archive in a file that nobody sees, and passes it on to what
// can't be read again, such as a pipe.
func (r Request) pass(w io.Writer, m *Metadata, take stream) error {
	f, done, err := nameless()
	if err != nil {
		return err
	}
	defer done()
	err = r.archive(f, m, take)
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err == nil {
		_, err = io.Copy(w, f)
	}
	return err
}

func (r Request) archive(f archiveFile, m *Metadata, take stream) error {
	if r.Seal.encrypts() {
		return r.sealing(f, m, take)
	}
	return r.plainArchive(f, m, take)
}

func (r Request) plainArchive(f archiveFile, m *Metadata, take stream) error {
	to := goAhead(f)
	defer to.Close()
	a, err := newArchiver(to, m.Time, r.Stored)
	if err != nil {
		return err
	}
	defer a.close()
	if err := r.describe(a); err != nil {
		return err
	}
	if err := r.data(a, m, take); err != nil {
		return err
	}
	if err := a.finish(*m); err != nil {
		return err
	}
	return to.settle()
}

// describe writes what is there besides the data.
func (r Request) describe(a *archiver) error {
	if r.ClusterFile != "" {
		if err := a.add(clusterFileEntry, []byte(r.ClusterFile)); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.Authorities)) {
		if err := a.add(authoritiesDir+name+".crt", r.Authorities[name]); err != nil {
			return err
		}
	}
	if r.Keys == nil {
		return nil
	}
	sealed, err := r.Keys.seal()
	if err != nil {
		return err
	}
	return a.add(keysEntry, sealed)
}

// data writes the snapshot, and looks into what was written: what does not open
// is no backup.
func (r Request) data(a *archiver, m *Metadata, take stream) error {
	to := &sized{archive: a}
	s, err := take(to, func(done, total int64) {
		to.size(total)
		if r.Progress != nil {
			r.Progress(done, total)
		}
	})
	if err != nil {
		return err
	}
	if err := to.flush(); err != nil {
		return err
	}
	c, err := a.inspect(to.begin)
	if err != nil {
		return &BrokenOffError{m.From, fmt.Errorf("the snapshot of %s: %w", m.From, err)}
	}
	m.Size, m.SHA256, m.Revision, m.StorageVersion = s.Size, hex.EncodeToString(s.SHA256[:]), c.Revision, c.StorageVersion
	return nil
}

// sized keeps what comes until it is known how much that will be, which the
// entry of an archive begins with.
type sized struct {
	archive *archiver
	begun   bool
	begin   int64 // where the entry's contents begin, uncompressed
	total   int64
	kept    []byte
}

// size is told what etcd says to be left: without the checksum that it sends at
// the end.
func (s *sized) size(total int64) {
	if s.total == 0 {
		s.total = total - total%page + sha256.Size
	}
}

func (s *sized) Write(p []byte) (int, error) {
	if s.begun {
		return s.archive.tar.Write(p)
	}
	s.kept = append(s.kept, p...) // the first part of a stream, some KiB
	if s.total == 0 {
		return len(p), nil
	}
	return len(p), s.flush()
}

func (s *sized) flush() error {
	if s.begun {
		return nil
	}
	if err := s.archive.begin(snapshotEntry, s.total); err != nil {
		return err
	}
	s.begun, s.begin = true, s.archive.zip.written
	_, err := s.archive.tar.Write(s.kept)
	s.kept = nil
	return err
}
