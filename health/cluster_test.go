package health_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"github.com/etcdctr/etcdctr/health"
	"github.com/etcdctr/etcdctr/internal/etcdtest"
)

// testCluster runs members as processes on loopback.
type testCluster struct {
	deep       bool
	dir        string // of their data
	names      []string
	clientPort map[string]int
	peerPort   map[string]int
	initial    map[string]string // initial cluster, where it is not all names
	flags      []string          // further ones
	tls        *tls.Config
	running    map[string]*etcdtest.Process
}

func newCluster(t *testing.T, names ...string) *testCluster {
	t.Helper()
	c := &testCluster{
		names: names, initial: map[string]string{}, dir: t.TempDir(),
		clientPort: map[string]int{}, peerPort: map[string]int{}, running: map[string]*etcdtest.Process{},
	}
	for _, name := range names {
		c.clientPort[name], c.peerPort[name] = etcdtest.FreePort(t), etcdtest.FreePort(t)
	}
	return c
}

func (c *testCluster) clientURL(name string) string {
	return fmt.Sprintf("%s://127.0.0.1:%d", c.scheme(), c.clientPort[name])
}

func (c *testCluster) peerURL(name string) string {
	return fmt.Sprintf("%s://127.0.0.1:%d", c.scheme(), c.peerPort[name])
}

func (c *testCluster) scheme() string {
	if c.tls != nil {
		return "https"
	}
	return "http"
}

// start starts members and waits until each answers a linearizable read.
func (c *testCluster) start(t *testing.T, names ...string) {
	t.Helper()
	c.startWithoutWaiting(t, names...)
	c.await(t, func(r health.Report) bool {
		return !slices.ContainsFunc(r.Members, func(m health.MemberReport) bool {
			return slices.Contains(names, m.Name) && m.ReadMillis == 0
		})
	})
}

func (c *testCluster) startWithoutWaiting(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		c.running[name] = etcdtest.Start(t, nil, append([]string{
			"--name=" + name, "--data-dir=" + filepath.Join(c.dir, name),
			"--listen-client-urls=" + c.clientURL(name), "--advertise-client-urls=" + c.clientURL(name),
			"--listen-peer-urls=" + c.peerURL(name), "--initial-advertise-peer-urls=" + c.peerURL(name),
			"--initial-cluster=" + c.initialCluster(name),
			"--heartbeat-interval=10", "--election-timeout=100", "--unsafe-no-fsync",
		}, c.flags...)...)
	}
}

func (c *testCluster) initialCluster(name string) string {
	if other, ok := c.initial[name]; ok {
		return other
	}
	var all []string
	for _, name := range c.names {
		all = append(all, name+"="+c.peerURL(name))
	}
	return strings.Join(all, ",")
}

func (c *testCluster) stop(name string) { c.running[name].Kill() }

// add brings a further member in as a learner.
func (c *testCluster) add(t *testing.T, name string) {
	t.Helper()
	c.clientPort[name], c.peerPort[name] = etcdtest.FreePort(t), etcdtest.FreePort(t)
	client := c.client(t, c.names[0])
	if _, err := client.MemberAddAsLearner(t.Context(), []string{c.peerURL(name)}); err != nil {
		t.Fatal(err)
	}
	c.names = append(c.names, name)
	c.flags = append(c.flags, "--initial-cluster-state=existing")
	c.startWithoutWaiting(t, name)
}

func (c *testCluster) client(t *testing.T, name string) *clientv3.Client {
	t.Helper()
	client, err := clientv3.New(clientv3.Config{
		Endpoints: []string{c.clientURL(name)}, TLS: c.tls, Logger: zap.NewNop(),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

func (c *testCluster) cluster() health.Cluster {
	h := health.Cluster{TLS: c.tls, Timeout: 2 * time.Second, Deep: c.deep}
	for _, name := range c.names {
		h.Members = append(h.Members, health.Member{Name: name, ClientURL: c.clientURL(name), PeerURL: c.peerURL(name)})
	}
	return h
}

func (c *testCluster) check(t *testing.T) health.Report {
	t.Helper()
	return c.cluster().Check(t.Context())
}

// await asks until the report is as wanted.
func (c *testCluster) await(t *testing.T, wanted func(health.Report) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var r health.Report
	for ctx.Err() == nil {
		if r = c.cluster().Check(ctx); wanted(r) {
			return
		}
	}
	for name, p := range c.running {
		t.Logf("%s:\n%s", name, p.Log())
	}
	t.Fatalf("the cluster did not come to be as wanted: %q", r.Failures)
}
