package certs

import (
	"bytes"
	"crypto/x509"
	"fmt"
)

// A new authority has the name of the one that it replaces, and so has another
// cluster's of that name: their keys tell them apart.

// issuerName names who has issued a certificate.
func (s *state) issuerName(cert *x509.Certificate) string {
	return s.distinguished(cert.Issuer.String(), cert.RawIssuer, cert.AuthorityKeyId)
}

// subjectName names an authority that is none here.
func (s *state) subjectName(cert *x509.Certificate) string {
	return s.distinguished(cert.Subject.String(), cert.RawSubject, cert.SubjectKeyId)
}

// distinguished is a name, with its key's identifier beside that of the authority
// here which has the same name.
func (s *state) distinguished(name string, raw, keyID []byte) string {
	for _, a := range s.authorities {
		if a.broken == nil && bytes.Equal(a.current.cert().RawSubject, raw) {
			return fmt.Sprintf("%s with key %s, where that of %s is %s", name, identifier(keyID), a.name, identifier(a.current.cert().SubjectKeyId))
		}
	}
	return name
}

// nameBeside names an authority, with both keys' identifiers where another one has the
// same name.
func (a *Authority) nameBeside(other *Authority) string {
	name := a.cert().Subject.String()
	if bytes.Equal(a.cert().RawSubject, other.cert().RawSubject) {
		name += fmt.Sprintf(" with key %s, where that of the given one is %s", identifier(a.cert().SubjectKeyId), identifier(other.cert().SubjectKeyId))
	}
	return name
}

// identifier is a key identifier as openssl prints it.
func identifier(keyID []byte) string {
	if len(keyID) == 0 {
		return "without identifier"
	}
	return string(bytes.ReplaceAll(fmt.Appendf(nil, "% X", keyID), []byte(" "), []byte(":")))
}
