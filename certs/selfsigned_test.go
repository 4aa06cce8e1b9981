package certs_test

import (
	"crypto/tls"
	"net"
	"slices"
	"testing"

	"go.etcd.io/etcd/client/pkg/v3/transport"
	"go.uber.org/zap"

	"github.com/etcdctr/etcdctr/certs"
)

func TestRenewedSelfSignedCertificateSaysWhatEtcdsSaid(t *testing.T) {
	info, err := transport.SelfCert(zap.NewNop(), t.TempDir(), []string{"10.89.1.11:2379", "etcd1:2379"}, 1)
	if err != nil {
		t.Fatal(err)
	}
	old, err := tls.LoadX509KeyPair(info.CertFile, info.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	now := old.Leaf.NotAfter.Add(-day)
	made, err := certs.RenewSelfSigned(pemBlock("CERTIFICATE", old.Leaf.Raw), now, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	renewed, err := tls.X509KeyPair(made.Cert, made.Key)
	if err != nil {
		t.Fatal(err)
	}
	is, was := renewed.Leaf, old.Leaf
	if is.Subject.String() != was.Subject.String() || is.KeyUsage != was.KeyUsage || !slices.Equal(is.ExtKeyUsage, was.ExtKeyUsage) ||
		!slices.Equal(is.DNSNames, was.DNSNames) || !slices.EqualFunc(is.IPAddresses, was.IPAddresses, net.IP.Equal) {
		t.Errorf("it says something else: %+v", is)
	}
	if got, want := is.NotAfter.Sub(now), was.NotAfter.Sub(was.NotBefore); got.Round(day) != want.Round(day) {
		t.Errorf("it is good for %v, was for %v", got, want)
	}
	if until, err := certs.SelfSignedUntil(made.Cert); err != nil || !until.Equal(is.NotAfter) {
		t.Errorf("until %v, %v", until, err)
	}
	_, err = certs.RenewSelfSigned([]byte("x"), now, 0, nil)
	wantError(t, err, "the certificate holds no certificate in PEM form")
}
