package certs

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"
)

// RevokeOptions say what to revoke.
type RevokeOptions struct {
	Names []string // identities, or members and clients by their last word: all that was issued to them

	// Certificates are revoked one by one, whoever has issued them with an
	// authority of this PKI; see LoadCertificate.
	Certificates []*x509.Certificate

	// Before is told what is about to be revoked: its error keeps all of it from it.
	// It may be nil.
	Before func(identities []string) error
}

// Revoke puts every certificate that was ever issued to the named identities,
// and has not expired, on their authority's revocation list, and the given
// certificates too; and it hands the list to all members. They refuse the
// certificates from the next connection on, without a restart; connections that
// are open stay open.
//
// The identity's files stay. Ensure makes a member or client of its plan anew,
// with a new key; Issue does so for others.
func (p *PKI) Revoke(ctx context.Context, o RevokeOptions) (Report, error) {
	if len(o.Names)+len(o.Certificates) == 0 {
		return Report{}, errors.New("name: there is none: say which identity to revoke")
	}
	return p.change(ctx, func(s *state) ([]step, error) {
		chosen, nameErr := s.revocable(o.Names)
		certErr := s.wantRevocable(o.Certificates, p.now())
		if err := errors.Join(nameErr, certErr); err != nil {
			return nil, err
		}
		var steps []step
		for _, name := range chosen {
			steps = append(steps, s.revoke(name, p.now()))
		}
		for _, cert := range o.Certificates {
			steps = append(steps, s.revokeCertificate(cert, p.now()))
		}
		if err := s.wantPublishable(); err != nil {
			return nil, err
		}
		if err := o.announce(steps); err != nil {
			return nil, err
		}
		return steps, p.publishRevocations(s)
	})
}

// announce tells what is about to be revoked.
func (o RevokeOptions) announce(steps []step) error {
	var names []string
	for _, st := range steps {
		if st.action == Revoked {
			names = append(names, st.want.name)
		}
	}
	if o.Before == nil || len(names) == 0 {
		return nil
	}
	return o.Before(names)
}

// LoadCertificate reads a certificate, in PEM or DER. Of several in one file it
// is the first: those that follow vouch for it.
func LoadCertificate(file string) (*x509.Certificate, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the certificate: %w", err)
	}
	if cert, err := x509.ParseCertificate(data); err == nil {
		return cert, nil
	}
	chain, err := parseCertificates(data)
	if err != nil {
		return nil, fmt.Errorf("certificate %s %w", file, err)
	}
	return chain[0], nil
}

// LoadCertificates is LoadCertificate of several files. Its error is about every one that
// can't be read.
func LoadCertificates(files ...string) ([]*x509.Certificate, error) {
	all := make([]*x509.Certificate, len(files))
	errs := make([]error, len(files))
	for i, file := range files {
		all[i], errs[i] = LoadCertificate(file)
	}
	return all, errors.Join(errs...)
}

// wantRevocable reports every certificate that there is no way, or no need, to
// revoke.
func (s *state) wantRevocable(list []*x509.Certificate, now time.Time) error {
	var errs []error
	for _, cert := range list {
		switch {
		case s.issuerOf(cert) == nil:
			errs = append(errs, fmt.Errorf("certificate %s (%s): was issued by another authority (%s): revoke it where that is",
				serialOf(cert), cert.Subject, s.issuerName(cert)))
		case expired(cert, now):
			errs = append(errs, fmt.Errorf("certificate %s (%s): expired on %s, so that nobody accepts it any more: leave it out",
				serialOf(cert), cert.Subject, cert.NotAfter.UTC().Format(time.DateOnly)))
		}
	}
	return errors.Join(errs...)
}

// issuerOf is the authority that has signed a certificate and is trusted for it,
// also one that is being replaced; nil if there is none.
func (s *state) issuerOf(cert *x509.Certificate) *authority {
	for _, a := range s.authorities {
		for _, issuer := range []*Authority{a.current, a.next, a.old} {
			if issuer != nil && s.signedBy(cert, issuer) {
				return a
			}
		}
	}
	return nil
}

// revokeCertificate marks one certificate, under the name that it was issued to,
// or under its serial number if it was issued elsewhere.
func (s *state) revokeCertificate(cert *x509.Certificate, now time.Time) step {
	a := s.issuerOf(cert)
	if !a.issued.has(cert) {
		a.record(entry("certificates/"+serialOf(cert), cert, true), now)
	}
	st := step{action: Reused, cause: "was revoked before"}
	for i := range a.issued {
		e := &a.issued[i]
		if e.Serial != serialOf(cert) {
			continue
		}
		st.want.name = e.Identity
		if e.Revoked == nil {
			e.Revoked, a.dirty = &now, true
			st.action, st.cause = Revoked, ""
		}
	}
	return st
}

// revocable lists the identities that the words stand for, those included whose
// files are gone.
func (s *state) revocable(words []string) ([]string, error) {
	var names []string
	for _, e := range s.identities {
		names = append(names, e.name)
	}
	for _, a := range s.authorities {
		for _, entry := range a.issued {
			names = append(names, entry.Identity)
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	var chosen []string
	var errs []error
	for _, w := range words {
		found, err := match(names, w)
		errs = append(errs, err)
		chosen = append(chosen, found...)
	}
	slices.Sort(chosen)
	return slices.Compact(chosen), errors.Join(errs...)
}

// revoke marks what was issued under the name, also a certificate that its
// authority's ledger does not know because it was issued elsewhere.
func (s *state) revoke(name string, now time.Time) step {
	st := step{want: identity{place: place{name: name}}, action: Reused, cause: "was revoked before"}
	n := 0
	for _, a := range s.authorities {
		e := s.find(name)
		if e != nil && e.broken == nil && s.authorityFor(e.profile) == a && !a.issued.has(e.files.cert()) {
			a.record(entry(name, e.files.cert(), true), now)
		}
		marked := a.issued.revoke(name, now)
		a.dirty = a.dirty || marked > 0
		n += marked
	}
	if n > 0 {
		st.action, st.cause = Revoked, fmt.Sprintf("%d certificates", n)
		if n == 1 {
			st.cause = ""
		}
	}
	return st
}

// wantPublishable reports the members that would not hear of a revocation,
// because the list they read was not made here.
func (s *state) wantPublishable() error {
	var errs []error
	for _, e := range s.identities {
		a := s.authorityFor(e.profile)
		if a != nil && a.dirty && e.profile.serves() && !s.ownList(e.files.crl) {
			errs = append(errs, fmt.Errorf("%s: its %s was not made here, and would not name what is revoked: revoke it there, or move the file away so that the list of %s takes its place",
				e.name, CRLFile, a.name))
		}
	}
	return errors.Join(errs...)
}

// publishRevocations signs new lists where the ledger has changed.
func (p *PKI) publishRevocations(s *state) error {
	for _, a := range s.authorities {
		if !a.dirty {
			continue
		}
		if err := a.refreshCRL(p.now(), p.random()); err != nil {
			return err
		}
	}
	return nil
}

// revoke marks every certificate of an identity and reports how many were not
// revoked before.
func (l ledger) revoke(identity string, now time.Time) int {
	n := 0
	for i := range l {
		if l[i].Identity == identity && l[i].Revoked == nil {
			l[i].Revoked = &now
			n++
		}
	}
	return n
}
