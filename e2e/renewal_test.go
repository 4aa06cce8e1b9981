//go:build e2e

package e2e

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.etcd.io/etcd/client/pkg/v3/transport"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"github.com/etcdctr/etcdctr/certs"
	"github.com/etcdctr/etcdctr/cluster"
)

// Certificates change while the cluster is at work.

// TestRenewalUnderLoadFailsNoRequest replaces the certificates of the members
// and of their clients, while one client writes, one watches and others connect
// anew for every read.
func TestRenewalUnderLoadFailsNoRequest(t *testing.T) {
	eachMinor(t, func(t *testing.T, minor int) {
		s, endpoints := newServedStack(t, minor)
		l := startLoadOf(t, s.freshConfig(endpoints), etcdctlTimeout)
		l.startNewcomers(func() clientv3.Config { return s.freshConfig(endpoints) })
		serials := s.wantShown(endpoints)
		for _, how := range []string{"", "etcd1 etcd2 etcd3", "--keep-key", "root", ""} {
			l.wantMore(settledWrites)
			l.wantMoreNewcomers(settledNewcomers)
			s.certs("renew " + how)
			now := s.wantShown(endpoints)
			for i := range now {
				if now[i] == serials[i] && how != "root" {
					t.Errorf("renew %s: etcd%d shows %s still", how, i+1, now[i])
				}
			}
			serials = now
		}
		l.wantMore(settledWrites)
		l.wantMoreNewcomers(settledNewcomers)
		l.finish()
		l.wantNobodyTurnedAway()
		l.wantNoWriteFailed()
	})
}

// TestRotationOfTheAuthoritiesUnderLoadLosesNothing goes through the three
// stages, restarts included. A write that is under way in a member that stops
// may fail; a read is repeated by the client.
func TestRotationOfTheAuthoritiesUnderLoadLosesNothing(t *testing.T) {
	s, endpoints := newServedStack(t, cluster.NewestMinor)
	s.certs("rotate-ca --stage begin")
	l := startLoadOf(t, s.freshConfig(endpoints), etcdctlTimeout) // which trusts both
	l.startNewcomers(func() clientv3.Config { return s.freshConfig(endpoints) })
	for _, step := range []func(){
		func() { s.etcdctr("restart") },
		func() {
			if _, err := s.tryRotate("--stage", "switch"); err != nil {
				t.Fatal(err)
			}
		},
		func() { s.certs("rotate-ca --stage finish") },
		func() { s.etcdctr("restart") },
	} {
		l.wantMore(settledWrites)
		l.wantMoreNewcomers(settledNewcomers)
		step()
		s.wantShown(endpoints)
	}
	l.wantMore(settledWrites)
	l.wantMoreNewcomers(settledNewcomers)
	l.finish()
	l.wantNobodyTurnedAway()
}

// TestRotationByOneCommandTurnsNobodyAway has one command go through all stages,
// after a stage that came too early was refused without harm.
func TestRotationByOneCommandTurnsNobodyAway(t *testing.T) {
	eachMinor(t, func(t *testing.T, minor int) {
		s, endpoints := newServedStack(t, minor)
		s.certs("rotate-ca --stage begin")
		l := startLoadOf(t, s.freshConfig(endpoints), etcdctlTimeout) // which trusts both
		l.startNewcomers(func() clientv3.Config { return s.freshConfig(endpoints) })
		l.wantMore(settledWrites)
		_, err := s.tryRotate("--stage", "switch")
		if err == nil || !strings.Contains(err.Error(), "etcdctr restart etcd1 etcd2 etcd3") {
			t.Fatalf("a switch right after begin: %v", err)
		}
		if out, err := s.tryRotate(); err != nil {
			t.Fatalf("the rest: %v\n%s", err, out)
		}
		s.wantShown(endpoints)
		l.wantMore(settledWrites)
		l.wantMoreNewcomers(settledNewcomers)
		l.finish()
		l.wantNobodyTurnedAway()
		l.wantNoWriteFailed()
	})
}

// newServedStack is a running stack of a minor's release, and where clients on
// this machine reach its members.
func newServedStack(t *testing.T, minor int) (*stack, []string) {
	t.Helper()
	s := newStack(t)
	s.ref = etcdImage(t, minor)
	endpoints := s.publish(fmt.Sprintf("etcd: %s\n", cluster.KnownPatches[minor]))
	s.generate()
	s.up()
	return s, endpoints
}

// freshConfig is that of root's client. It reads its certificate again at each
// handshake, as etcd does. It reads the key after the certificate: one that begins
// while they are replaced finds two that don't belong together, and begins again.
func (s *stack) freshConfig(endpoints []string) clientv3.Config {
	s.t.Helper()
	return freshConfig(s.t, s.dir, endpoints)
}

// freshConfig is that of root's client of the cluster of a folder.
func freshConfig(t *testing.T, folder string, endpoints []string) clientv3.Config {
	t.Helper()
	dir := filepath.Join(folder, "certs/clients/root")
	info := transport.TLSInfo{
		CertFile: filepath.Join(dir, certs.CertFile), KeyFile: filepath.Join(dir, certs.KeyFile), TrustedCAFile: filepath.Join(dir, certs.CAFile),
	}
	config, err := info.ClientConfig()
	if err != nil && strings.Contains(err.Error(), "private key does not match public key") {
		config, err = info.ClientConfig()
	}
	if err != nil {
		t.Error(err)
	}
	return clientv3.Config{Endpoints: endpoints, TLS: config, Logger: zap.NewNop()}
}

// certs runs a command on the stack's certificates.
func (s *stack) certs(command string) {
	s.t.Helper()
	run(s.t, s.dir, etcdctrBinary(s.t), append([]string{"certs"}, strings.Fields(command)...)...)
}

// tryRotate replaces the authorities of the stack's members.
func (s *stack) tryRotate(args ...string) (string, error) {
	s.t.Helper()
	return try(s.t, s.dir, etcdctrBinary(s.t), append([]string{"certs", "rotate-ca", "--name", s.name}, args...)...)
}

// wantShown wants each member to show on both ports what is in its files now,
// and gives the serial numbers.
func (s *stack) wantShown(endpoints []string) []string {
	s.t.Helper()
	var serials []string
	for i, endpoint := range endpoints {
		member := fmt.Sprintf("etcd%d", i+1)
		serials = append(serials,
			s.shown(member, "server", "clients/root", strings.TrimPrefix(endpoint, "https://"))+", "+
				s.shown(member, "peer", "members/"+member+"/peer", net.JoinHostPort(s.address(member), "2380")))
	}
	return serials
}

// shown is the serial number of the certificate that a member shows to an
// identity, which has to be that of its file. Whether the member goes on to
// talk to this machine, which is no peer of its, is another matter.
func (s *stack) shown(member, profile, as, address string) string {
	s.t.Helper()
	pki := filepath.Join(s.dir, "certs")
	pair, roots := readIdentity(s.t, filepath.Join(pki, as))
	want, _ := readIdentity(s.t, filepath.Join(pki, "members", member, profile))
	conn, err := tls.Dial("tcp", address, &tls.Config{Certificates: []tls.Certificate{pair}, RootCAs: roots, ServerName: member})
	if err != nil {
		s.t.Fatalf("the %s port of %s: %v", profile, member, err)
	}
	defer conn.Close()
	got := conn.ConnectionState().PeerCertificates[0]
	if !got.Equal(want.Leaf) {
		s.t.Errorf("%s shows the %s certificate %X, its file holds %X", member, profile, got.SerialNumber, want.Leaf.SerialNumber)
	}
	return fmt.Sprintf("%X", got.SerialNumber)
}

const (
	newcomers        = 4               // at any time
	settledNewcomers = 50              // show that connecting goes well
	etcdctlTimeout   = 5 * time.Second // is what a request gets by default
)

// startNewcomers has clients come, read and leave.
func (l *load) startNewcomers(config func() clientv3.Config) {
	l.t.Helper()
	for range newcomers {
		l.welcome(func(ctx context.Context) error { return readOnce(ctx, config()) })
	}
}

// welcome has somebody come again and again.
func (l *load) welcome(visit func(context.Context) error) {
	l.newcomers = append(l.newcomers, begin(l.t, func(ctx context.Context) {
		for ctx.Err() == nil {
			err := visit(ctx)
			if ctx.Err() != nil {
				return // the visit was interrupted
			}
			l.mu.Lock()
			l.served++
			if err != nil {
				l.turnedAway = append(l.turnedAway, err)
			}
			l.changed.Broadcast()
			l.mu.Unlock()
		}
	}))
}

func readOnce(ctx context.Context, config clientv3.Config) error {
	c, err := clientv3.New(config)
	if err != nil {
		return err
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(ctx, etcdctlTimeout)
	defer cancel()
	_, err = c.Get(ctx, loadPrefix)
	return err
}

// wantMoreNewcomers wants n more clients to have come.
func (l *load) wantMoreNewcomers(n int) {
	l.t.Helper()
	l.mu.Lock()
	most := l.served + n
	l.mu.Unlock()
	l.wait(fmt.Sprintf("%d more newcomers", n), func() bool { return l.served >= most })
}

// wantNobodyTurnedAway wants every client that came to have been served.
func (l *load) wantNobodyTurnedAway() {
	l.t.Helper()
	for _, a := range l.newcomers {
		a.end()
	}
	l.t.Logf("%d newcomers, %d turned away", l.served, len(l.turnedAway))
	l.t.Attr("newcomers", fmt.Sprint(l.served))
	if len(l.turnedAway) > 0 {
		l.t.Errorf("%d of %d newcomers were turned away: %v", len(l.turnedAway), l.served, l.turnedAway[0])
	}
}

// TestRenewalOfAutoTLSReachesEveryMember renews what etcd has made up, in an image
// with a user of its own, whose files would be unreadable to it as root's. A member
// shows the new certificate at once and starts again on it.
func TestRenewalOfAutoTLSReachesEveryMember(t *testing.T) {
	s := newStack(t)
	s.ref = buildImage(t).Reference
	s.generate("--tls", "auto")
	s.up()
	renew := func(args ...string) {
		t.Helper()
		run(t, s.dir, etcdctrBinary(t), append([]string{"certs", "renew", "--tls", "auto", "--name", s.name}, args...)...)
	}
	wantDays := func(want int) {
		t.Helper()
		var report struct {
			Members []struct {
				Certificates []struct{ DaysLeft int }
			}
		}
		decode(t, s.etcdctr("health", "--format", "json"), &report)
		if len(report.Members) != 3 {
			t.Fatalf("health tells of %d members", len(report.Members))
		}
		for _, m := range report.Members {
			if len(m.Certificates) == 0 {
				t.Error("a member shows no certificate")
			}
			for _, c := range m.Certificates {
				if c.DaysLeft != want {
					t.Errorf("%d days are left, want %d", c.DaysLeft, want)
				}
			}
		}
	}
	renew("--lifetime", "41d")
	wantDays(40)
	s.etcdctr("restart")
	wantDays(40)
	s.wantMembers(3)
}
