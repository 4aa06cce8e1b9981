package backup

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/server/v3/storage/wal"
	"go.etcd.io/etcd/server/v3/storage/wal/walpb"
	"go.etcd.io/raft/v3/raftpb"
	"go.uber.org/zap"
	"google.golang.org/protobuf/proto"

	"github.com/etcdctr/etcdctr/member"
)

// logged is what a member's write-ahead log tells.
type logged struct {
	Cluster, Member member.ID
	// Committed is the last entry that the member knew to be committed: a cluster
	// may have acknowledged more.
	Committed uint64
	// Last is the last entry that is there, committed or not, and Term that of it.
	Last, Term uint64
}

// readLog reads a log, of any release. A torn end is none of its concern: see
// commitAll.
func readLog(dir string) (l logged, err error) {
	err = withLog(dir, wal.OpenForRead, func(w *wal.WAL, begin uint64) error {
		metadata, state, entries, err := w.ReadAll()
		if err != nil {
			return err
		}
		var identity etcdserverpb.Metadata
		if err := proto.Unmarshal(metadata, &identity); err != nil {
			return err
		}
		l = logged{
			Cluster: member.ID(identity.GetClusterID()), Member: member.ID(identity.GetNodeID()),
			Committed: state.GetCommit(), Last: max(begin, lastOf(entries)), Term: termOf(entries, state.GetTerm()),
		}
		return nil
	})
	return l, err
}

func termOf(entries []*raftpb.Entry, state uint64) uint64 {
	if len(entries) == 0 {
		return state
	}
	return entries[len(entries)-1].GetTerm()
}

func lastOf(entries []*raftpb.Entry) uint64 {
	if len(entries) == 0 {
		return 0
	}
	return entries[len(entries)-1].GetIndex()
}

// commitAll notes in a log that all its entries are committed. What a member had
// acknowledged last it often learns to be committed with the next entry only, and
// an etcd that is forced to be a cluster of its own throws away what it does not
// know to be committed. To keep a write that nobody acknowledged is no fault: its
// client was told nothing.
func commitAll(dir string) error {
	write := func(w *wal.WAL, _ uint64) error {
		_, state, entries, err := w.ReadAll()
		if last := lastOf(entries); err == nil && last > state.GetCommit() {
			err = w.Save(&raftpb.HardState{Term: new(state.GetTerm()), Vote: new(state.GetVote()), Commit: new(last)}, nil)
		}
		return err
	}
	err := withLog(dir, wal.Open, write)
	if errors.Is(err, io.ErrUnexpectedEOF) && wal.Repair(zap.NewNop(), filepath.Join(dir, "member", "wal")) {
		err = withLog(dir, wal.Open, write) // the end was torn, as by a power cut: that was not acknowledged
	}
	return err
}

// opening is one of etcd's ways to open a log, from a snapshot on.
type opening func(*zap.Logger, string, *walpb.Snapshot) (*wal.WAL, error)

// withLog opens the log of a data folder behind its last snapshot.
func withLog(dir string, open opening, do func(w *wal.WAL, begin uint64) error) error {
	return withLogIn(filepath.Join(dir, "member", "wal"), open, func(w *wal.WAL, begin *walpb.Snapshot) error { return do(w, begin.GetIndex()) })
}

func withLogIn(logDir string, open opening, do func(w *wal.WAL, begin *walpb.Snapshot) error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
		if err != nil {
			err = fmt.Errorf("%w: the write-ahead log: %w", ErrDamaged, err)
		}
	}()
	quiet := zap.NewNop()
	snapshots, err := wal.ValidSnapshotEntries(quiet, logDir)
	if err != nil {
		return err
	}
	if len(snapshots) == 0 {
		return errors.New("it has no beginning")
	}
	begin := snapshots[len(snapshots)-1]
	w, err := open(quiet, logDir, begin)
	if err != nil {
		return err
	}
	defer w.Close() // what is saved is synced, and of one that is only read it fails
	return do(w, begin)
}
