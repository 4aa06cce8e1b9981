package datadir_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"
	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/server/v3/storage/wal"
	"go.uber.org/zap"
	"google.golang.org/protobuf/proto"

	"github.com/etcdctr/etcdctr/runtime/datadir"
)

var etcd1 = datadir.Wanted{Name: "etcd1", PeerURL: "http://etcd1:2380"}

func TestWhatAFolderIsRefusedFor(t *testing.T) {
	other := datadir.Member{ID: "1", Name: "etcd2", PeerURLs: []string{"http://etcd2:2380"}}
	own := datadir.Member{ID: "1", Name: "etcd1", PeerURLs: []string{"http://etcd1:2380"}}
	for _, c := range []struct {
		name   string
		look   datadir.Look
		alone  bool
		reason string // empty: it is accepted
	}{
		{name: "an empty folder"},
		{name: "what is not there", look: datadir.Look{Missing: true}, reason: "it is not there: make it"},
		{name: "a file", look: datadir.Look{File: true}, reason: "no folder"},
		{name: "memory", look: datadir.Look{FileSystem: "tmpfs"}, reason: "it is on tmpfs, which is gone"},
		{name: "another machine", look: datadir.Look{FileSystem: "nfs"}, reason: "it is on nfs, where etcd can rely"},
		{name: "closed", look: datadir.Look{Closed: "permission denied", Owner: "1001:0", Mode: 0o755}, reason: "it belongs to 1001:0, mode 0755"},
		{name: "open to all", look: datadir.Look{Mode: 0o777}, reason: "everybody can write into it (mode 0777)"},
		{name: "like /tmp", look: datadir.Look{Mode: os.ModeSticky | 0o777}},
		{name: "in use", look: datadir.Look{Data: true, Used: true, Member: own}, reason: "another etcd runs on it"},
		{name: "data at its top", look: datadir.Look{Above: true}, reason: "move the folder member into it"},
		{name: "data twice", look: datadir.Look{Above: true, Data: true}, reason: "twice"},
		{name: "something else", look: datadir.Look{Others: []string{"a", "b", "c", "d"}}, reason: "something else in it (a, b, c)"},
		{name: "something else beside its data", look: datadir.Look{Others: []string{"a"}, Data: true, Member: own}},
		{name: "data that can't be read", look: datadir.Look{Data: true, Damaged: "torn"}, reason: "can't be read (torn)"},
		{name: "another member's", look: datadir.Look{Data: true, Member: other}, reason: "the data of a member etcd2"},
		{name: "known elsewhere", look: datadir.Look{Data: true, Member: datadir.Member{Name: "etcd1", PeerURLs: []string{"https://etcd1:2380"}}}, reason: "know at https://etcd1:2380, and it is to be at http://etcd1:2380"},
		{name: "known elsewhere to nobody", look: datadir.Look{Data: true, Member: datadir.Member{Name: "etcd1", PeerURLs: []string{"http://localhost:2380"}}}, alone: true},
		{name: "its own", look: datadir.Look{Data: true, Member: own}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := etcd1
			m.Alone = c.alone
			err := c.look.Check("/srv/etcd1", m)
			if c.reason == "" && err != nil || c.reason != "" && (err == nil || !strings.Contains(err.Error(), c.reason)) {
				t.Errorf("%v, want %q", err, c.reason)
			}
		})
	}
}

func TestDataOfSomeIsNoClusterWithOthers(t *testing.T) {
	of := func(member, cluster string) datadir.One {
		return datadir.One{Member: member, Look: datadir.Look{Data: cluster != "", Cluster: cluster}}
	}
	for _, c := range []struct {
		all    []datadir.One
		reason string
	}{
		{all: []datadir.One{of("a", ""), of("b", "")}},
		{all: []datadir.One{of("a", "1"), of("b", "1")}},
		{all: []datadir.One{of("a", "1"), {Member: "b", Look: datadir.Look{Data: true}}}},
		{all: []datadir.One{of("a", "1"), of("b", "2")}, reason: "2 clusters"},
		{all: []datadir.One{of("a", "1"), of("b", "")}, reason: "there is data of a and none of b"},
	} {
		err := datadir.Together(c.all)
		if c.reason == "" && err != nil || c.reason != "" && (err == nil || !strings.Contains(err.Error(), c.reason)) {
			t.Errorf("%v: %v, want %q", c.all, err, c.reason)
		}
	}
}

// begin begins data as etcd does, with those members in its database, and where clients reach
// them.
func begin(t *testing.T, dir, clientURL string, members ...string) {
	t.Helper()
	identity, err := proto.Marshal(&etcdserverpb.Metadata{NodeID: proto.Uint64(1), ClusterID: proto.Uint64(2)})
	if err != nil {
		t.Fatal(err)
	}
	log, err := wal.Create(zap.NewNop(), filepath.Join(dir, "member", "wal"), identity)
	if err != nil {
		t.Fatal(err)
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "member", "snap"), 0o700); err != nil {
		t.Fatal(err)
	}
	db, err := bbolt.Open(filepath.Join(dir, "member", "snap", "db"), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		bucket, err := tx.CreateBucket([]byte("members"))
		for i, name := range members {
			err = errors.Join(err, bucket.Put([]byte{byte(i)}, fmt.Appendf(nil, `{"id":%d,"name":%q,"clientURLs":[%s]}`, i+1, name, clientURL)))
		}
		return err
	})
	if err = errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestDataOfWhichNoClusterCameIsBlank(t *testing.T) {
	none, begun, served, lost := t.TempDir(), t.TempDir(), t.TempDir(), t.TempDir()
	begin(t, none, "")
	begin(t, begun, "", "etcd1", "etcd2")
	begin(t, served, `"http://etcd1:2379"`, "etcd1", "etcd2")
	begin(t, lost, "")
	if err := os.Remove(filepath.Join(lost, "member", "snap", "db")); err != nil { // what it held nobody knows
		t.Fatal(err)
	}
	for dir, want := range map[string]datadir.Look{
		none:           {Data: true, Cluster: "2", Member: datadir.Member{ID: "1"}, Blank: true},
		begun:          {Data: true, Cluster: "2", Member: datadir.Member{ID: "1", Name: "etcd1"}, Members: []string{"etcd1", "etcd2"}, Blank: true},
		served:         {Data: true, Cluster: "2", Member: datadir.Member{ID: "1", Name: "etcd1"}, Members: []string{"etcd1", "etcd2"}},
		lost:           {Data: true, Cluster: "2", Member: datadir.Member{ID: "1"}},
		t.TempDir():    {},
		"/no/such/dir": {},
	} {
		got, err := datadir.Of(dir)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
	}
}

func TestLookTellsWhatIsThere(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"member", "data.aside-20260101T000000Z", "lost+found", ".hidden", "photos"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	l, err := datadir.At(dir)
	if err != nil {
		t.Fatal(err)
	}
	if !l.Above || l.Data || len(l.Others) != 1 || l.Others[0] != "photos" || l.Closed != "" {
		t.Errorf("it is said to be %+v", l)
	}
	if l, err := datadir.At(filepath.Join(dir, "none")); err != nil || !l.Missing {
		t.Errorf("what is not there is said to be %+v, %v", l, err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 5 {
		t.Errorf("looking has left something: %v, %v", left, err)
	}
}

func TestALogThatTellsNothingIsDamaged(t *testing.T) {
	dir := t.TempDir()
	log := filepath.Join(dir, datadir.Name, "member", "wal")
	if err := os.MkdirAll(log, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(log, "0000000000000000-0000000000000000.wal"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if l, err := datadir.At(dir); err != nil || !l.Data || l.Damaged == "" {
		t.Errorf("%+v, %v", l, err)
	}
}
