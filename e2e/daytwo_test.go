//go:build e2e && linux

package e2e

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// No client of a cluster in full use notices a planned change: nothing fails, and
// whatever was promised is kept. For how long there was no write is told, and
// not judged: the machine has a say in that.

func TestNoClientNoticesMembersOfEtcd35ThatRestartComeAndGo(t *testing.T) {
	noticeNoMembers(t, 5)
}

func TestNoClientNoticesMembersOfEtcd37ThatRestartComeAndGo(t *testing.T) {
	noticeNoMembers(t, 7)
}

func noticeNoMembers(t *testing.T, minor int) {
	t.Helper()
	l, up := small(t, minor)
	of := func(flags ...string) func() {
		return func() { l.etcdctr(up(append([]string{"--etcd", minorRelease(minor)}, flags...)...)...) }
	}
	of()()
	u := startUse(t, l.clientConfig())
	l.set("snapshot-count: 5000")
	u.planned("a setting is rolled", of())
	u.planned("all are restarted", func() { l.etcdctr("restart") })
	u.planned("from 3 to 5 members", of("--members", "5"))
	u.planned("from 5 to 3 members", of("--members", "3"))
	u.planned("the lost data of one is replaced", func() {
		l.lose("etcd2")
		of("--members", "3")()
	})
	u.finish()
}

func TestNoClientNoticesReleasesThatComeAndGo(t *testing.T) {
	l, up := small(t, 5)
	of := func(minor int) func() { return func() { l.etcdctr(up("--etcd", minorRelease(minor))...) } }
	of(5)()
	u := startUse(t, l.clientConfig())
	u.planned("from 3.5 to 3.7", of(7))
	u.planned("from 3.7 to 3.5", of(5))
	u.finish()
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
