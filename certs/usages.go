package certs

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
)

// A signing request can ask for usages as a certificate has them, in extensions
// (RFC 2986, RFC 5280 4.2.1.3 and 4.2.1.12), which crypto/x509 leaves to its
// callers.
var (
	oidKeyUsage    = asn1.ObjectIdentifier{2, 5, 29, 15}
	oidExtKeyUsage = asn1.ObjectIdentifier{2, 5, 29, 37}
	oidServerAuth  = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 1}
	oidClientAuth  = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 2}
)

func usageExtensions(t *x509.Certificate) ([]pkix.Extension, error) {
	bits := asn1.BitString{Bytes: []byte{0}, BitLength: 1}
	if t.KeyUsage&x509.KeyUsageDigitalSignature != 0 {
		bits.Bytes[0] |= 0x80
	}
	if t.KeyUsage&x509.KeyUsageKeyEncipherment != 0 {
		bits.Bytes[0] |= 0x20
		bits.BitLength = 3
	}
	usage, err := asn1.Marshal(bits)
	if err != nil {
		return nil, err
	}
	var purposes []asn1.ObjectIdentifier
	for _, u := range t.ExtKeyUsage {
		purposes = append(purposes, map[x509.ExtKeyUsage]asn1.ObjectIdentifier{
			x509.ExtKeyUsageServerAuth: oidServerAuth, x509.ExtKeyUsageClientAuth: oidClientAuth,
		}[u])
	}
	extended, err := asn1.Marshal(purposes)
	return []pkix.Extension{
		{Id: oidKeyUsage, Critical: true, Value: usage},
		{Id: oidExtKeyUsage, Value: extended},
	}, err
}
