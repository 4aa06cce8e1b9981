package backup

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"

	"go.etcd.io/etcd/server/v3/etcdserver/api/snap"
	"go.etcd.io/etcd/server/v3/storage/wal"
	"go.etcd.io/etcd/server/v3/storage/wal/walpb"
	"go.etcd.io/raft/v3/raftpb"
	"go.uber.org/zap"
	"google.golang.org/protobuf/encoding/protowire"
)

// The API v2 had a store of its own, which is in no database: it is in a member's
// snapshot, as JSON, and in its log. etcd 3.5 takes it along whether or not it serves it
// (enable-v2). 3.6 ends on it, at its start (storage.AssertNoV2StoreContent) or on the
// first entry of it in the log (apply_v2.go), as `etcdutl check v2store` of 3.5 would tell.

// HoldsV2 tells whether a data folder of etcd 3.5 or before holds what etcd 3.6 does not
// start on: keys, users or roles of the API v2, or that there were some not long ago. Its log may
// be elsewhere. A member may be running on it.
func HoldsV2(dir, logDir string) (bool, error) {
	if logDir == "" {
		logDir = filepath.Join(dir, "member", "wal")
	}
	var holds bool
	err := withLogIn(logDir, wal.OpenForRead, func(w *wal.WAL, begin *walpb.Snapshot) error {
		var err error
		if holds, err = v2Snapshot(filepath.Join(dir, "member", "snap"), begin); err != nil || holds {
			return err
		}
		_, _, entries, err := w.ReadAll()
		for _, e := range entries {
			holds = holds || ofV2(e)
		}
		return err
	})
	return holds, err
}

// v2Node is a key or folder of the API v2, as snapshots have it.
type v2Node struct {
	Children map[string]*v2Node
}

// v2Snapshot tells whether a snapshot has any but those that are etcd's own, below /0, and
// the folders that are left of users and roles.
func v2Snapshot(dir string, at *walpb.Snapshot) (bool, error) {
	if at.GetIndex() == 0 {
		return false, nil // there is none yet
	}
	// Its Snapshotter would rename what it can't read.
	found, err := snap.Read(zap.NewNop(), filepath.Join(dir, fmt.Sprintf("%016x-%016x.snap", at.GetTerm(), at.GetIndex())))
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(found.GetData()) == 0 {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	var store struct{ Root v2Node }
	if err := json.Unmarshal(found.GetData(), &store); err != nil {
		return false, fmt.Errorf("%w: its store of the API v2: %w", ErrDamaged, err)
	}
	for name, n := range store.Root.Children {
		switch {
		case name == "0", strings.HasPrefix(name, "_"):
		case name == "2":
			for _, kind := range n.Children {
				if len(kind.Children) > 0 {
					return true, nil
				}
			}
		case len(n.Children) > 0:
			return true, nil
		}
	}
	return false, nil
}

// ownOfEtcd are the paths of what etcd 3.5 writes for itself by the API v2.
var ownOfEtcd = regexp.MustCompile(`^/0/(?:members/[[:xdigit:]]{1,16}/attributes|version)$`)

// The fields of what the log holds (api/etcdserverpb of 3.5: InternalRaftRequest, which
// 3.7 can't read all of any more, and Request, which is in one or stands for itself).
const (
	fieldInner  = 2 // of InternalRaftRequest
	fieldMethod = 2 // of Request
	fieldPath   = 3
	fieldDir    = 5 // a Request's is a number, and always there; a message otherwise
)

// ofV2 tells whether an entry of the log is a request of the API v2 but etcd's own.
func ofV2(e *raftpb.Entry) bool {
	if e.GetType() != raftpb.EntryNormal || len(e.GetData()) == 0 {
		return false
	}
	texts, alone := fieldsOf(e.GetData())
	if !alone {
		inner, is := texts[fieldInner]
		if !is {
			return false
		}
		texts, _ = fieldsOf(inner)
	}
	return string(texts[fieldMethod]) != http.MethodPut || !ownOfEtcd.Match(texts[fieldPath])
}

// fieldsOf are the texts and messages in a message, and whether it is a Request.
func fieldsOf(data []byte) (texts map[protowire.Number][]byte, request bool) {
	texts = map[protowire.Number][]byte{}
	for len(data) > 0 {
		number, kind, n := protowire.ConsumeTag(data)
		if n < 0 {
			break
		}
		data = data[n:]
		if kind == protowire.BytesType {
			texts[number], _ = protowire.ConsumeBytes(data)
		}
		request = request || number == fieldDir && kind == protowire.VarintType
		if n = protowire.ConsumeFieldValue(number, kind, data); n < 0 {
			break
		}
		data = data[n:]
	}
	return texts, request
}
