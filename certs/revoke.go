package certs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Revoke puts every certificate that was ever issued to the named identities,
// and has not expired, on their authority's revocation list, and hands the list
// to all members. They refuse the certificates from the next connection on,
// without a restart; connections that are open stay open.
//
// The identity's files stay. Ensure makes a member or client of its plan anew,
// with a new key; Issue does so for others.
func (p *PKI) Revoke(ctx context.Context, names ...string) (Report, error) {
	if len(names) == 0 {
		return Report{}, errors.New("name: there is none: say which identity to revoke")
	}
	return p.change(ctx, func(s *state) ([]step, error) {
		chosen, err := s.revocable(names)
		if err != nil {
			return nil, err
		}
		var steps []step
		for _, name := range chosen {
			steps = append(steps, s.revoke(name, p.now()))
		}
		return steps, p.publishRevocations(s)
	})
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
			a.record(name, e.files.cert(), now)
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
