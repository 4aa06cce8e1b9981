package datadir

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/client/pkg/v3/fileutil"
	"go.etcd.io/etcd/server/v3/storage/wal"
	"go.etcd.io/etcd/server/v3/storage/wal/walpb"
	"google.golang.org/protobuf/proto"
)

// identify reads whose data is in a data directory.
func (l *Look) identify(dir string) error {
	segments, err := filepath.Glob(filepath.Join(dir, "member", "wal", "*.wal"))
	if err != nil || len(segments) == 0 {
		return err
	}
	l.Data = true
	slices.Sort(segments)
	identity, err := identityIn(segments[0])
	if err != nil {
		l.Damaged = err.Error()
		return nil
	}
	l.Cluster, l.Member.ID = hex(identity.GetClusterID()), hex(identity.GetNodeID())
	switch err := l.members(filepath.Join(dir, "member", "snap", "db")); {
	case errors.Is(err, bolterrors.ErrTimeout):
		l.Used = true
	case errors.Is(err, fs.ErrNotExist): // it has only just begun
	case err != nil:
		l.Damaged = err.Error()
	}
	return nil
}

func hex(id uint64) string { return strconv.FormatUint(id, 16) }

// identityIn reads the beginning of a segment of a write-ahead log.
func identityIn(segment string) (*etcdserverpb.Metadata, error) {
	f, err := os.Open(segment)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	decoder := wal.NewDecoder(fileutil.NewFileReader(f))
	for {
		var record walpb.Record
		if err := decoder.Decode(&record); err != nil {
			return nil, fmt.Errorf("its write-ahead log does not tell whose it is: %w", err)
		}
		if record.GetType() == wal.CrcType {
			decoder.UpdateCRC(record.GetCrc())
		}
		if record.GetType() == wal.MetadataType {
			var m etcdserverpb.Metadata
			return &m, proto.Unmarshal(record.GetData(), &m)
		}
	}
}

// lockWait is how long the lock of a database that nobody has may take.
const lockWait = 200 * time.Millisecond

// members reads of a database whom its cluster counts. Those that it was founded with are there
// from the beginning; where clients reach one is the first that a quorum has agreed on.
func (l *Look) members(db string) error {
	if _, err := os.Stat(db); err != nil {
		return err
	}
	d, err := bbolt.Open(db, 0o400, &bbolt.Options{ReadOnly: true, Timeout: lockWait})
	if err != nil {
		return err
	}
	defer d.Close()
	l.Blank = true
	return d.View(func(tx *bbolt.Tx) error {
		bucket := tx.Bucket([]byte("members"))
		if bucket == nil {
			return nil
		}
		return bucket.ForEach(func(_, value []byte) error {
			var m struct {
				ID         uint64   `json:"id"`
				Name       string   `json:"name"`
				PeerURLs   []string `json:"peerURLs"`
				ClientURLs []string `json:"clientURLs"`
			}
			if err := json.Unmarshal(value, &m); err != nil {
				return err
			}
			l.Members = append(l.Members, m.Name)
			l.Blank = l.Blank && len(m.ClientURLs) == 0
			if hex(m.ID) == l.Member.ID {
				l.Member.Name, l.Member.PeerURLs = m.Name, m.PeerURLs
			}
			return nil
		})
	})
}
