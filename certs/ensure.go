package certs

import (
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/etcdctr/etcdctr/internal/lifespan"
)

// renewBefore is how long before its end Ensure replaces a certificate, or a
// third of its life if that is less.
const renewBefore = 30 * 24 * time.Hour

// Ensure makes the PKI fit the plan: it creates what is missing, keeps what
// fits, and reissues what does not, with a new key. What the plan does not name
// is left alone. When everything fits it writes nothing at all.
//
// It replaces no key, no certificate and no revocation list that was made
// elsewhere. What is amiss with those is an error that says so, and nothing is
// written then.
func (p *PKI) Ensure(ctx context.Context, plan Plan) (Report, error) {
	if err := plan.Validate(); err != nil {
		return Report{}, err
	}
	report, fits := p.fits(plan)
	if fits {
		return report, nil
	}
	err := p.exclusive(ctx, func() error {
		s, err := p.observe()
		if err != nil {
			return err
		}
		if err := p.ensureAuthorities(s, plan); err != nil {
			return err
		}
		if err := p.moveIn(ctx, s); err != nil {
			return err
		}
		steps, err := p.decide(s, plan)
		if err != nil {
			return err
		}
		report, err = p.apply(ctx, s, steps)
		return err
	})
	if err != nil {
		return Report{}, err
	}
	return report, nil
}

// Check is the error that Ensure would have but for writing, and writes nothing.
func (p *PKI) Check(ctx context.Context, plan Plan) error {
	if err := plan.Validate(); err != nil {
		return err
	}
	if _, fits := p.fits(plan); fits {
		return nil
	}
	s, err := p.observe()
	if err != nil {
		return err
	}
	if err := p.ensureAuthorities(s, plan); err != nil {
		return err
	}
	steps, err := p.decide(s, plan)
	if err == nil {
		_, err = p.issueAll(ctx, s, steps)
	}
	return err
}

// fits reports whether the plan needs nothing written. That is the usual case,
// and it needs neither the lock nor a directory that can be written to.
func (p *PKI) fits(plan Plan) (Report, bool) {
	s, err := p.observe()
	if err != nil || len(s.needs(plan)) > 0 || p.checkAuthorities(s, plan) != nil || p.completeLists(s) != nil {
		return Report{}, false
	}
	var report Report
	for _, a := range s.authorities {
		if a.dirty {
			return Report{}, false
		}
		report.add(a.name, Reused, "")
	}
	steps, err := p.decide(s, plan)
	if err != nil {
		return Report{}, false
	}
	for _, st := range steps {
		if st.issues() {
			return Report{}, false
		}
		report.add(st.want.name, st.action, st.cause)
	}
	return report, len(s.outdated(steps)) == 0
}

// decide says what becomes of each identity of the plan, or why nothing can.
func (p *PKI) decide(s *state, plan Plan) ([]step, error) {
	wanted := plan.identities()
	steps, err := s.steps(wanted, p.now())
	return steps, errors.Join(err, p.checkBrought(s, wanted))
}

// checkBrought reports everything that is wrong with identities that were made
// elsewhere, where only their owner can put it right.
func (p *PKI) checkBrought(s *state, wanted []identity) error {
	v := &verification{pki: p, state: s, now: p.now()}
	for _, want := range wanted {
		if e := s.find(want.name); e != nil && s.originOf(e) == brought {
			v.identity(e.with(s.listOf(e)))
			v.fits(want, e)
		}
	}
	v.acceptance(wanted)
	var errs []error
	for _, f := range v.findings {
		if f.Severity == Error {
			errs = append(errs, errors.New(f.String()))
		}
	}
	return errors.Join(errs...)
}

// with is the identity with the revocation list that it is about to get.
func (e *existing) with(crl []byte) *existing {
	files := *e.files
	files.crl = crl
	return &existing{place: e.place, files: &files, broken: e.broken}
}

// ensureAuthorities makes the authorities that are missing.
func (p *PKI) ensureAuthorities(s *state, plan Plan) error {
	if err := p.checkAuthorities(s, plan); err != nil {
		return err
	}
	for _, a := range s.authorities {
		a.action = Reused
	}
	if err := p.completeLists(s); err != nil {
		return err
	}
	for _, name := range s.needs(plan) {
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
	if of := s.ofAnother(plan); of != "" {
		return &SharedError{Of: of, By: plan.cluster()}
	}
	for _, a := range s.authorities {
		if given := plan.Authority.existing(a.name); given != nil && !given.same(a.current) {
			return fmt.Errorf("authority %s: there is another one already (%s): bring the new one in with `etcdctr certs rotate-ca`, or use another directory",
				a.name, a.current.nameBeside(given))
		}
	}
	return nil
}

// SharedError is the error of authorities that were made for one cluster and would
// vouch for another one's members and clients too.
type SharedError struct{ Of, By string }

func (e *SharedError) Error() string {
	return fmt.Sprintf("they are those of the cluster %s: with them %s would let in whoever has a certificate of that one, and the other way round", e.Of, e.By)
}

// ofAnother names the cluster that the authorities were made for, if they were made
// here for another than the one that is to have them alone; empty otherwise.
func (s *state) ofAnother(plan Plan) string {
	for _, a := range s.authorities {
		subject := a.current.cert().Subject
		if !plan.Own || len(subject.Organization) == 0 || subject.Organization[0] == plan.cluster() {
			continue
		}
		made := Plan{Cluster: subject.Organization[0]}
		if subject.CommonName == made.authoritySubject(a.name).CommonName {
			return made.Cluster
		}
	}
	return ""
}

// checkGiven checks that an authority that is handed in can issue now.
func (p *PKI) checkGiven(name string, a *Authority) error {
	switch now := p.now(); {
	case a.expired(now):
		return fmt.Errorf("authority %s: the given one expired on %s: give another, or have one made", name, lifespan.When(a.notAfter(), now))
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
func (s *state) steps(wanted []identity, now time.Time) ([]step, error) {
	var steps []step
	var errs []error
	for _, want := range wanted {
		st, err := s.step(want, now)
		steps, errs = append(steps, st), append(errs, err)
	}
	return steps, errors.Join(errs...)
}

func (s *state) step(want identity, now time.Time) (step, error) {
	st := step{want: want, old: s.find(want.name), action: Created}
	from := ofHere
	if st.old != nil {
		st.action, from = Reused, s.originOf(st.old)
	}
	a := s.authorityFor(want.profile)
	switch {
	case from == brought:
		return st, nil // checkBrought looks at it
	case a == nil:
		return st, s.absentAuthority(want.place)
	case st.old == nil:
		return st, nil
	}
	if st.cause = s.unfit(want, st.old, now); st.cause == "" {
		return st, nil
	}
	if dueOnly(st.old, now) && st.cause == expiry(st.old.files.cert(), now) && a.ready(now) != nil {
		return st, nil // kept while the authority's key is away: there is time
	}
	st.action = Reissued
	if from == ofKey {
		st.keepKey, st.brought = true, true
		return st, s.keepable(want, st.old)
	}
	return st, nil
}

// dueOnly reports whether an identity can be used still, though not for long.
func dueOnly(e *existing, now time.Time) bool {
	return e.broken == nil && !expired(e.files.cert(), now) && !now.Before(e.files.cert().NotBefore)
}

// keepable reports what asks for another key where the one that is there is
// not to be thrown away.
func (s *state) keepable(want identity, e *existing) error {
	cert := e.files.cert()
	switch have := algorithmOf(cert.PublicKey); {
	case s.authorityFor(e.profile).issued.revoked(cert) != nil:
		return fmt.Errorf("%s: is revoked, and its key was not made here: move the folder away to have another made", e.name)
	case want.key != "" && want.key != have:
		return fmt.Errorf("%s: has a key of kind %s, wanted %s, and it was not made here: move the folder away to have another made", e.name, have, want.key)
	}
	return nil
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
	case a.current.notAfter().Before(cert.NotAfter):
		return "outlives its authority"
	case !samePublicKey(cert, have.files.key):
		return KeyFile + " is not its certificate's key"
	case !s.signedBy(cert, a.current):
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

// due reports whether it is time for a new certificate, or past it.
func (p *PKI) due(cert *x509.Certificate) bool {
	return expired(cert, p.now()) || expiresSoon(cert, p.now())
}

// expiresSoon reports whether it is time for a new certificate.
func expiresSoon(cert *x509.Certificate, now time.Time) bool {
	return endsWithin(cert, now, renewBefore)
}

// endsWithin is expiresSoon with another time before the end, for one that lives
// so long.
func endsWithin(cert *x509.Certificate, now time.Time, before time.Duration) bool {
	early := min(before, cert.NotAfter.Sub(cert.NotBefore)/3)
	return !now.Before(cert.NotAfter.Add(-early))
}

// expiry says when a certificate ends.
func expiry(cert *x509.Certificate, now time.Time) string {
	left := cert.NotAfter.Sub(now)
	if left <= 0 {
		return "expired on " + lifespan.When(cert.NotAfter, now)
	}
	return "expires in " + lifespan.Words(left)
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
