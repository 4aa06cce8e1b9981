package certs

import (
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// leastRSA is the size below which an RSA key is not taken for a key, in bits
// (NIST SP 800-131A).
const leastRSA = 2048

// check reports what keeps a certificate and its key from issuing what etcd
// accepts, whatever the hour.
func (a *Authority) check() error {
	cert := a.cert()
	var errs []error
	if !cert.IsCA || !cert.BasicConstraintsValid {
		errs = append(errs, errors.New("is not an authority (basicConstraints lacks CA:TRUE): give the authority's certificate, not a server's"))
	}
	if cert.KeyUsage != 0 && cert.KeyUsage&x509.KeyUsageCertSign == 0 {
		errs = append(errs, errors.New("may not sign certificates (keyUsage lacks keyCertSign): give an authority that may"))
	}
	if !samePublicKey(cert, a.key) {
		errs = append(errs, errors.New("belongs to another private key: give the key that it was made with, its own certificate first in the file"))
	}
	for i, c := range a.chain {
		errs = append(errs, a.checkLink(i))
		if weak := weakKey(c); weak != "" {
			errs = append(errs, fmt.Errorf("%s%s: use another authority, or have one made", numbered(i), weak))
		}
		if lacked := lackedUsages(c, Server); len(c.ExtKeyUsage)+len(c.UnknownExtKeyUsage) > 0 && len(lacked) > 0 {
			errs = append(errs, fmt.Errorf("%smay not vouch for members (extendedKeyUsage lacks %s): give an authority without that limit",
				numbered(i), strings.Join(lacked, ", ")))
		}
	}
	return errors.Join(errs...)
}

// checkLink checks that certificate i of the chain was signed by the next, and
// that this allows as many authorities below it as there are.
func (a *Authority) checkLink(i int) error {
	if i+1 == len(a.chain) {
		return nil
	}
	above := a.chain[i+1]
	if err := a.chain[i].CheckSignatureFrom(above); err != nil {
		return fmt.Errorf("has a broken chain, its certificate %d was not signed by number %d (%s): put them in order, the root last",
			i+1, i+2, strings.TrimPrefix(err.Error(), "x509: "))
	}
	if limit := above.MaxPathLen; (limit > 0 || above.MaxPathLenZero) && limit < i+1 {
		return fmt.Errorf("has a chain that is too long: its certificate %d allows %d authorities below it (pathlen:%d): have one issued by an authority that allows more",
			i+2, limit, limit)
	}
	return nil
}

// numbered begins a sentence about a certificate above the authority's own.
func numbered(i int) string {
	if i == 0 {
		return ""
	}
	return fmt.Sprintf("certificate %d of its chain ", i+1)
}

// expired reports whether the authority's end has come.
func (a *Authority) expired(now time.Time) bool { return !a.notAfter().After(now) }

// early reports whether the authority's time has not come yet.
func (a *Authority) early(now time.Time) bool { return now.Before(a.notBefore()) }

// nameConstraints is the extension that limits the names an authority vouches
// for (RFC 5280, 4.2.1.10).
var nameConstraints = asn1.ObjectIdentifier{2, 5, 29, 30}

// checkNames checks that the authority may vouch for a leaf's names: a company's
// intermediate may be limited to one domain, and nobody would accept the leaf.
func (a *Authority) checkNames(leaf *x509.Certificate) error {
	limited := func(e pkix.Extension) bool { return e.Id.Equal(nameConstraints) }
	if !slices.ContainsFunc(a.chain, func(c *x509.Certificate) bool { return slices.ContainsFunc(c.Extensions, limited) }) {
		return nil
	}
	top := len(a.chain) - 1
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	roots.AddCert(a.chain[top])
	for _, c := range a.chain[:top] {
		between.AddCert(c)
	}
	_, err := leaf.Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: between, CurrentTime: leaf.NotBefore.Add(backdate),
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	if err != nil {
		return fmt.Errorf("may not vouch for this certificate (%s): have one issued without that limit", strings.TrimPrefix(err.Error(), "x509: "))
	}
	return nil
}

// weakKey says what is too weak about a certificate's key.
func weakKey(cert *x509.Certificate) string {
	if key, ok := cert.PublicKey.(*rsa.PublicKey); ok && key.N.BitLen() < leastRSA {
		return fmt.Sprintf("has an RSA key of %d bits: %d are the least", key.N.BitLen(), leastRSA)
	}
	return ""
}
