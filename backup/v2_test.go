package backup_test

import (
	"os"
	"path/filepath"
	"testing"

	"go.etcd.io/etcd/server/v3/etcdserver/api/snap"
	"go.etcd.io/etcd/server/v3/storage/wal"
	"go.etcd.io/etcd/server/v3/storage/wal/walpb"
	"go.etcd.io/raft/v3/raftpb"
	"go.uber.org/zap"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/etcdctr/etcdctr/backup"
)

// requestV2 is one of the API v2 as 3.5 writes it into its log.
func requestV2(method, path string) []byte {
	b := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), 7)
	b = protowire.AppendString(protowire.AppendTag(b, 2, protowire.BytesType), method)
	b = protowire.AppendString(protowire.AppendTag(b, 3, protowire.BytesType), path)
	b = protowire.AppendString(protowire.AppendTag(b, 4, protowire.BytesType), "value")
	return protowire.AppendVarint(protowire.AppendTag(b, 5, protowire.VarintType), 0) // dir
}

// within is a message in one of the fields of those of the API v3.
func within(field protowire.Number, message []byte) []byte {
	b := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), 7)
	return protowire.AppendBytes(protowire.AppendTag(b, field, protowire.BytesType), message)
}

// What 3.6 ends on is known before it is started: e2e compares with the real programs.
func TestWhatTheAPIV2HasWrittenIsFound(t *testing.T) {
	const own = `"0":{"Path":"/0","Children":{"members":{"Path":"/0/members","Children":{"1a":{}}},"version":{}}}`
	put := within(4, protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), "PUT"))
	for name, tt := range map[string]struct {
		snapshot string // the children of its root; empty: there is no snapshot
		entry    []byte
		want     bool
	}{
		"nothing":                       {"", put, false},
		"what etcd writes itself":       {"", requestV2("PUT", "/0/members/8e9e05c52164694d/attributes"), false},
		"the version":                   {"", requestV2("PUT", "/0/version"), false},
		"the version, within another":   {"", within(2, requestV2("PUT", "/0/version")), false},
		"a key":                         {"", requestV2("PUT", "/1/a"), true},
		"a key, within another":         {"", within(2, requestV2("PUT", "/1/a")), true},
		"a key that was deleted":        {"", requestV2("DELETE", "/1/a"), true},
		"a clock for keys that expire":  {"", requestV2("SYNC", ""), true},
		"a snapshot of etcd's own":      {own + `,"1":{"Path":"/1","Children":{}}`, put, false},
		"a snapshot with a key":         {own + `,"1":{"Path":"/1","Children":{"a":{"Path":"/1/a","Value":"1"}}}`, put, true},
		"a snapshot of users that went": {own + `,"2":{"Path":"/2","Children":{"roles":{"Children":{}},"users":{"Children":{}}}}`, put, false},
		"a snapshot with a user":        {own + `,"2":{"Path":"/2","Children":{"users":{"Children":{"root":{}}}}}`, put, true},
		"a snapshot, and a key after":   {own, requestV2("PUT", "/1/a"), true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			before := written(t, dir, tt.snapshot, tt.entry)
			if got, err := backup.HoldsV2(dir, ""); err != nil || got != tt.want {
				t.Errorf("it holds something: %t, %v, want %t", got, err, tt.want)
			}
			elsewhere := filepath.Join(t.TempDir(), "wal")
			if err := os.Rename(filepath.Join(dir, "member", "wal"), elsewhere); err != nil {
				t.Fatal(err)
			}
			if got, err := backup.HoldsV2(dir, elsewhere); err != nil || got != tt.want {
				t.Errorf("with its log elsewhere: %t, %v, want %t", got, err, tt.want)
			}
			after, err := os.ReadDir(filepath.Join(dir, "member", "snap"))
			if err != nil || len(after) != before {
				t.Errorf("looking has left %v, %v", after, err)
			}
		})
	}
}

// written makes the folder of a member with one entry in its log behind its snapshot, and
// gives the number of snapshots.
func written(t *testing.T, dir, snapshot string, entry []byte) int {
	t.Helper()
	quiet, snapDir := zap.NewNop(), filepath.Join(dir, "member", "snap")
	if err := os.MkdirAll(snapDir, 0o700); err != nil {
		t.Fatal(err)
	}
	log, err := wal.Create(quiet, filepath.Join(dir, "member", "wal"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	index, snapshots := uint64(0), 0
	if snapshot != "" {
		index, snapshots = 3, 1
		state := &raftpb.ConfState{Voters: []uint64{1}}
		meta := &raftpb.SnapshotMetadata{Index: new(index), Term: new(uint64(2)), ConfState: state}
		err := snap.New(quiet, snapDir).SaveSnap(&raftpb.Snapshot{Data: []byte(`{"Root":{"Path":"/","Children":{` + snapshot + `}}}`), Metadata: meta})
		if err == nil {
			err = log.SaveSnapshot(&walpb.Snapshot{Index: new(index), Term: new(uint64(2)), ConfState: state})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	entries := []*raftpb.Entry{{Index: new(index + 1), Term: new(uint64(2)), Data: entry}}
	if err := log.Save(&raftpb.HardState{Term: new(uint64(2)), Vote: new(uint64(1)), Commit: new(index + 1)}, entries); err != nil {
		t.Fatal(err)
	}
	return snapshots
}
