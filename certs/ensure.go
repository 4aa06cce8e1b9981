package certs

import (
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"slices"
	"strings"
	"time"
)

// renewBefore is how long before its end Ensure replaces a certificate, or a
// third of its life if that is less.
const renewBefore = 30 * 24 * time.Hour

// Ensure makes the PKI fit the plan: it creates what is missing, keeps what
// fits, and reissues what does not, with a new key. What the plan does not name
// is left alone. When everything fits it writes nothing at all.
func (p *PKI) Ensure(ctx context.Context, plan Plan) (Report, error) {
	if err := plan.Validate(); err != nil {
		return Report{}, err
	}
	if report, fits := p.fits(plan); fits {
		return report, nil
	}
	var report Report
	err := p.exclusive(ctx, func() error {
		s, err := p.observe()
		if err != nil {
			return err
		}
		if err := p.ensureAuthorities(s, plan); err != nil {
			return err
		}
		report, err = p.apply(ctx, s, s.steps(plan.identities(), p.now()))
		return err
	})
	if err != nil {
		return Report{}, err
	}
	return report, nil
}

// fits reports whether the plan needs nothing written. That is the usual case,
// and it needs neither the lock nor a directory that can be written to.
func (p *PKI) fits(plan Plan) (Report, bool) {
	s, err := p.observe()
	if err != nil || len(s.missing(plan)) > 0 || p.checkAuthorities(s, plan) != nil {
		return Report{}, false
	}
	var report Report
	for _, a := range s.authorities {
		report.add(a.name, Reused, "")
	}
	steps := s.steps(plan.identities(), p.now())
	for _, st := range steps {
		if st.issues() {
			return Report{}, false
		}
		report.add(st.want.name, st.action, st.cause)
	}
	return report, len(s.outdated(steps)) == 0
}

// ensureAuthorities makes the authorities that are missing.
func (p *PKI) ensureAuthorities(s *state, plan Plan) error {
	if err := p.checkAuthorities(s, plan); err != nil {
		return err
	}
	for _, a := range s.authorities {
		a.action = Reused
	}
	for _, name := range s.missing(plan) {
		a := &authority{name: name, dirty: true, action: Created}
		var err error
		if a.current = plan.Authority.existing(name); a.current == nil {
			a.current, err = p.newAuthority(name, plan)
		} else {
			a.cause = "from an existing authority"
			err = p.checkGiven(name, a.current)
		}
		if err == nil {
			err = a.refreshCRL(p.now(), p.random())
		}
		if err != nil {
			return err
		}
		s.authorities = append(s.authorities, a)
	}
	return nil
}

// missing lists the authorities that the plan needs and that are not there.
func (s *state) missing(plan Plan) []string {
	needed := []string{clientCA, peerCA}
	if plan.SingleCA {
		needed = []string{singleCA}
	}
	var list []string
	for _, name := range needed {
		if !s.hasAuthority(name) && !s.hasAuthority(singleCA) {
			list = append(list, name)
		}
	}
	return list
}

func (s *state) hasAuthority(name string) bool {
	return slices.ContainsFunc(s.authorities, func(a *authority) bool { return a.name == name })
}

// checkAuthorities reports what the plan asks of authorities that are there and
// otherwise.
func (p *PKI) checkAuthorities(s *state, plan Plan) error {
	if plan.SingleCA && (s.hasAuthority(clientCA) || s.hasAuthority(peerCA)) {
		return fmt.Errorf("single authority: %s has one for clients and one for peers already: use another directory, or leave it at two", p.Dir)
	}
	if s.hasAuthority(singleCA) && plan.Authority.Peer != nil {
		return fmt.Errorf("peer authority: %s has a single authority already: use another directory", p.Dir)
	}
	for _, a := range s.authorities {
		if given := plan.Authority.existing(a.name); given != nil && !given.same(a.current) {
			return fmt.Errorf("authority %s: there is another one already (%s): bring the new one in with `etcdctr certs rotate-ca`, or use another directory",
				a.name, a.current.cert().Subject)
		}
	}
	return nil
}

// checkGiven checks that an authority that is handed in can issue now.
func (p *PKI) checkGiven(name string, a *Authority) error {
	switch now := p.now(); {
	case a.expired(now):
		return fmt.Errorf("authority %s: the given one expired on %s: give another, or have one made", name, a.notAfter().UTC().Format(time.DateOnly))
	case a.early(now):
		return fmt.Errorf("authority %s: the given one is not valid before %s: set this machine's clock right, or give another", name, a.notBefore().UTC().Format(time.RFC3339))
	}
	return nil
}

// existing is the authority that the plan hands in for a place, nil if none.
func (p AuthorityPlan) existing(name string) *Authority {
	if name == peerCA {
		return p.Peer
	}
	return p.Client
}

func (p *PKI) newAuthority(name string, plan Plan) (*Authority, error) {
	key, lifetime := plan.Authority.Key, plan.Authority.Lifetime
	if key == "" {
		key = plan.Key
	}
	if key == "" {
		key = DefaultKey
	}
	if lifetime == 0 {
		lifetime = DefaultAuthorityLifetime
	}
	return newAuthority(plan.authoritySubject(name), key, p.now(), lifetime, p.random())
}

// authoritySubject tells the two authorities of a cluster apart, and those of
// two clusters.
func (p Plan) authoritySubject(name string) pkix.Name {
	subject := p.Authority.Subject
	if len(subject.Organization) == 0 {
		subject.Organization = []string{p.cluster()}
	}
	if subject.CommonName == "" {
		subject.CommonName = map[string]string{
			clientCA: p.cluster() + " client CA",
			peerCA:   p.cluster() + " peer CA",
			singleCA: p.cluster() + " CA",
		}[name]
	}
	return subject
}

// steps decides what becomes of each wanted identity.
func (s *state) steps(wanted []identity, now time.Time) []step {
	var steps []step
	for _, want := range wanted {
		st := step{want: want, old: s.find(want.name), action: Created}
		if st.old != nil {
			st.action = Reused
			if st.cause = s.unfit(want, st.old, now); st.cause != "" {
				st.action = Reissued
			}
		}
		steps = append(steps, st)
	}
	return steps
}

// unfit says why an identity has to be reissued, or nothing.
func (s *state) unfit(want identity, have *existing, now time.Time) string {
	if have.broken != nil {
		return strings.ReplaceAll(have.broken.Error(), "\n", ", ")
	}
	a := s.authorityFor(want.profile)
	cert := have.files.cert()
	missing := without(want.hosts, hostsOf(cert))
	switch {
	case !samePublicKey(cert, have.files.key):
		return KeyFile + " is not its certificate's key"
	case cert.CheckSignatureFrom(a.current.cert()) != nil:
		return "was not issued by " + a.name
	case a.issued.revoked(cert) != nil:
		return "is revoked"
	case now.Before(cert.NotBefore):
		return "is not valid before " + cert.NotBefore.UTC().Format(time.RFC3339)
	case expired(cert, now), expiresSoon(cert, now) && cert.NotAfter.Before(a.current.notAfter()):
		return expiry(cert, now)
	case len(lackedUsages(cert, want.profile)) > 0:
		return "lacks the key usage " + strings.Join(lackedUsages(cert, want.profile), ", ")
	case cert.Subject.CommonName != want.commonName:
		return fmt.Sprintf("has common name %q, wanted %q", cert.Subject.CommonName, want.commonName)
	case len(missing) > 0:
		return "does not answer to " + strings.Join(missing, ", ")
	}
	return unasked(want, cert)
}

// unasked says what a certificate has that the identity explicitly shall not.
func unasked(want identity, cert *x509.Certificate) string {
	if surplus := without(hostsOf(cert), want.hosts); want.exact && len(surplus) > 0 {
		return "answers to " + strings.Join(surplus, ", ") + " too"
	}
	if have := algorithmOf(cert.PublicKey); want.key != "" && have != want.key {
		return fmt.Sprintf("has a key of kind %s, wanted %s", have, want.key)
	}
	return ""
}

func expired(cert *x509.Certificate, now time.Time) bool { return !cert.NotAfter.After(now) }

// expiresSoon reports whether it is time for a new certificate.
func expiresSoon(cert *x509.Certificate, now time.Time) bool {
	early := min(renewBefore, cert.NotAfter.Sub(cert.NotBefore)/3)
	return !now.Before(cert.NotAfter.Add(-early))
}

// expiry says when a certificate ends.
func expiry(cert *x509.Certificate, now time.Time) string {
	left := cert.NotAfter.Sub(now)
	switch {
	case left <= 0:
		return "expired on " + cert.NotAfter.UTC().Format(time.DateOnly)
	case left < 24*time.Hour:
		return "expires in " + left.Truncate(time.Minute).String()
	}
	return "expires in " + inDays(left)
}

func inDays(d time.Duration) string {
	if n := int(d / (24 * time.Hour)); n != 1 {
		return fmt.Sprintf("%d days", n)
	}
	return "1 day"
}

// lackedUsages names the usages that the profile needs and the certificate does
// not have.
func lackedUsages(cert *x509.Certificate, profile Profile) []string {
	var lacked []string
	for _, usage := range profile.extKeyUsage() {
		if !slices.Contains(cert.ExtKeyUsage, usage) && !slices.Contains(cert.ExtKeyUsage, x509.ExtKeyUsageAny) {
			lacked = append(lacked, usageNames[usage])
		}
	}
	return lacked
}

// usageNames are the names that openssl's configuration and cfssl's profiles
// agree on, in openssl's spelling.
var usageNames = map[x509.ExtKeyUsage]string{
	x509.ExtKeyUsageServerAuth: "serverAuth",
	x509.ExtKeyUsageClientAuth: "clientAuth",
}
