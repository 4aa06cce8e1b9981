package certs

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
)

// reissues replaces every certificate that its authority's current certificate
// did not sign. Revoked ones stay what they are, and so do those that were made
// elsewhere.
func (p *PKI) reissues(s *state, stage Stage) ([]step, error) {
	var steps []step
	var errs []error
	for i := range s.identities {
		e := &s.identities[i]
		a := s.authorityFor(e.profile)
		from := s.originOf(e)
		if a == nil || e.broken != nil {
			continue
		}
		if from == brought {
			errs = append(errs, p.wantTrusting(e, a))
			continue
		}
		cert := e.files.cert()
		st := step{old: e, action: Reused, want: identity{place: e.place, rawSubject: cert.RawSubject, hosts: hostsOf(cert)}}
		if p.left(s, e) {
			st.cause = leftCause
		} else if a.issued.revoked(cert) == nil && !s.signedBy(cert, a.current) {
			st.action, st.cause = Reissued, cmp.Or(reissuedBy[stage], "was not issued by "+a.name)
			st.keepKey, st.brought = from == ofKey, from == ofKey
		}
		steps = append(steps, st)
	}
	return steps, errors.Join(errs...)
}

// reissuedBy is why a stage reissues certificates.
var reissuedBy = map[Stage]string{
	Switch: "by the new authority",
	Finish: "by the new authority",
	abort:  "by the old authority again",
}

// trusts reports whether an identity's ca.crt holds an authority.
func (e *existing) trusts(a *Authority) bool {
	have, err := parseCertificates(e.files.trust)
	return err == nil && slices.ContainsFunc(have, a.cert().Equal)
}

// wantTrusting reports that an identity which was made elsewhere does not trust
// the authority that issues now.
func (p *PKI) wantTrusting(e *existing, a *authority) error {
	if e.trusts(a.current) {
		return nil
	}
	return fmt.Errorf("%s: its %s was not made here and does not hold %s: add it before the authority changes",
		e.name, CAFile, filepath.Join(p.path(a.name), cmp.Or(a.in, CertFile)))
}

// wantTold reports the identities which were made elsewhere and do not trust the
// next one of some authorities: nobody adds it but their owner, who needs to have
// it for that. given is the next one where an authority has none yet, nil if one is
// to be made.
func (p *PKI) wantTold(s *state, of []*authority, given *Authority) error {
	var errs []error
	for i := range s.identities {
		e := &s.identities[i]
		a := s.authorityFor(e.profile)
		if e.broken != nil || !slices.Contains(of, a) || s.originOf(e) != brought {
			continue
		}
		file, next := filepath.Join(p.path(e.name), CAFile), filepath.Join(p.path(a.name), nextFile)
		switch {
		case a.next != nil && !e.trusts(a.next) && given == nil:
			errs = append(errs, fmt.Errorf("%s: its %s was not made here and does not hold %s, which issues next: add it to %s, and run this again", e.name, CAFile, next, file))
		case given != nil && !e.trusts(given):
			errs = append(errs, fmt.Errorf("%s: its %s was not made here and does not hold the given authority: add it to %s before", e.name, CAFile, file))
		case a.next == nil && given == nil:
			errs = append(errs, fmt.Errorf("%s: its %s was not made here, so that no command adds the next authority to it: have `etcdctr certs rotate-ca --stage begin` make %s, add that to %s, and run this again",
				e.name, CAFile, next, file))
		}
	}
	return errors.Join(errs...)
}

// wantReady reports who would be cut off by the replacement that is under way, or
// by one that begins as the options say: before anything is done about it.
func (p *PKI) wantReady(o RotateOptions, begins bool) error {
	s, err := p.observe()
	if err != nil {
		return err
	}
	var of []*authority
	if begins {
		if of, err = p.rotated(s, o); err != nil {
			return err
		}
	}
	for _, a := range s.authorities {
		if a.next != nil && !slices.Contains(of, a) {
			of = append(of, a)
		}
	}
	return p.wantTold(s, of, o.Authority)
}
