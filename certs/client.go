package certs

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// ErrNoIdentity is the error of a folder in which an identity can't be read.
var ErrNoIdentity = errors.New("cannot read the certificate")

// RevokedError is the error of a client whose own certificate was revoked: members refuse
// whatever it asks.
type RevokedError struct {
	Identity string
	When     time.Time
}

func (e *RevokedError) Error() string {
	return fmt.Sprintf("the certificate %s, which the members would be asked with, was revoked on %s", e.Identity, e.When.UTC().Format(time.DateOnly))
}

// CheckRevoked gives a RevokedError where the authorities of a folder have revoked the
// certificate that one of its clients shows. What can't be read says nothing.
func CheckRevoked(dir, client string) error {
	data, err := os.ReadFile(filepath.Join(ClientDir(dir, client), CertFile))
	if err != nil {
		return nil
	}
	chain, err := parseCertificates(data)
	if err != nil {
		return nil
	}
	for _, name := range []string{clientCA, singleCA} {
		der, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name), CRLFile))
		if err != nil {
			continue
		}
		list, err := x509.ParseRevocationList(der)
		if err != nil || !bytes.Equal(list.RawIssuer, chain[0].RawIssuer) {
			continue
		}
		for _, e := range list.RevokedCertificateEntries {
			if e.SerialNumber.Cmp(chain[0].SerialNumber) == 0 {
				return &RevokedError{Identity: "clients/" + client, When: e.RevocationTime}
			}
		}
	}
	return nil
}

// TLS is what a client shows that has the identity in a folder, as this package
// lays it out, and whom it trusts.
func TLS(dir string) (*tls.Config, error) {
	pair, errPair := tls.LoadX509KeyPair(filepath.Join(dir, CertFile), filepath.Join(dir, KeyFile))
	authorities, errCA := os.ReadFile(filepath.Join(dir, CAFile))
	if err := errors.Join(errPair, errCA); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoIdentity, err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(authorities) {
		return nil, fmt.Errorf("%s holds no certificate", filepath.Join(dir, CAFile))
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}, RootCAs: pool, MinVersion: tls.VersionTLS12}, nil
}
