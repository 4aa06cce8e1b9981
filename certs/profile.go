package certs

import (
	"crypto/x509"
	"fmt"
)

// Profile is a purpose that a certificate is made for; it decides the
// certificate's key usages.
type Profile string

// The profiles of leaf certificates, and that of their authorities.
const (
	Server Profile = "server"
	Peer   Profile = "peer"
	Client Profile = "client"
	CA     Profile = "ca"
)

// extKeyUsage lists what etcd asks of a certificate beyond its name:
//
//   - a server certificate is also a client certificate, because etcd's JSON
//     gateway inside the member dials the member's own client port with it;
//   - a peer both accepts and dials, with one certificate;
//   - a client only dials.
func (p Profile) extKeyUsage() []x509.ExtKeyUsage {
	switch p {
	case Server, Peer:
		return []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	case Client:
		return []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	}
	return nil
}

// keyUsage is what TLS 1.2 and 1.3 need. Key encipherment is for RSA alone: it
// is the key exchange of old TLS 1.2 clients, and meaningless for other keys.
func (p Profile) keyUsage(key KeyAlgorithm) x509.KeyUsage {
	if p == CA {
		return x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	}
	switch key {
	case RSA2048, RSA3072, RSA4096:
		return x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment
	}
	return x509.KeyUsageDigitalSignature
}

// serves reports whether the profile's holder accepts connections, and so
// needs addresses in its certificate and reads a revocation list.
func (p Profile) serves() bool { return p == Server || p == Peer }

func (p Profile) validate(field string) error {
	switch p {
	case Server, Peer, Client:
		return nil
	}
	return fmt.Errorf("%s: unknown profile %q: use server, peer or client", field, p)
}
