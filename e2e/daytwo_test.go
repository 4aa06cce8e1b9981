//go:build e2e && linux

package e2e

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/etcdctr/etcdctr/cluster"
)

// No client of a cluster in full use notices a planned change: nothing fails, and
// whatever was promised is kept. For how long there was no write is told, and
// not judged: the machine has a say in that.

func TestNoClientNoticesMembersOfEtcd35ThatRestartComeAndGo(t *testing.T) {
	noticeNoMembers(t, 5)
}

func TestNoClientNoticesMembersOfEtcd36ThatRestartComeAndGo(t *testing.T) {
	noticeNoMembers(t, 6)
}

func TestNoClientNoticesMembersOfEtcd37ThatRestartComeAndGo(t *testing.T) {
	noticeNoMembers(t, 7)
}

func noticeNoMembers(t *testing.T, minor int) {
	t.Helper()
	g := onProcesses(t)
	g.up(minor, 3)
	u := startUse(t, g.clientConfig())
	u.beside(untouched(t, minor))
	u.planned("a setting is rolled", func() {
		g.set("snapshot-count: 5000")
		g.up(minor, 3)
	})
	u.planned("all are restarted", func() { g.etcdctr("restart") })
	u.planned("from 3 to 5 members", func() { g.up(minor, 5) })
	u.planned("from 5 to 3 members", func() { g.up(minor, 3) })
	u.planned("one that serves is replaced", func() { g.etcdctr("member", "replace", "etcd2") })
	u.planned("the lost data of one is replaced", func() {
		g.lose("etcd3")
		g.up(minor, 3)
	})
	u.finish()
}

func TestNoClientNoticesReleasesThatComeAndGo(t *testing.T) {
	g := onProcesses(t)
	g.up(5, 3)
	u := startUse(t, g.clientConfig())
	u.beside(untouched(t, 5))
	u.planned("from 3.5 to 3.7", func() { g.up(7, 3) })
	u.planned("a downgrade is enabled, and canceled", func() {
		g.etcdctr("etcdctl", "downgrade", "enable", minorRelease(6))
		g.up(7, 3)
	})
	u.planned("from 3.7 to 3.5", func() { g.up(5, 3) })
	u.finish()
}

func TestNoClientNoticesImagesThatComeAndGo(t *testing.T) {
	g := onEngine(t)
	g.up(6)
	u := startUse(t, g.config())
	u.beside(untouched(t, 6))
	u.planned("another image of the same release", func() {
		g.s.ref = must(t, func() (string, error) { return buildEtcdImageAs("etcd-again", 6, "LABEL made=again\n") })
		g.s.etcdctr("up")
	})
	u.planned("from 3.6 to 3.7", func() { g.up(7) })
	u.planned("from 3.7 to 3.6", func() { g.up(6) })
	u.finish()
}

// processGround is a cluster of processes.
type processGround struct {
	*local
	flags func(...string) []string
}

func onProcesses(t *testing.T) *processGround {
	t.Helper()
	l, up := small(t, cluster.NewestMinor)
	return &processGround{l, up}
}

func (p *processGround) up(minor, members int) {
	p.t.Helper()
	p.etcdctr(p.flags("--etcd", minorRelease(minor), "--members", strconv.Itoa(members))...)
}

// engineGround is the one of containers, whose members are published.
type engineGround struct {
	s         *stack
	endpoints []string
}

func onEngine(t *testing.T) *engineGround {
	t.Helper()
	g := &engineGround{s: newStack(t)}
	g.endpoints = g.s.publish("")
	return g
}

func (g *engineGround) up(minor int) {
	g.s.t.Helper()
	g.s.ref = etcdImage(g.s.t, minor)
	g.s.etcdctr("up")
}

func (g *engineGround) config() clientv3.Config {
	return clientv3.Config{Endpoints: g.endpoints, TLS: g.s.clientTLS("clients/root")}
}

// untouched is a cluster that nobody changes.
func untouched(t *testing.T, minor int) clientv3.Config {
	t.Helper()
	p := onProcesses(t)
	p.up(minor, 3)
	return p.clientConfig()
}

// clientConfig is how somebody on this machine reaches the members that run now.
func (l *local) clientConfig() clientv3.Config {
	l.t.Helper()
	dir := filepath.Join(l.dir, "certs", "clients", "root")
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key"))
	if err != nil {
		l.t.Fatal(err)
	}
	pem, err := os.ReadFile(filepath.Join(dir, "ca.crt"))
	if err != nil {
		l.t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	config := clientv3.Config{TLS: &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}}
	stack, err := l.home().Stack()
	if err != nil {
		l.t.Fatal(err)
	}
	for _, m := range stack.Members {
		for address, use := range m.Addresses {
			if use == "client port" {
				config.Endpoints = append(config.Endpoints, "https://"+address)
			}
		}
	}
	return config
}
