package certs

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// ErrNoIdentity is the error of a folder in which an identity can't be read.
var ErrNoIdentity = errors.New("cannot read the certificate")

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
