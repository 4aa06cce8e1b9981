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
		if a.dirty {
			d, err := a.directory(p.path(a.name))
			if err != nil {
				return Report{}, err
			}
			dirs = append(dirs, d)
		}
		report.add(a.name, a.action, a.cause)
	}
	for i, st := range steps {
		if made[i] != nil {
			dirs = append(dirs, made[i].directory(p.path(st.want.name)))
		}
		report.add(st.want.name, st.action, st.cause)
	}
	for _, e := range s.outdated(steps) {
		a := s.authorityFor(e.profile)
		e.files.trust, e.files.crl = a.trust(e.profile), a.crlFor(e.profile)
		dirs = append(dirs, e.files.directory(p.path(e.name)))
		report.update(e.name)
	}
	return report, atomicdir.Replace(ctx, dirs...)
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
		a := s.authorityFor(e.profile)
		if a != nil && e.broken == nil && !reissued[e.name] && !a.sameTrust(e) {
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
				made[i], err = p.issue(st, a, number)
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	for i, st := range steps {
		if made[i] != nil {
			s.authorityFor(st.want.profile).record(st.want.name, made[i].cert(), p.now())
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
	if a.crl == nil {
		return a.refreshCRL(p.now(), p.random())
	}
	return nil
}

func (p *PKI) issue(st step, a *authority, number *big.Int) (*stored, error) {
	want, issuer := st.want, a.current
	var kept crypto.Signer
	if st.old != nil && st.old.broken == nil {
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
	made.chain = append(made.chain, cert)
	made.chain = append(made.chain, a.shown...)
	made.keyPEM, err = encodeKey(key)
	return made, err
}
