package certs

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// RenewOptions say which identities to renew, and how.
type RenewOptions struct {
	Names    []string      // identities, or members and clients by their last word; none: all but revoked ones
	Within   time.Duration // only what expires so soon; zero: whatever the expiry
	Due      time.Duration // only what expires so soon, or in the last third of a shorter life, and could live longer
	KeepKey  bool          // certify the same key again, for those who have pinned it
	Key      KeyAlgorithm  // of new keys; default: as before
	Lifetime time.Duration // default: as before
}

// Renew replaces certificates by new ones that say the same. Members show them
// from the next handshake on, without a restart.
func (p *PKI) Renew(ctx context.Context, o RenewOptions) (Report, error) {
	if err := o.Validate(); err != nil {
		return Report{}, err
	}
	return p.change(ctx, func(s *state) ([]step, error) {
		chosen, err := s.choose(o.Names)
		if err != nil {
			return nil, err
		}
		return p.renewals(s, chosen, o)
	})
}

// Validate reports everything that is wrong with the options at once.
func (o RenewOptions) Validate() error {
	var both error
	if o.KeepKey && o.Key != "" {
		both = fmt.Errorf("key: a kept key stays what it is: leave %s out, or let a new key be made", o.Key)
	}
	return errors.Join(both, o.Key.validate("key"), validateLifetime("lifetime", o.Lifetime), validateLifetime("within", o.Within), validateLifetime("due", o.Due))
}

// choose lists the identities that the words stand for, all without any.
func (s *state) choose(words []string) ([]*existing, error) {
	names := make([]string, len(s.identities))
	for i, e := range s.identities {
		names[i] = e.name
	}
	wanted := map[string]bool{}
	var errs []error
	for _, w := range words {
		found, err := match(names, w)
		errs = append(errs, err)
		for _, name := range found {
			wanted[name] = true
		}
	}
	var list []*existing
	for i := range s.identities {
		if len(words) == 0 || wanted[s.identities[i].name] {
			list = append(list, &s.identities[i])
		}
	}
	return list, errors.Join(errs...)
}

func (p *PKI) renewals(s *state, chosen []*existing, o RenewOptions) ([]step, error) {
	var steps []step
	var errs []error
	for _, e := range chosen {
		if len(o.Names) == 0 && p.left(s, e) {
			steps = append(steps, step{old: e, action: Reused, cause: leftCause, want: identity{place: e.place}})
			continue
		}
		st, err := s.renewal(e, o, p.now())
		errs = append(errs, err)
		steps = append(steps, st)
	}
	return steps, errors.Join(errs...)
}

func (s *state) renewal(e *existing, o RenewOptions, now time.Time) (step, error) {
	st := step{old: e, action: Reused, want: identity{place: e.place}}
	switch from := s.originOf(e); {
	case from == brought && len(o.Names) > 0:
		return st, fmt.Errorf("%s: %s: have it renewed there, and bring it in with `etcdctr certs import`", e.name, s.whose(e))
	case from == brought:
		st.cause = "is not of an authority here"
		return st, nil
	case e.broken != nil:
		return st, fmt.Errorf("%s: %w: let `etcdctr certs create` or `certs issue` make it anew", e.name, e.broken)
	case from == ofKey:
		st.brought = true
	}
	a, cert := s.authorityFor(e.profile), e.files.cert()
	switch {
	case a == nil:
		return st, fmt.Errorf("%s: its authority is not here: put ca/ back", e.name)
	case a.issued.revoked(cert) != nil && len(o.Names) > 0:
		return st, fmt.Errorf("%s: is revoked: let `etcdctr certs create` or `certs issue` make it anew, with a new key", e.name)
	case a.issued.revoked(cert) != nil:
		st.cause = "is revoked"
	case o.Within > 0 && cert.NotAfter.Sub(now) > o.Within:
	case o.Due > 0 && (!endsWithin(cert, now, o.Due) || !cert.NotAfter.Before(a.current.notAfter())):
	default:
		st.action, st.cause, st.keepKey = Renewed, "the former "+expiry(cert, now), o.KeepKey || st.brought
		st.want.key, st.want.lifetime = o.Key, o.Lifetime
		st.want.rawSubject = cert.RawSubject
		st.want.hosts = hostsOf(cert)
		if st.brought {
			return st, s.keepable(st.want, e)
		}
	}
	return st, nil
}
