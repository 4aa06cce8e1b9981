package certs

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"slices"
	"time"
)

// A member refuses every client when it cannot read a revocation list (etcd 3.5
// to 3.7), also where nothing was ever revoked and no authority is here to say
// so. It compares serial numbers and does not mind who has signed the list. So
// a list can be made without the authority's key: a stand-in, signed with a key
// that is forgotten at once, which makes way for a real list as soon as there is
// one.

// standInIssuer signs stand-ins.
const standInIssuer = "etcdctr stand-in"

// newStandIn is a list of what the ledger has revoked, and of nothing that it
// does not know.
func newStandIn(l ledger, now time.Time, random io.Reader) ([]byte, error) {
	signer, err := newAuthority(pkix.Name{CommonName: standInIssuer}, DefaultKey, now, DefaultAuthorityLifetime, random)
	if err != nil {
		return nil, err
	}
	return x509.CreateRevocationList(random, &x509.RevocationList{
		Number:                    big.NewInt(1),
		ThisUpdate:                now.Add(-backdate),
		NextUpdate:                signer.notAfter(),
		RevokedCertificateEntries: l.entries(),
	}, signer.crlIssuer(), signer.key)
}

// parseList reads a revocation list in DER form or, as etcd 3.5 can, in PEM.
func parseList(data []byte) (*x509.RevocationList, error) {
	if block, _ := pem.Decode(data); block != nil && block.Type == "X509 CRL" {
		data = block.Bytes
	}
	list, err := x509.ParseRevocationList(data)
	if err != nil {
		return nil, fmt.Errorf("cannot be read: %w", err)
	}
	return list, nil
}

// isStandIn reports whether a list is one that this package made for want of an
// authority.
func isStandIn(data []byte) bool {
	list, err := parseList(data)
	return err == nil && list.Issuer.CommonName == standInIssuer
}

// signed reports whether one of the authorities in the folder has signed a list.
func (a *authority) signed(list *x509.RevocationList) bool {
	for _, each := range a.roles() {
		if each != nil && list.CheckSignatureFrom(each.crlIssuer()) == nil {
			return true
		}
	}
	return false
}

// listsAll reports whether the authority has revoked all that a list names.
func (a *authority) listsAll(list *x509.RevocationList) bool {
	known := &x509.RevocationList{RevokedCertificateEntries: a.issued.entries()}
	if own, err := parseList(a.crl); err == nil {
		known.RevokedCertificateEntries = append(known.RevokedCertificateEntries, own.RevokedCertificateEntries...)
	}
	return !slices.ContainsFunc(list.RevokedCertificateEntries, func(e x509.RevocationListEntry) bool {
		return !lists(known, e.SerialNumber)
	})
}

// ownList reports whether a list may be replaced: there is none, or nothing in
// it, or it was made for want of an authority, or with one that is here and
// whose own list says as much.
func (s *state) ownList(data []byte) bool {
	if absent(data) || isStandIn(data) {
		return true
	}
	list, err := parseList(data)
	if err != nil {
		return false
	}
	for _, a := range s.authorities {
		if a.current != nil && a.signed(list) {
			return a.listsAll(list)
		}
	}
	return slices.ContainsFunc(s.retired, func(a *Authority) bool {
		return list.CheckSignatureFrom(a.crlIssuer()) == nil
	})
}
