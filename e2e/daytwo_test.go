//go:build e2e && linux

package e2e

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/internal/etcdtest"
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

func TestNoClientNoticesMembersInContainersThatRestartComeAndGo(t *testing.T) {
	noticeNoMembersOn(t, onEngine(t), cluster.NewestMinor)
}

func noticeNoMembers(t *testing.T, minor int) {
	t.Helper()
	noticeNoMembersOn(t, onProcesses(t), minor)
}

func noticeNoMembersOn(t *testing.T, g ground, minor int) {
	t.Helper()
	g.up(minor, 3)
	u := startUse(t, g.config())
	u.beside(untouched(t, minor))
	u.planned("a setting is rolled", func() {
		g.set("snapshot-count: 5000")
		g.up(minor, 3)
	})
	u.planned("all are restarted", func() { g.run("restart") })
	u.planned("from 3 to 5 members", func() { g.up(minor, 5) })
	u.planned("from 5 to 3 members", func() { g.up(minor, 3) })
	u.planned("one that serves is replaced", func() { g.run("member", "replace", "etcd2") })
	u.planned("the lost data of one is replaced", func() {
		g.lose("etcd3")
		g.up(minor, 3)
	})
	u.finish()
}

func TestNoClientNoticesReleasesThatComeAndGo(t *testing.T) {
	g := onProcesses(t)
	g.up(cluster.OldestMinor, 3)
	u := startUse(t, g.config())
	u.beside(untouched(t, cluster.OldestMinor))
	u.planned("from the oldest to the newest", func() { g.up(cluster.NewestMinor, 3) })
	u.planned("a downgrade is enabled, and canceled", func() {
		g.etcdctr("etcdctl", "downgrade", "enable", minorRelease(cluster.NewestMinor-1))
		g.up(cluster.NewestMinor, 3)
	})
	u.planned("from the newest to the oldest", func() { g.up(cluster.OldestMinor, 3) })
	u.finish()
}

func TestNoClientNoticesImagesThatComeAndGo(t *testing.T) {
	g := onEngine(t)
	before := cluster.NewestMinor - 1
	g.endpoints = g.endpoints[:3] // of the members that there are
	g.up(before, 3)
	u := startUse(t, g.config())
	u.beside(untouched(t, before))
	u.planned("another image of the same release", func() {
		g.ref = must(t, func() (string, error) { return buildEtcdImageAs("etcd-again", before, "LABEL made=again\n") })
		g.run("up")
	})
	u.planned("to the newest release", func() { g.up(cluster.NewestMinor, 3) })
	u.planned("back from it", func() { g.up(before, 3) })
	u.finish()
}

// ground is where a cluster runs that is changed in full use.
type ground interface {
	up(minor, members int)
	// run runs a command of etcdctr on it.
	run(command ...string)
	// set gives all members a setting, from the next up on.
	set(setting string)
	// lose stops a member and deletes what it holds.
	lose(member string)
	// config is how clients reach its members.
	config() clientv3.Config
	// wantWell wants so many members, healthy, and nothing left to do.
	wantWell(members int)
}

// processGround is a cluster of processes.
type processGround struct {
	*local
	flags func(...string) []string
	last  []string // the last up
}

func onProcesses(t *testing.T) *processGround {
	t.Helper()
	l, up := small(t, cluster.NewestMinor)
	return &processGround{local: l, flags: up}
}

func (p *processGround) up(minor, members int) {
	p.t.Helper()
	p.last = p.flags("--etcd", minorRelease(minor), "--members", strconv.Itoa(members))
	p.etcdctr(p.last...)
}

func (p *processGround) run(command ...string) {
	p.t.Helper()
	p.etcdctr(command...)
}

func (p *processGround) config() clientv3.Config {
	p.t.Helper()
	return p.clientConfig()
}

// engineGround is the one of containers. Its members are published, and clients know
// the addresses of those that are yet to come.
type engineGround struct {
	*stack
	endpoints []string
	setting   string
}

func onEngine(t *testing.T) *engineGround {
	t.Helper()
	g := &engineGround{stack: newStack(t)}
	for range 5 {
		g.endpoints = append(g.endpoints, "https://"+etcdtest.FreeAddress(t, "127.0.0.1"))
	}
	return g
}

func (g *engineGround) up(minor, members int) {
	g.t.Helper()
	g.describe(minor, members)
	g.run("up")
}

// describe writes the cluster file.
func (g *engineGround) describe(minor, members int) {
	g.t.Helper()
	g.ref = etcdImage(g.t, minor)
	file := g.setting + "publish: loopback\nmembers:\n"
	for i := range members {
		file += fmt.Sprintf("- {name: etcd%d", i+1)
		if i < len(g.endpoints) {
			_, port, _ := strings.Cut(strings.TrimPrefix(g.endpoints[i], "https://"), ":")
			file += fmt.Sprintf(", client-port: %q", port)
		}
		file += "}\n"
	}
	writeFile(g.t, filepath.Join(g.dir, "etcdctr.yaml"), file)
}

func (g *engineGround) run(command ...string) {
	g.t.Helper()
	g.etcdctr(command[0], command[1:]...)
}

func (g *engineGround) set(setting string) { g.setting = setting + "\n" }

func (g *engineGround) lose(member string) {
	g.t.Helper()
	g.run("stop", member)
	folder := run(g.t, g.dir, "docker", "volume", "inspect", "--format", "{{.Mountpoint}}", g.name+"_"+member+"-data")
	if err := os.RemoveAll(filepath.Join(strings.TrimSpace(folder), "member")); err != nil {
		g.t.Fatal(err)
	}
}

func (g *engineGround) config() clientv3.Config {
	return clientv3.Config{Endpoints: g.endpoints, TLS: g.clientTLS("clients/root")}
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
