package exposure

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"time"
)

// forged are certificates that no port may accept. They never leave memory.
type forged struct {
	stranger  tls.Certificate // of an authority that nobody knows
	expired   tls.Certificate // of the right authority
	noExpired string          // why there is none
}

// forge makes the certificates that the mode calls for.
func (c Cluster) forge() (forged, error) {
	var f forged
	if c.Mode != Mutual {
		return f, nil
	}
	authority, err := c.certificate(nil, x509.Certificate{
		Subject: pkix.Name{CommonName: "nobody's authority"}, IsCA: true, BasicConstraintsValid: true,
		NotAfter: c.Now.Add(time.Hour),
	})
	if err != nil {
		return f, err
	}
	if f.stranger, err = c.client(&authority, c.Now.Add(time.Hour)); err != nil {
		return f, err
	}
	if c.Issuer == nil {
		f.noExpired = "the key of the clients' authority is not here"
		return f, nil
	}
	f.expired, err = c.client(c.Issuer, c.Now.Add(-time.Hour))
	return f, err
}

// client makes a client's certificate with the right name in it.
func (c Cluster) client(issuer *tls.Certificate, notAfter time.Time) (tls.Certificate, error) {
	return c.certificate(issuer, x509.Certificate{
		Subject: pkix.Name{CommonName: "root"}, NotAfter: notAfter,
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
}

// certificate completes a template and has it signed: by itself without issuer.
func (c Cluster) certificate(issuer *tls.Certificate, template x509.Certificate) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template.SerialNumber = big.NewInt(1)
	template.NotBefore = c.Now.Add(-2 * time.Hour)
	parent, signer := &template, crypto.PrivateKey(key)
	if issuer != nil {
		if parent, err = x509.ParseCertificate(issuer.Certificate[0]); err != nil {
			return tls.Certificate{}, fmt.Errorf("read the authority's certificate: %w", err)
		}
		signer = issuer.PrivateKey
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, parent, key.Public(), signer)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make a certificate to be refused: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}
