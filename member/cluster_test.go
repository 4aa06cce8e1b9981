package member_test

import (
	"crypto/tls"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/etcdmain"
	"go.uber.org/zap"

	"github.com/etcdctr/etcdctr/internal/etcdtest"
	"github.com/etcdctr/etcdctr/member"
)

func TestMain(m *testing.M) {
	if etcdtest.CalledAsEtcd() {
		etcdmain.Main(os.Args)
		return
	}
	os.Exit(m.Run())
}

// etcd is a release of it to run members of.
type etcd struct {
	program string // empty for the one in this test binary
	minor   int
}

// running is a cluster of processes on loopback.
type running struct {
	etcd    etcd
	dir     string // holds the members' data
	flags   []string
	tls     *tls.Config // of a client; nil for plain text
	clients map[string]string
	peers   map[string]string
	members map[string]*etcdtest.Process
}

// newCluster finds addresses for members, and starts none of them.
func (e etcd) newCluster(t *testing.T, names ...string) *running {
	t.Helper()
	c := &running{etcd: e, dir: t.TempDir(), clients: map[string]string{}, peers: map[string]string{}, members: map[string]*etcdtest.Process{}}
	for _, name := range names {
		c.place(t, name)
	}
	return c
}

// place finds addresses for a further member.
func (c *running) place(t *testing.T, name string) {
	t.Helper()
	scheme := "http://"
	if c.tls != nil {
		scheme = "https://"
	}
	c.clients[name] = scheme + etcdtest.FreeAddress(t, "127.0.0.1")
	c.peers[name] = "http://" + etcdtest.FreeAddress(t, "127.0.0.1")
}

// start starts members, or all of them if none are named, and does not wait.
func (c *running) start(t *testing.T, names ...string) {
	t.Helper()
	if len(names) == 0 {
		names = slices.Sorted(maps.Keys(c.clients))
	}
	for _, name := range names {
		flags := append([]string{
			"--name=" + name, "--data-dir=" + c.data(name),
			"--listen-client-urls=" + c.clients[name], "--advertise-client-urls=" + c.clients[name],
			"--listen-peer-urls=" + c.peers[name], "--initial-advertise-peer-urls=" + c.peers[name],
			"--initial-cluster=" + c.initial(), "--heartbeat-interval=10", "--election-timeout=100", "--unsafe-no-fsync",
		}, c.flags...)
		if c.etcd.program == "" {
			c.members[name] = etcdtest.Start(t, nil, flags...)
		} else {
			c.members[name] = etcdtest.StartProgram(t, c.etcd.program, nil, flags...)
		}
	}
}

func (c *running) data(name string) string { return c.dir + "/" + name }

func (c *running) initial() string {
	var all []string
	for name, peer := range c.peers {
		all = append(all, name+"="+peer)
	}
	return strings.Join(all, ",")
}

// client makes the client under test, for these members or for all.
func (c *running) client(t *testing.T, patience member.Patience, names ...string) *member.Client {
	t.Helper()
	urls := c.clients
	if len(names) > 0 {
		urls = map[string]string{}
		for _, name := range names {
			urls[name] = c.clients[name]
		}
	}
	client, err := member.New(member.Config{URLs: urls, TLS: c.tls, Patience: patience})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := client.Close(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			c.showLogs(t)
		}
	})
	return client
}

func (c *running) showLogs(t *testing.T) {
	t.Helper()
	for name, process := range c.members {
		t.Logf("%s:\n%s", name, process.Log())
	}
}

// serving waits until members serve, or all of them if none are named.
func serving(t *testing.T, client *member.Client, names ...string) {
	t.Helper()
	if err := client.WaitServing(t.Context(), names...); err != nil {
		t.Fatal(err)
	}
}

func (c *running) stop(name string) { c.members[name].Stop() }

// write puts this many keys of this many bytes by way of a member.
func (c *running) write(t *testing.T, name string, keys, size int) {
	t.Helper()
	etcd := c.raw(t, name)
	for i := range keys {
		if _, err := etcd.Put(t.Context(), fmt.Sprintf("key%d", i), strings.Repeat("x", size)); err != nil {
			t.Fatal(err)
		}
	}
}

// raw is etcd's own client for members.
func (c *running) raw(t *testing.T, names ...string) *clientv3.Client {
	t.Helper()
	var endpoints []string
	for _, name := range names {
		endpoints = append(endpoints, c.clients[name])
	}
	etcd, err := clientv3.New(clientv3.Config{Endpoints: endpoints, TLS: c.tls, Logger: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { etcd.Close() })
	return etcd
}

func look(t *testing.T, client *member.Client) member.View {
	t.Helper()
	v, err := client.Look(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return v
}
