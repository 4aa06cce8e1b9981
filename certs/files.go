package certs

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/etcdctr/etcdctr/internal/atomicdir"
	"github.com/etcdctr/etcdctr/internal/outfile"
)

// The files of an identity.
const (
	CAFile   = "ca.crt"  // the authorities it trusts, PEM, several during a rotation
	CertFile = "tls.crt" // its certificate, PEM, followed by intermediates
	KeyFile  = "tls.key" // its private key, PKCS#8 in PEM
	CRLFile  = "crl.der" // what has been revoked, DER; where a server reads one
)

const (
	certMode fs.FileMode = 0o644
	keyMode  fs.FileMode = 0o600
)

// stored is an identity as it is on disk.
type stored struct {
	chain []*x509.Certificate // the identity's own, then intermediates
	key   crypto.Signer
	trust []byte // ca.crt
	crl   []byte // crl.der, nil when there is none

	keyPEM, certPEM []byte // as they are, whether they can be read or not
}

func (s *stored) cert() *x509.Certificate { return s.chain[0] }

// certificate is cert, or nil when the file could not be read.
func (s *stored) certificate() *x509.Certificate {
	if len(s.chain) == 0 {
		return nil
	}
	return s.chain[0]
}

// readStored reads an identity. The error says which files are amiss; it is
// fs.ErrPermission when they are somebody else's.
func readStored(dir string) (*stored, error) {
	var s stored
	var err, keyErr, trustErr, crlErr error
	s.certPEM, err = os.ReadFile(filepath.Join(dir, CertFile))
	if err == nil {
		s.chain, err = parseCertificates(s.certPEM)
	}
	s.keyPEM, keyErr = os.ReadFile(filepath.Join(dir, KeyFile))
	if keyErr == nil {
		s.key, keyErr = parseKey(s.keyPEM)
	}
	s.trust, trustErr = os.ReadFile(filepath.Join(dir, CAFile))
	s.crl, crlErr = os.ReadFile(filepath.Join(dir, CRLFile))
	if errors.Is(crlErr, fs.ErrNotExist) {
		crlErr = nil
	}
	return &s, errors.Join(amiss(CertFile, err), amiss(KeyFile, keyErr), amiss(CAFile, trustErr), amiss(CRLFile, crlErr))
}

// amiss says what is wrong with a file without the path that its caller knows.
func amiss(file string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s is missing", file)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s: %w: run as the owner of the files", file, fs.ErrPermission)
	}
	return fmt.Errorf("%s %w", file, err)
}

// certificateBegins is how a certificate begins in PEM.
var certificateBegins = []byte("-----BEGIN CERTIFICATE-----")

// parseCertificates reads every certificate in PEM data. One that is cut off, or does not
// begin on a line of its own, is an error: who reads PEM passes it over in silence, and
// sometimes the one before it, so that whom it vouches for would be refused.
func parseCertificates(data []byte) ([]*x509.Certificate, error) {
	var certs []*x509.Certificate
	begun := bytes.Count(data, certificateBegins)
	for {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("cannot be read: %w", err)
		}
		certs = append(certs, cert)
	}
	switch {
	case len(certs) < begun:
		return nil, fmt.Errorf("has %d certificates of which %d can be read: each has to be whole, and to begin on a line of its own", begun, len(certs))
	case begun == 0:
		return nil, errors.New("holds no certificate in PEM form")
	}
	return certs, nil
}

// ShareAuthority reports whether two bundles of authorities, in PEM, have one in
// common, so that those who trust them can accept each other.
func ShareAuthority(a, b []byte) (bool, error) {
	as, errA := parseCertificates(a)
	bs, errB := parseCertificates(b)
	if err := errors.Join(errA, errB); err != nil {
		return false, err
	}
	return slices.ContainsFunc(as, func(c *x509.Certificate) bool { return slices.ContainsFunc(bs, c.Equal) }), nil
}

func encodeCertificates(certs ...*x509.Certificate) []byte {
	var out bytes.Buffer
	for _, c := range certs {
		out.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
	}
	return out.Bytes()
}

// content is the identity's content as it is written.
func (s *stored) content() []atomicdir.File {
	files := []atomicdir.File{
		{Name: CAFile, Data: s.trust, Mode: certMode},
		{Name: CertFile, Data: encodeCertificates(s.chain...), Mode: certMode},
		{Name: KeyFile, Data: s.keyPEM, Mode: keyMode},
	}
	if s.crl != nil {
		files = append(files, atomicdir.File{Name: CRLFile, Data: s.crl, Mode: certMode})
	}
	return files
}

// writeInto puts one file into a folder that is otherwise left as it is, whole
// or not at all.
func writeInto(dir, name string, data []byte, mode fs.FileMode) error {
	path := filepath.Join(dir, name)
	if err := outfile.Write(path, data, mode); err != nil {
		return err
	}
	return os.Chmod(path, mode) // which the umask, or what was there, may have made another
}
