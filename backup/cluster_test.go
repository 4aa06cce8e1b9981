package backup_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/etcdmain"
	"go.uber.org/zap"

	"github.com/etcdctr/etcdctr/internal/etcdtest"
	"github.com/etcdctr/etcdctr/member"
	"github.com/etcdctr/etcdctr/runtime/local"
)

func TestMain(m *testing.M) {
	local.UseResolver()
	if etcdtest.CalledAsEtcd() {
		etcdmain.Main(os.Args)
		return
	}
	if program, ok := local.Programs[filepath.Base(os.Args[0])]; ok {
		if err := program(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// running is a cluster of processes on loopback.
type running struct {
	initial        string
	dir            string
	clients, peers map[string]string
	members        map[string]*etcdtest.Process
	client         *member.Client
}

func start(t *testing.T, names []string, flags ...string) *running {
	t.Helper()
	c := &running{dir: t.TempDir(), clients: map[string]string{}, peers: map[string]string{}, members: map[string]*etcdtest.Process{}}
	var initial []string
	for _, name := range names {
		c.clients[name] = "http://" + etcdtest.FreeAddress(t, "127.0.0.1")
		c.peers[name] = "http://" + etcdtest.FreeAddress(t, "127.0.0.1")
		initial = append(initial, name+"="+c.peers[name])
	}
	c.initial = strings.Join(initial, ",")
	for _, name := range names {
		c.run(t, name, flags...)
	}
	client, err := member.New(member.Config{URLs: c.clients})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := client.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := client.WaitServing(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.client = client
	return c
}

// run starts a member that does not run.
func (c *running) run(t *testing.T, name string, flags ...string) {
	t.Helper()
	c.members[name] = etcdtest.Start(t, nil, append([]string{
		"--name=" + name, "--data-dir=" + c.data(name),
		"--listen-client-urls=" + c.clients[name], "--advertise-client-urls=" + c.clients[name],
		"--listen-peer-urls=" + c.peers[name], "--initial-advertise-peer-urls=" + c.peers[name],
		"--initial-cluster=" + c.initial, "--heartbeat-interval=10", "--election-timeout=100", "--unsafe-no-fsync",
	}, flags...)...)
}

func (c *running) data(name string) string { return filepath.Join(c.dir, name) }

// raw is etcd's own client for all members.
func (c *running) raw(t *testing.T) *clientv3.Client {
	t.Helper()
	return connect(t, slices.Sorted(maps.Values(c.clients))...)
}

func connect(t *testing.T, urls ...string) *clientv3.Client {
	t.Helper()
	etcd, err := clientv3.New(clientv3.Config{Endpoints: urls, Logger: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { etcd.Close() })
	return etcd
}

// write puts so many keys, and gives the revision of the last.
func write(t *testing.T, etcd *clientv3.Client, keys, size int) int64 {
	t.Helper()
	var revision int64
	for i := range keys {
		put, err := etcd.Put(t.Context(), fmt.Sprintf("key%05d", i), strings.Repeat("x", size))
		if err != nil {
			t.Fatal(err)
		}
		revision = put.Header.Revision
	}
	return revision
}

// wantOnly wants these files in a folder and no other, such as one half written.
func wantOnly(t *testing.T, dir string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	slices.Sort(names)
	if !slices.Equal(got, names) {
		t.Errorf("the folder holds %v, want %v", got, names)
	}
}
