package hosts_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/runtime/hosts"
)

// signed is a certificate that vouches for itself.
func signed(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// showing listens, shows a certificate, and lets nobody in who shows none.
func showing(t *testing.T, c tls.Certificate) string {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{c}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: x509.NewCertPool()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_ = conn.(*tls.Conn).Handshake()
			conn.Close()
		}
	}()
	return l.Addr().String()
}

// Whoever has renewed certificates has to learn whose machine has got none of them.
func TestMembersThatShowOtherCertificatesAreTold(t *testing.T) {
	old, now := signed(t), signed(t)
	at := map[string]string{"192.0.2.1:2379": showing(t, old), "192.0.2.2:2379": showing(t, now)} // of the third nobody answers
	s := newSite(t)
	s.spec.TLS = ""
	r := hosts.New(hosts.Options{
		Spec: s.spec, Output: t.TempDir(),
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, at[address])
		},
		Shows: func(string) ([]byte, error) { return now.Certificate[0], nil },
	})
	want, err := cluster.Resolve(s.spec, cluster.InContainers)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := r.OldCopies(t.Context(), want); err != nil || !slices.Equal(got, []string{"etcd1"}) {
		t.Errorf("told are %q, %v", got, err)
	}
}

// What is packed besides is shown, or read, without a member being started anew.
func TestWhatIsPackedBesidesStartsNobodyAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		s.apply()
		s.packed = "renewed"
		if changes, err := s.runtime.Changes(t.Context(), s.want(), s.observe()); err != nil || len(changes) != 0 {
			t.Errorf("got %+v, %v", changes, err)
		}
	})
}
