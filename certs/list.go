package certs

import (
	"crypto/x509"
	"strings"
	"time"

	"github.com/etcdctr/etcdctr/internal/lifespan"
)

// Status is what a certificate is worth now.
type Status string

// The statuses of certificates.
const (
	Valid       Status = "valid"
	Expiring    Status = "expiring" // due for renewal
	Expired     Status = "expired"
	NotYetValid Status = "not yet valid"
	IsRevoked   Status = "revoked"
	Untrusted   Status = "untrusted" // of an authority that nobody here trusts
	Broken      Status = "broken"    // its files cannot be read; see Verify
)

// Certificate describes one certificate of a PKI.
type Certificate struct {
	Identity  string       `json:"identity"`         // members/etcd1/server, clients/root
	Member    string       `json:"member,omitempty"` // whose it is, if a member's
	Profile   Profile      `json:"profile"`
	Subject   string       `json:"subject"` // as in RFC 4514, CN first
	Issuer    string       `json:"issuer"`
	Hosts     []string     `json:"hosts,omitempty"` // the subject alternative names
	Key       KeyAlgorithm `json:"key"`
	Serial    string       `json:"serial"` // hexadecimal, as openssl prints it
	NotBefore time.Time    `json:"notBefore"`
	NotAfter  time.Time    `json:"notAfter"`
	DaysLeft  int          `json:"daysLeft"` // whole days, negative once expired
	Status    Status       `json:"status"`
	// Stage is that of an authority's replacement which is done; empty: there is none.
	Stage Stage `json:"stage,omitempty"`
}

// List describes every certificate, the authorities' first.
func (p *PKI) List() ([]Certificate, error) {
	s, err := p.observe()
	if err != nil {
		return nil, err
	}
	if len(s.authorities)+len(s.identities) == 0 {
		return nil, errNoAuthority
	}
	var list []Certificate
	for _, a := range s.authorities {
		c := describe(place{name: a.name, profile: CA}, a.current.cert(), p.now())
		c.Stage = a.standing(p.now()).Stage
		list = append(list, c)
	}
	for i := range s.identities {
		list = append(list, s.describe(&s.identities[i], p.now()))
	}
	return list, nil
}

func (s *state) describe(e *existing, now time.Time) Certificate {
	if e.broken != nil {
		return Certificate{Identity: e.name, Member: memberOf(e.name), Profile: e.profile, Status: Broken}
	}
	c := describe(e.place, e.files.cert(), now)
	a := s.authorityFor(e.profile)
	switch {
	case a != nil && a.issued.revoked(e.files.cert()) != nil:
		c.Status = IsRevoked
	case c.Status != Expired && !s.isTrusted(e):
		c.Status = Untrusted
	}
	return c
}

func describe(at place, cert *x509.Certificate, now time.Time) Certificate {
	return Certificate{
		Identity:  at.name,
		Member:    memberOf(at.name),
		Profile:   at.profile,
		Subject:   cert.Subject.String(),
		Issuer:    cert.Issuer.String(),
		Hosts:     hostsOf(cert),
		Key:       algorithmOf(cert.PublicKey),
		Serial:    serialOf(cert),
		NotBefore: cert.NotBefore,
		NotAfter:  cert.NotAfter,
		DaysLeft:  lifespan.Days(cert.NotAfter.Sub(now)),
		Status:    statusOf(cert, now),
	}
}

func statusOf(cert *x509.Certificate, now time.Time) Status {
	switch {
	case now.Before(cert.NotBefore):
		return NotYetValid
	case expired(cert, now):
		return Expired
	case expiresSoon(cert, now):
		return Expiring
	}
	return Valid
}

// memberOf is the member in members/NAME/…, or nothing.
func memberOf(name string) string {
	parts := strings.Split(name, "/")
	if parts[0] != "members" {
		return ""
	}
	return parts[1]
}
