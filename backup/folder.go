package backup

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/etcdctr/etcdctr/internal/scratch"
	"github.com/etcdctr/etcdctr/member"
)

// ErrRuns is the error of the data folder of a member that runs.
var ErrRuns = errors.New("a member runs on it: what it does at this moment is not all on disk")

// OtherReleaseError is the error of a program that is to carry out what is in
// the log of a data folder, and is not of the release that wrote it.
type OtherReleaseError struct {
	Program string // its version
	Data    int    // the minor that the data is of
}

func (e *OtherReleaseError) Error() string {
	return fmt.Sprintf("the program is etcd %s, and the data is of etcd 3.%d: only that can carry out its log", e.Program, e.Data)
}

// TakeFolder makes an archive of a stopped member's data folder.
//
// The database alone lacks what was acknowledged last: it is written some 100 ms
// behind the log, and a member that was killed may have hundreds of writes in
// the log only. So an etcd of the release that wrote the data starts on a copy,
// as a cluster of its own without any network, and carries the log out. Where
// Program is not of that release, the database is taken as it is, and
// Metadata.Missing says how many entries of the log are not in it; if Program was
// given for that, an OtherReleaseError. The folder itself is only read.
//
// What a log holds counts, known to be committed or not: see commitAll.
func TakeFolder(ctx context.Context, dir, path string, p Program, r Request) (Metadata, error) {
	dir = dataBelow(dir)
	room, remove, err := scratch.Make(scratchBeside(path), ".etcdctr-copy")
	if err != nil {
		return Metadata{}, fmt.Errorf("cannot copy the data in %s: %w", dir, err)
	}
	defer remove()
	m := r.metadata(cmp.Or(r.Member, dir))
	db, err := fromFolder(ctx, dir, filepath.Join(room, "data"), p, &m)
	if err != nil {
		return Metadata{}, fmt.Errorf("cannot take the data in %s: %w", dir, err)
	}
	return m, r.write(path, &m, func(w io.Writer, progress func(done, total int64)) (member.Snapshot, error) {
		return streamDatabase(ctx, db, w, progress)
	})
}

// dataBelow is a data folder, or the one in a folder that has it in data, as that of a
// member on a machine of its own.
func dataBelow(dir string) string {
	below := filepath.Join(dir, "data")
	if isDataFolder(below) && !isDataFolder(dir) {
		return below
	}
	return dir
}

func isDataFolder(dir string) bool {
	info, err := os.Stat(filepath.Join(dir, "member"))
	return err == nil && info.IsDir()
}

// scratchBeside is the folder for what is only needed until the archive is
// there: the one of the archive, which has to have room for it.
func scratchBeside(path string) string {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return os.TempDir() // such as /dev/stdout
	}
	return filepath.Dir(path)
}

// fromFolder copies a data folder, and gives the database that is to be kept.
func fromFolder(ctx context.Context, dir, into string, p Program, m *Metadata) (string, error) {
	if err := copyData(ctx, dir, into); err != nil {
		return "", err
	}
	db := database(into)
	c, err := inspectAll(db) // which has no checksum
	if err != nil {
		return "", err
	}
	if err := view(db, func(tx *bbolt.Tx) (err error) { m.Members, err = membersIn(tx); return err }); err != nil {
		return "", err
	}
	log, err := readLog(into)
	if err == nil && log.Last < c.Applied {
		err = fmt.Errorf("%w: the write-ahead log ends at entry %d, and the database holds those up to %d", ErrDamaged, log.Last, c.Applied)
	}
	if err != nil {
		return "", err
	}
	m.ClusterID, m.ClusterVersion = log.Cluster.String(), c.ClusterVersion
	version, err := p.version(ctx)
	if err != nil {
		return "", err
	}
	if c.newborn() || int(version.Minor) == c.Reader() {
		m.Release = version.String()
		if err := commitAll(into); err != nil {
			return "", err
		}
		return db, p.carryOut(ctx, into)
	}
	if p.Given {
		return "", &OtherReleaseError{version.String(), c.Reader()}
	}
	m.Missing = log.Last - c.Applied
	return db, nil
}

func database(dir string) string { return filepath.Join(dir, "member", "snap", "db") }

// copyData copies what etcd keeps, which is two flat folders. Either may be a
// link to another disk.
func copyData(ctx context.Context, from, to string) error {
	if err := unused(database(from)); err != nil {
		return err
	}
	for _, folder := range []string{"snap", "wal"} {
		source, target := filepath.Join(from, "member", folder), filepath.Join(to, "member", folder)
		entries, err := os.ReadDir(source)
		if err == nil {
			err = os.MkdirAll(target, 0o700)
		}
		if err != nil {
			return err
		}
		for _, e := range entries {
			if !e.Type().IsRegular() {
				continue
			}
			if err := copyFile(ctx, filepath.Join(source, e.Name()), filepath.Join(target, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// unused makes sure that no member has the database open.
func unused(db string) error {
	d, err := bbolt.Open(db, 0o400, &bbolt.Options{ReadOnly: true, Timeout: openWait})
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return ErrRuns
	case errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("there is no data of a member: %w", err)
	case err != nil:
		return fmt.Errorf("cannot open the database: %w", err)
	}
	return d.Close()
}

func copyFile(ctx context.Context, from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	return create(to, func(w io.Writer) error { _, err := io.Copy(until(ctx, w), in); return err })
}

// membersIn reads whom the cluster counts.
func membersIn(tx *bbolt.Tx) ([]Member, error) {
	bucket := tx.Bucket([]byte("members"))
	if bucket == nil {
		return nil, nil
	}
	var all []Member
	err := bucket.ForEach(func(_, value []byte) error {
		var m struct {
			ID         uint64   `json:"id"`
			Name       string   `json:"name"`
			PeerURLs   []string `json:"peerURLs"`
			ClientURLs []string `json:"clientURLs"`
			Learner    bool     `json:"isLearner"`
		}
		if err := json.Unmarshal(value, &m); err != nil {
			return fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		all = append(all, Member{member.ID(m.ID).String(), m.Name, m.PeerURLs, m.ClientURLs, m.Learner})
		return nil
	})
	slices.SortFunc(all, func(a, b Member) int { return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.ID, b.ID)) })
	return all, err
}

// streamDatabase gives a database that nobody has open as a member would: its
// checksum comes behind it.
func streamDatabase(ctx context.Context, db string, w io.Writer, progress func(done, total int64)) (member.Snapshot, error) {
	var s member.Snapshot
	in, err := os.Open(db)
	if err != nil {
		return s, err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return s, err
	}
	total := info.Size()
	if total == 0 || total%page != 0 {
		return s, fmt.Errorf("%w: a database has whole pages, and this one %d bytes", ErrDamaged, total)
	}
	if c, err := inspect(db); err == nil && c.Size < total {
		total = c.Size // the rest is room that was asked for in advance, as members leave it out, too
	}
	hash := sha256.New()
	buffer := make([]byte, 256<<10)
	for s.Size < total {
		n, err := in.Read(buffer[:min(int64(len(buffer)), total-s.Size)])
		if err != nil {
			return s, err
		}
		hash.Write(buffer[:n]) // never fails
		progress(s.Size, total)
		if _, err := until(ctx, w).Write(buffer[:n]); err != nil {
			return s, err
		}
		s.Size += int64(n)
	}
	s.SHA256 = [sha256.Size]byte(hash.Sum(nil))
	_, err = w.Write(s.SHA256[:])
	s.Size += sha256.Size
	progress(s.Size, s.Size)
	return s, err
}
