package certs

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
)

// withForeign adds to what an authority says the certificates in an identity's
// ca.crt that are of no authority here: somebody trusts them on purpose.
func (s *state) withForeign(list []*x509.Certificate, e *existing) []*x509.Certificate {
	return append(slices.Clone(list), s.foreign(e)...)
}

// foreign lists the certificates in an identity's ca.crt that are of no
// authority here, nor of one that was replaced.
func (s *state) foreign(e *existing) []*x509.Certificate {
	have, err := parseCertificates(e.files.trust)
	if err != nil {
		return nil
	}
	return slices.DeleteFunc(have, func(c *x509.Certificate) bool {
		return slices.ContainsFunc(s.known(), c.Equal)
	})
}

// known lists every certificate of the authorities, those replaced included.
func (s *state) known() []*x509.Certificate {
	var list []*x509.Certificate
	for _, a := range s.everyAuthority() {
		list = append(list, a.chain...)
	}
	return list
}

// everyAuthority lists all authorities, those replaced included.
func (s *state) everyAuthority() []*Authority {
	list := slices.Clone(s.retired)
	for _, a := range s.authorities {
		for _, each := range append([]*Authority{a.current, a.next, a.old, a.gone}, a.retired...) {
			if each != nil {
				list = append(list, each)
			}
		}
	}
	return list
}

// trustOf is the ca.crt that an identity shall have: what its authority says,
// and what somebody has added. One that was brought keeps its own.
func (s *state) trustOf(e *existing) []byte {
	a := s.authorityFor(e.profile)
	if a == nil || s.originOf(e) == brought {
		return e.files.trust
	}
	want := s.withForeign(a.trusted(e.profile), e)
	if have, err := parseCertificates(e.files.trust); err == nil && sameSet(have, want) {
		return e.files.trust
	}
	return encodeCertificates(want...)
}

func sameSet(a, b []*x509.Certificate) bool {
	within := func(a, b []*x509.Certificate) bool {
		return !slices.ContainsFunc(a, func(c *x509.Certificate) bool { return !slices.ContainsFunc(b, c.Equal) })
	}
	return within(a, b) && within(b, a)
}

// listOf is the crl.der that an identity shall have: its authority's, unless
// somebody has put another one there.
func (s *state) listOf(e *existing) []byte {
	a := s.authorityFor(e.profile)
	switch {
	case !e.profile.serves():
		return nil
	case !s.ownList(e.files.crl):
		return e.files.crl
	case a != nil && a.crl != nil:
		return a.crl
	case absent(e.files.crl):
		return s.standIn
	}
	return e.files.crl
}

// upToDate reports whether an identity is where it belongs, and trusts and
// refuses what it shall.
func (s *state) upToDate(e *existing) bool {
	if e.flat && s.originOf(e) != brought {
		return false
	}
	if !e.profile.serves() {
		return bytes.Equal(e.files.trust, s.trustOf(e))
	}
	return bytes.Equal(e.files.trust, s.trustOf(e)) && bytes.Equal(e.files.crl, s.listOf(e))
}

// completeLists sees to it that there is a revocation list for everybody who
// reads one: the authority's, else one that members hold, else a new one.
func (p *PKI) completeLists(s *state) error {
	for _, a := range s.authorities {
		if err := p.completeList(s, a); err != nil {
			return err
		}
	}
	for i := range s.identities {
		e := &s.identities[i]
		if !e.profile.serves() || !absent(e.files.crl) || s.authorityFor(e.profile) != nil {
			continue
		}
		var err error
		s.standIn, err = newStandIn(nil, p.now(), p.random())
		return err
	}
	return nil
}

func (p *PKI) completeList(s *state, a *authority) error {
	if absent(a.crl) {
		a.crl = s.newestList(a)
		a.listed(a.crl != nil, "its revocation list is taken from a member")
	}
	var err error
	list, parseErr := parseList(a.crl)
	switch able := a.ready(p.now()) == nil; {
	case able && (a.crl == nil || isStandIn(a.crl)):
		err = a.refreshCRL(p.now(), p.random())
		a.listed(true, "its revocation list is signed")
	case a.crl == nil:
		a.crl, err = newStandIn(a.issued, p.now(), p.random())
		a.listed(true, "a revocation list is signed when its key is here")
	case parseErr != nil:
		err = fmt.Errorf("authority %s: %s %w: put back the list that was there, or move the file away to have one made", a.name, CRLFile, parseErr)
	case !bytes.Equal(list.Raw, a.crl):
		a.crl = list.Raw
		a.listed(true, "its revocation list was in PEM, which etcd 3.6 cannot read")
	}
	return err
}

// listed notes that the authority has got another revocation list.
func (a *authority) listed(is bool, cause string) {
	if is {
		a.dirty, a.action, a.cause = true, Updated, cause
	}
}

// newestList is the newest list of an authority that members hold, for one that
// has lost its own.
func (s *state) newestList(a *authority) []byte {
	var newest *x509.RevocationList
	for _, e := range s.identities {
		list, err := parseList(e.files.crl)
		if err != nil || s.authorityFor(e.profile) != a || !a.signed(list) || list.Number == nil {
			continue
		}
		if newest == nil || list.Number.Cmp(newest.Number) > 0 {
			newest = list
		}
	}
	if newest == nil {
		return nil
	}
	return newest.Raw
}

// ownList reports whether the authority's list may be replaced by a newer one.
func (a *authority) ownList() bool {
	if absent(a.crl) || isStandIn(a.crl) {
		return true
	}
	list, err := parseList(a.crl)
	return err == nil && a.signed(list)
}

// readRetired reads the certificates of the authorities that were replaced.
func (p *PKI) readRetired() []*Authority {
	root := os.DirFS(p.Dir)
	files, _ := fs.Glob(root, retiredDir+"/*/"+CertFile) // the pattern is well-formed
	var list []*Authority
	for _, file := range files {
		data, err := fs.ReadFile(root, file)
		if err != nil {
			continue
		}
		if chain, err := parseCertificates(data); err == nil { // what cannot be read was nobody's authority
			was, _, _ := strings.Cut(path.Base(path.Dir(file)), "-")
			list = append(list, &Authority{chain: chain, was: was})
		}
	}
	return list
}
