package certs

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// KeyAlgorithm names a kind of private key and its size.
type KeyAlgorithm string

// The algorithms that keys are made with; etcd 3.5, 3.6 and 3.7 work with each
// of them. Keys that others made may be of any kind that crypto/x509 reads.
const (
	ECDSAP256 KeyAlgorithm = "ecdsa-p256"
	ECDSAP384 KeyAlgorithm = "ecdsa-p384"
	Ed25519   KeyAlgorithm = "ed25519"
	RSA2048   KeyAlgorithm = "rsa-2048"
	RSA3072   KeyAlgorithm = "rsa-3072"
	RSA4096   KeyAlgorithm = "rsa-4096"

	// DefaultKey is fast, small and understood by every TLS stack in use.
	DefaultKey = ECDSAP256
)

// KeyAlgorithms lists the algorithms that keys can be made with, best first.
func KeyAlgorithms() []KeyAlgorithm {
	return []KeyAlgorithm{ECDSAP256, ECDSAP384, Ed25519, RSA2048, RSA3072, RSA4096}
}

func (a KeyAlgorithm) validate(field string) error {
	if a == "" || slices.Contains(KeyAlgorithms(), a) {
		return nil
	}
	return fmt.Errorf("%s: unknown key algorithm %q: use one of %s", field, a, joinStrings(KeyAlgorithms()))
}

func joinStrings[S ~string](list []S) string {
	words := make([]string, len(list))
	for i, s := range list {
		words[i] = string(s)
	}
	return strings.Join(words, ", ")
}

// newKey makes a private key. Go draws keys from the system's secure source
// alone: since 1.26 a handed-in reader is ignored here (testing/cryptotest is
// the way to repeat them).
func newKey(a KeyAlgorithm) (crypto.Signer, error) {
	switch a {
	case ECDSAP256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case ECDSAP384:
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case Ed25519:
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return key, err
	case RSA2048:
		return rsa.GenerateKey(rand.Reader, 2048)
	case RSA3072:
		return rsa.GenerateKey(rand.Reader, 3072)
	case RSA4096:
		return rsa.GenerateKey(rand.Reader, 4096)
	}
	return nil, a.validate("key")
}

// algorithmOf tells how a public key was made; for a kind that this package
// does not make, such as P-521, it describes it in the same manner.
func algorithmOf(pub crypto.PublicKey) KeyAlgorithm {
	switch k := pub.(type) {
	case *ecdsa.PublicKey:
		return KeyAlgorithm(fmt.Sprintf("ecdsa-p%d", k.Curve.Params().BitSize))
	case ed25519.PublicKey:
		return Ed25519
	case *rsa.PublicKey:
		return KeyAlgorithm(fmt.Sprintf("rsa-%d", k.N.BitLen()))
	}
	return KeyAlgorithm(fmt.Sprintf("%T", pub))
}

// encodeKey is PKCS#8 in PEM, the one form that holds every algorithm and that
// every TLS library reads.
func encodeKey(key crypto.Signer) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// parseKey reads the first private key in data: PKCS#8 (openssl genpkey,
// cfssl for Ed25519), SEC 1 (openssl ecparam, cfssl) or PKCS#1 (openssl
// genrsa -traditional, cfssl). Other blocks, such as the curve parameters that
// openssl writes ahead of an EC key, are passed over.
func parseKey(data []byte) (crypto.Signer, error) {
	for {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			return nil, errors.New("holds no private key in PEM form")
		}
		switch {
		case block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["DEK-Info"] != "":
			return nil, errors.New("is encrypted: decrypt it with `openssl pkey -in KEY -out PLAIN`, keep it 0600")
		case strings.HasSuffix(block.Type, "PRIVATE KEY"):
			return parseKeyBlock(block)
		}
	}
}

func parseKeyBlock(block *pem.Block) (crypto.Signer, error) {
	var key any
	var err error
	switch block.Type {
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	default:
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot be read: %w", err)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("holds a %T, which cannot sign: use an ECDSA, Ed25519 or RSA key", key)
	}
	return signer, nil
}

// samePublicKey reports whether a certificate's public key is the key's own.
func samePublicKey(cert *x509.Certificate, key crypto.Signer) bool {
	pub, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool })
	return ok && pub.Equal(cert.PublicKey)
}
