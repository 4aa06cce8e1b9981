// Package keystore writes a key, its certificates and those whom it trusts in the
// forms that are no PEM: PKCS#12, which most software reads, and Java's older JKS.
//
// Both have a password, and neither keeps a secret by it: JKS is broken, and
// whoever uses the file has the password beside it. It is the file's mode that
// keeps others out.
package keystore

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/pavlo-v-chernykh/keystore-go/v4"
	"software.sslmate.com/src/go-pkcs12"
)

// Store is the content of a keystore and its truststore.
type Store struct {
	Key   crypto.Signer
	Chain []*x509.Certificate // its own certificate first
	Trust []*x509.Certificate
	Now   time.Time // when it is made, which JKS notes
}

// LeastPassword is how long a password has to be, in bytes: Java's tools take
// none that is shorter.
const LeastPassword = 6

// Aliases of the entries.
const (
	keyAlias   = "client"
	trustAlias = "authority"
)

// PKCS12 gives a keystore and a truststore: Java wants the authorities in one of
// their own, marked as trusted.
func (s Store) PKCS12(password string) (keys, trust []byte, err error) {
	keys, keysErr := pkcs12.Modern.Encode(s.Key, s.Chain[0], s.Chain[1:], password)
	trust, trustErr := pkcs12.Modern.EncodeTrustStore(s.Trust, password)
	return keys, trust, errors.Join(keysErr, trustErr)
}

// JKS gives the same in Java's form.
func (s Store) JKS(password string) (keys, trust []byte, err error) {
	der, err := x509.MarshalPKCS8PrivateKey(s.Key)
	if err != nil {
		return nil, nil, err
	}
	keyStore, trustStore := keystore.New(), keystore.New()
	err = keyStore.SetPrivateKeyEntry(keyAlias, keystore.PrivateKeyEntry{
		CreationTime: s.Now, PrivateKey: der, CertificateChain: entries(s.Chain),
	}, []byte(password))
	for i, c := range entries(s.Trust) {
		e := keystore.TrustedCertificateEntry{CreationTime: s.Now, Certificate: c}
		err = errors.Join(err, trustStore.SetTrustedCertificateEntry(fmt.Sprintf("%s%d", trustAlias, i+1), e))
	}
	if err != nil {
		return nil, nil, err
	}
	keys, keysErr := write(keyStore, password)
	trust, trustErr := write(trustStore, password)
	return keys, trust, errors.Join(keysErr, trustErr)
}

func entries(list []*x509.Certificate) []keystore.Certificate {
	certs := make([]keystore.Certificate, len(list))
	for i, c := range list {
		certs[i] = keystore.Certificate{Type: "X509", Content: c.Raw}
	}
	return certs
}

func write(s keystore.KeyStore, password string) ([]byte, error) {
	var out bytes.Buffer
	err := s.Store(&out, []byte(password))
	return out.Bytes(), err
}

// ErrUnreadable is the error of a keystore that does not open with the password,
// or is of another make.
var ErrUnreadable = errors.New("cannot be opened with this password")

// PublicKey tells whose key a keystore of either form holds.
func PublicKey(data []byte, password string) (crypto.PublicKey, error) {
	if _, cert, _, err := pkcs12.DecodeChain(data, password); err == nil {
		return cert.PublicKey, nil
	}
	s := keystore.New()
	if s.Load(bytes.NewReader(data), []byte(password)) != nil {
		return nil, ErrUnreadable
	}
	chain, err := s.GetPrivateKeyEntryCertificateChain(keyAlias)
	if err != nil || len(chain) == 0 {
		return nil, ErrUnreadable
	}
	cert, err := x509.ParseCertificate(chain[0].Content)
	if err != nil {
		return nil, fmt.Errorf("its certificate cannot be read: %w", err)
	}
	return cert.PublicKey, nil
}
