package certs

import (
	"context"
	"crypto"
	"fmt"
	"math/big"
	"runtime"

	"golang.org/x/sync/errgroup"

	"github.com/etcdctr/etcdctr/internal/atomicdir"
)

// step is what to do about one identity, and why.
type step struct {
	want    identity
	old     *existing // what is there now, nil if nothing
	action  Action
	cause   string
	keepKey bool
	brought bool // the kept key was not made here
}

// issues reports whether the step ends in a new certificate.
func (s step) issues() bool {
	return s.action == Created || s.action == Reissued || s.action == Renewed
}

// apply does the steps, hands every identity what its authority now trusts and
// refuses, and writes all of it, or nothing.
func (p *PKI) apply(ctx context.Context, s *state, steps []step) (Report, error) {
	made, err := p.issueAll(ctx, s, steps)
	if err != nil {
		return Report{}, err
	}
	var report Report
	var dirs []atomicdir.Dir
	for _, a := range s.authorities {
		more, err := p.authorityDirs(a)
		if err != nil {
			return Report{}, err
		}
		dirs = append(dirs, more...)
		report.add(a.name, a.action, a.cause)
	}
	for i, st := range steps {
		if made[i] != nil {
			d, err := p.directory(st.want.name, made[i].content())
			if err != nil {
				return Report{}, err
			}
			dirs = append(dirs, d)
		}
		report.add(st.want.name, st.action, st.cause)
	}
	more, lists, err := p.update(s, steps, &report)
	if err != nil {
		return Report{}, err
	}
	if err := atomicdir.Replace(ctx, append(dirs, more...)...); err != nil {
		return Report{}, err
	}
	for _, e := range s.touched(steps) {
		if err := p.linkUp(e); err != nil {
			return Report{}, fmt.Errorf("%s: %w", e, err)
		}
	}
	for _, e := range lists {
		if err := writeInto(p.path(e.name), CRLFile, e.files.crl, certMode); err != nil {
			return Report{}, fmt.Errorf("%s: %w", e.name, err)
		}
	}
	return report, nil
}

// touched lists the identities that were made here, now or before.
func (s *state) touched(steps []step) []string {
	var list []string
	for _, st := range steps {
		if st.issues() {
			list = append(list, st.want.name)
		}
	}
	for i := range s.identities {
		if e := &s.identities[i]; s.originOf(e) != brought && e.broken == nil {
			list = append(list, e.name)
		}
	}
	return list
}

// authorityDirs is what has to be written of an authority, the ones that it
// replaced first.
func (p *PKI) authorityDirs(a *authority) ([]atomicdir.Dir, error) {
	if !a.dirty {
		return nil, nil
	}
	var dirs []atomicdir.Dir
	for _, gone := range a.retired {
		dirs = append(dirs, p.retire(a, gone))
	}
	files, err := a.content()
	if err != nil {
		return nil, err
	}
	d, err := p.directory(a.name, files, authorityFiles...)
	return append(dirs, d), err
}

// update gives the identities that keep their certificates what they shall
// trust and refuse. Those that were brought get a list at most, and keep every
// other file as it is.
func (p *PKI) update(s *state, steps []step, report *Report) (dirs []atomicdir.Dir, lists []*existing, err error) {
	for _, e := range s.identities {
		if e.moved {
			report.update(e.name)
		}
	}
	for _, e := range s.outdated(steps) {
		e.files.trust, e.files.crl = s.trustOf(e), s.listOf(e)
		report.update(e.name)
		if s.originOf(e) == brought {
			lists = append(lists, e)
			continue
		}
		d, err := p.directory(e.name, e.files.content())
		if err != nil {
			return nil, nil, err
		}
		dirs = append(dirs, d)
	}
	return dirs, lists, nil
}

// outdated lists the identities that keep their certificates but not what they
// trust or refuse.
func (s *state) outdated(steps []step) []*existing {
	reissued := map[string]bool{}
	for _, st := range steps {
		reissued[st.want.name] = st.issues()
	}
	var list []*existing
	for i := range s.identities {
		e := &s.identities[i]
		if e.broken == nil && !reissued[e.name] && !s.upToDate(e) {
			list = append(list, e)
		}
	}
	return list
}

// issueAll makes the certificates of all steps that ask for one, at the same
// index, and records them in their authorities' ledgers.
func (p *PKI) issueAll(ctx context.Context, s *state, steps []step) ([]*stored, error) {
	made := make([]*stored, len(steps))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0)) // RSA keys take seconds
	ready := map[*authority]bool{}
	for i, st := range steps {
		if !st.issues() {
			continue
		}
		a := s.authorityFor(st.want.profile)
		if !ready[a] {
			if err := p.prepare(a); err != nil {
				return nil, err
			}
			ready[a] = true
		}
		number, err := newSerial(p.random())
		if err != nil {
			return nil, err
		}
		g.Go(func() (err error) {
			if err = ctx.Err(); err == nil {
				made[i], err = p.issue(s, st, a, number)
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	for i, st := range steps {
		if made[i] != nil {
			s.authorityFor(st.want.profile).record(entry(st.want.name, made[i].cert(), st.brought), p.now())
		}
	}
	return made, nil
}

// prepare makes an authority able to issue, or says why it is not.
func (p *PKI) prepare(a *authority) error {
	if err := a.ready(p.now()); err != nil {
		return err
	}
	if err := a.current.check(); err != nil {
		return fmt.Errorf("authority %s: %w, see `etcdctr certs rotate-ca`", a.name, err)
	}
	a.shown = a.current.intermediates()
	if a.crl == nil || isStandIn(a.crl) {
		return a.refreshCRL(p.now(), p.random())
	}
	return nil
}

func (p *PKI) issue(s *state, st step, a *authority, number *big.Int) (*stored, error) {
	want, issuer := st.want, a.current
	var kept crypto.Signer
	if st.old != nil && st.old.files.certificate() != nil {
		want = want.inherit(st.old.files.cert(), issuer.notAfter())
		if st.keepKey {
			kept = st.old.files.key
		}
	}
	key, err := want.privateKey(kept)
	if err != nil {
		return nil, err
	}
	template := want.template(algorithmOf(key.Public()), p.now(), issuer.notAfter())
	template.SerialNumber = number
	cert, err := sign(template, issuer.cert(), key.Public(), issuer.key, p.random())
	if err != nil {
		return nil, err
	}
	if err := issuer.checkNames(cert); err != nil {
		return nil, fmt.Errorf("%s: authority %s %w", want.name, a.name, err)
	}
	made := &stored{key: key, trust: a.trust(want.profile), crl: a.crlFor(want.profile)}
	if st.old != nil {
		made.trust = encodeCertificates(s.withForeign(a.trusted(want.profile), st.old)...)
		made.crl = s.listOf(st.old)
	}
	made.chain = append(made.chain, cert)
	made.chain = append(made.chain, a.shown...)
	if kept != nil {
		made.keyPEM = st.old.files.keyPEM // to the letter
		return made, nil
	}
	made.keyPEM, err = encodeKey(key)
	return made, err
}
