//go:build e2e && linux

package e2e

import (
	"path/filepath"
	"strings"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// TestProcessesGoOverToTLSAndBackUnderLoad has clients come in plain text until all
// members answer both ways, and with certificates from then on; and then all of it
// the other way round. Nobody who comes in a way that is answered is turned away, and
// nothing that was acknowledged is lost. A write that is under way while members of
// both kinds run may have to be repeated: one does not get through to the other until
// that has connected to it.
func TestProcessesGoOverToTLSAndBackUnderLoad(t *testing.T) {
	eachMinor(t, func(t *testing.T, minor int) {
		l, up := small(t, minor)
		of := func(flags ...string) { l.etcdctr(up(append([]string{"--etcd", minorRelease(minor)}, flags...)...)...) }
		of("--tls", "none")
		plain := l.plainConfig()
		noticed := func(config func() clientv3.Config, change func()) {
			t.Helper()
			load := startLoadOf(t, config(), etcdctlTimeout)
			load.startNewcomers(config)
			load.wantMore(settledWrites)
			load.wantMoreNewcomers(settledNewcomers)
			change()
			load.wantMore(settledWrites)
			load.wantMoreNewcomers(settledNewcomers)
			load.writing.end()
			load.looking.end() // it has seen what the client before has written, too
			load.judgeStore(t.Context())
			load.wantNobodyTurnedAway()
			t.Logf("%d writes acknowledged, %d to be repeated, longest gap %s", load.acknowledged(), len(load.failed), load.longestGap())
			l.etcdctr("etcdctl", "del", "--prefix", loadPrefix)
		}
		secure := func() clientv3.Config {
			return clientv3.Config{
				Endpoints: l.clientConfig().Endpoints,
				TLS:       identityTLS(t, filepath.Join(l.dir, "certs", "clients", "root")),
			}
		}
		if _, err := l.try(up("--etcd", minorRelease(minor), "--tls", "mutual")...); err == nil {
			t.Error("clients that have not moved are cut off without a question")
		}
		noticed(plain, func() { of("--tls", "mutual", "--clients", "both") })
		noticed(secure, func() { of("--clients", "moved") })
		l.etcdctr("health")
		l.etcdctr("verify")
		if out := l.etcdctr("etcdctl", "member", "list"); strings.Contains(out, "http:") {
			t.Errorf("a plain URL is left:\n%s", out)
		}
		noticed(secure, func() { of("--tls", "none", "--clients", "both") })
		noticed(plain, func() { of("--clients", "moved") })
		l.etcdctr("health")
		if out := l.etcdctr("etcdctl", "member", "list"); strings.Contains(out, "https:") {
			t.Errorf("a secure URL is left:\n%s", out)
		}
	})
}

// TestContainersGoOverToTLS is the same on an engine, in one go.
func TestContainersGoOverToTLS(t *testing.T) {
	s := newStack(t)
	s.etcdctr("up", "--tls", "none")
	s.etcdctr("etcdctl", "put", "key", "value")
	s.etcdctr("up", "--tls", "mutual", "--clients", "moved")
	s.etcdctr("health")
	s.etcdctr("verify")
	if got := s.etcdctr("etcdctl", "get", "--print-value-only", "key"); got != "value\n" {
		t.Errorf("the key holds %q", got)
	}
}

// plainConfig is how somebody on this machine reaches members without TLS.
func (l *local) plainConfig() func() clientv3.Config {
	l.t.Helper()
	stack, err := l.home().Stack()
	if err != nil {
		l.t.Fatal(err)
	}
	var endpoints []string
	for _, m := range stack.Members {
		for address, use := range m.Addresses {
			if use == "client port" {
				endpoints = append(endpoints, "http://"+address)
			}
		}
	}
	return func() clientv3.Config { return clientv3.Config{Endpoints: endpoints} }
}
