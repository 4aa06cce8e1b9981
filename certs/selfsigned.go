package certs

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"time"
)

// SelfSigned is a certificate that nobody has vouched for, as etcd makes with
// auto-TLS, and its key, both in PEM.
type SelfSigned struct {
	Cert, Key []byte
	Until     time.Time
}

// RenewSelfSigned makes a certificate that says what the given one says, with a
// key of its own. etcd makes one at its first start and never again. It is good
// for lifetime; zero: as long as the one before.
func RenewSelfSigned(certPEM []byte, now time.Time, lifetime time.Duration, random io.Reader) (SelfSigned, error) {
	if random == nil {
		random = rand.Reader
	}
	chain, err := parseCertificates(certPEM)
	if err != nil {
		return SelfSigned{}, fmt.Errorf("the certificate %w", err)
	}
	old := chain[0]
	if lifetime == 0 {
		lifetime = old.NotAfter.Sub(old.NotBefore)
	}
	key, err := ecdsa.GenerateKey(elliptic.P521(), rand.Reader) // as etcd does
	if err != nil {
		return SelfSigned{}, err
	}
	serial, err := newSerial(random)
	if err != nil {
		return SelfSigned{}, err
	}
	template := &x509.Certificate{
		SerialNumber: serial, RawSubject: old.RawSubject, DNSNames: old.DNSNames, IPAddresses: old.IPAddresses,
		NotBefore: now.Add(-backdate), NotAfter: now.Add(lifetime),
		KeyUsage: old.KeyUsage, ExtKeyUsage: old.ExtKeyUsage, BasicConstraintsValid: true,
	}
	cert, err := sign(template, template, key.Public(), key, random)
	if err != nil {
		return SelfSigned{}, err
	}
	der, err := x509.MarshalECPrivateKey(key) // the form that etcd writes
	return SelfSigned{
		Cert: encodeCertificates(cert), Until: cert.NotAfter,
		Key: pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}),
	}, err
}

// SelfSignedUntil is when a certificate in PEM ends.
func SelfSignedUntil(certPEM []byte) (time.Time, error) {
	chain, err := parseCertificates(certPEM)
	if err != nil {
		return time.Time{}, fmt.Errorf("the certificate %w", err)
	}
	return chain[0].NotAfter, nil
}
