package certs

import (
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"math/big"
	"os"
	"slices"
	"time"
)

// backdate is how far before now a certificate's life begins, for machines
// whose clocks are behind.
const backdate = 5 * time.Minute

// Authority is a certificate that vouches for others, with its private key.
type Authority struct {
	chain  []*x509.Certificate // its own, then those that vouch for it
	key    crypto.Signer       // nil when the key is kept elsewhere
	keyPEM []byte
	was    string // of one that is put away: the name of the authority that it was, without its folder
}

// LoadAuthority reads an authority that was made elsewhere: by cfssl, openssl
// or a company's PKI. certFile holds its certificate in PEM, followed by those
// that vouch for it, if any, up to the root. keyFile holds its private key in
// PEM, as PKCS#8, PKCS#1 or SEC 1.
func LoadAuthority(certFile, keyFile string) (*Authority, error) {
	certPEM, certErr := os.ReadFile(certFile)
	keyPEM, keyErr := os.ReadFile(keyFile)
	if err := errors.Join(certErr, keyErr); err != nil {
		return nil, fmt.Errorf("read the authority: %w", err)
	}
	chain, certErr := parseCertificates(certPEM)
	if certErr != nil {
		certErr = fmt.Errorf("authority %s %w", certFile, certErr)
	}
	key, keyErr := parseKey(keyPEM)
	if keyErr != nil {
		keyErr = fmt.Errorf("authority key %s %w", keyFile, keyErr)
	}
	if err := errors.Join(certErr, keyErr); err != nil {
		return nil, err
	}
	a := &Authority{chain: chain, key: key}
	if err := a.check(); err != nil {
		return nil, fmt.Errorf("authority %s %w", certFile, err)
	}
	var err error
	a.keyPEM, err = encodeKey(key)
	return a, err
}

func (a *Authority) cert() *x509.Certificate { return a.chain[0] }

// same reports whether two authorities are one.
func (a *Authority) same(other *Authority) bool { return a.cert().Equal(other.cert()) }

// notAfter is when the first certificate of the chain ends, and everything that
// it vouches for with it.
func (a *Authority) notAfter() time.Time {
	return slices.MinFunc(a.chain, func(c, d *x509.Certificate) int { return c.NotAfter.Compare(d.NotAfter) }).NotAfter
}

// notBefore is when the last certificate of the chain begins.
func (a *Authority) notBefore() time.Time {
	return slices.MaxFunc(a.chain, func(c, d *x509.Certificate) int { return c.NotBefore.Compare(d.NotBefore) }).NotBefore
}

// intermediates is what a leaf shows beside its own certificate, so that
// whoever trusts the root can build the chain.
func (a *Authority) intermediates() []*x509.Certificate {
	var list []*x509.Certificate
	for _, c := range a.chain {
		if !selfSigned(c) {
			list = append(list, c)
		}
	}
	return list
}

// selfSigned reports whether a certificate is a root. An old one may be signed
// with SHA-1, which nobody minds in a root and Go does not check any more.
func selfSigned(c *x509.Certificate) bool {
	if string(c.RawIssuer) != string(c.RawSubject) {
		return false
	}
	err := c.CheckSignatureFrom(c)
	var old x509.InsecureAlgorithmError
	return err == nil || errors.As(err, &old)
}

// crlIssuer is the certificate as crypto/x509 wants to see a signer of
// revocation lists. A certificate without key usages, such as
// `openssl req -x509` makes, may be used for everything (RFC 5280, 4.2.1.3),
// which crypto/x509 does not take for a yes.
func (a *Authority) crlIssuer() *x509.Certificate {
	cert := *a.cert()
	cert.KeyUsage |= x509.KeyUsageCRLSign
	if len(cert.SubjectKeyId) == 0 {
		sum := sha256.Sum256(cert.RawSubjectPublicKeyInfo)
		cert.SubjectKeyId = sum[:20] // as RFC 7093 makes one
	}
	return &cert
}

// newAuthority makes a root that vouches for leaves only.
func newAuthority(subject pkix.Name, key KeyAlgorithm, now time.Time, lifetime time.Duration, random io.Reader) (*Authority, error) {
	signer, err := newKey(key)
	if err != nil {
		return nil, err
	}
	serial, err := newSerial(random)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               subject,
		NotBefore:             now.Add(-backdate),
		NotAfter:              now.Add(lifetime),
		KeyUsage:              CA.keyUsage(key),
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        true,
	}
	cert, err := sign(template, template, signer.Public(), signer, random)
	if err != nil {
		return nil, err
	}
	keyPEM, err := encodeKey(signer)
	if err != nil {
		return nil, err
	}
	return &Authority{chain: []*x509.Certificate{cert}, key: signer, keyPEM: keyPEM}, nil
}

// newSerial is 128 random bits: more than the 64 that RFC 5280's successors ask
// for, within its 20 octets, and never twice.
func newSerial(random io.Reader) (*big.Int, error) {
	var b [16]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return nil, fmt.Errorf("draw a serial number: %w", err)
	}
	return new(big.Int).SetBytes(b[:]), nil
}

func sign(template, parent *x509.Certificate, pub crypto.PublicKey, key crypto.Signer, random io.Reader) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(random, template, parent, pub, key)
	if err != nil {
		return nil, fmt.Errorf("sign a certificate: %w", err)
	}
	return x509.ParseCertificate(der)
}
