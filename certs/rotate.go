package certs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Stage is a step in the replacement of an authority. Members read what they
// trust when they start and never again, so that a new authority has to be
// trusted by every member before the first certificate from it is shown.
type Stage string

// The stages, in order. After Begin and after Finish the members are restarted
// one by one.
const (
	Begin  Stage = "begin"  // make the new authority; everybody trusts both
	Switch Stage = "switch" // the new one issues: all certificates are replaced
	Finish Stage = "finish" // the old one is not trusted any more
)

// Stages lists the stages in order.
func Stages() []Stage { return []Stage{Begin, Switch, Finish} }

// Then is what a person does once a stage was done by itself, without its members being
// seen: of Finish also after going back.
func (s Stage) Then() string {
	switch s {
	case Begin:
		return "restart the members one by one, then: `etcdctr certs rotate-ca --stage switch`"
	case Switch:
		return "once clients have their new certificates: `etcdctr certs rotate-ca --stage finish`"
	}
	return "restart the members one by one, then: `etcdctr certs rotate-ca`, with --restarted if they run elsewhere"
}

// abort is the way back: the authority that issued before issues again, alone.
const abort Stage = "abort"

// settle puts an authority away that no running member trusts any more.
const settle Stage = "settle"

// RotateOptions say which authorities to replace, and by what.
type RotateOptions struct {
	Stage    Stage
	Profiles []Profile // those vouched for by the authority: Client (and servers) or Peer; none: every authority

	// Authority is an existing authority to change to, at Begin and for one
	// authority at a time. Otherwise one like the old is made.
	Authority *Authority
	Key       KeyAlgorithm  // of the new authority; default: as before
	Lifetime  time.Duration // of the new authority; default: as before
}

// AbortRotation goes back to the authorities that issued before a replacement
// began, and has them reissue what the next ones have issued. It refuses once they
// are not trusted any more.
func (p *PKI) AbortRotation(ctx context.Context, profiles ...Profile) (Report, error) {
	return p.rotateTo(ctx, RotateOptions{Stage: abort, Profiles: profiles})
}

// SettleRotation puts away the authorities that a replacement, or its abort, has
// taken out: once every member was restarted since, nobody trusts them any more.
func (p *PKI) SettleRotation(ctx context.Context, profiles ...Profile) (Report, error) {
	return p.rotateTo(ctx, RotateOptions{Stage: settle, Profiles: profiles})
}

// RotateCA does one stage of the replacement of authorities. A stage that was
// done before is done again as far as something is missing.
func (p *PKI) RotateCA(ctx context.Context, o RotateOptions) (Report, error) {
	if err := o.Validate(); err != nil {
		return Report{}, err
	}
	return p.rotateTo(ctx, o)
}

func (p *PKI) rotateTo(ctx context.Context, o RotateOptions) (Report, error) {
	return p.change(ctx, func(s *state) ([]step, error) { return p.rotateIn(s, o) })
}

// rotateIn does a stage in a state, and gives what it does to certificates.
func (p *PKI) rotateIn(s *state, o RotateOptions) ([]step, error) {
	chosen, err := p.rotated(s, o)
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, a := range chosen {
		errs = append(errs, p.rotate(a, o))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	steps, err := p.reissues(s, o.Stage)
	if o.Authority != nil {
		err = errors.Join(err, p.wantTold(s, chosen, o.Authority))
	}
	return steps, err
}

// Validate reports everything that is wrong with the options at once.
func (o RotateOptions) Validate() error {
	var errs []error
	if !slices.Contains(Stages(), o.Stage) {
		errs = append(errs, fmt.Errorf("stage: unknown stage %q: use one of %s", o.Stage, joinStrings(Stages())))
	}
	for _, profile := range o.Profiles {
		errs = append(errs, profile.validate("authority"))
	}
	if o.Stage != Begin && (o.Authority != nil || o.Key != "" || o.Lifetime != 0) {
		errs = append(errs, fmt.Errorf("stage: the new authority is chosen at %s, and is settled at %s: leave its certificate, key and lifetime out", Begin, o.Stage))
	}
	return errors.Join(append(errs, o.Key.validate("key"), validateLifetime("lifetime", o.Lifetime))...)
}

// rotated lists the authorities that the options mean.
func (p *PKI) rotated(s *state, o RotateOptions) ([]*authority, error) {
	chosen := s.authorities
	if len(o.Profiles) > 0 {
		chosen = nil
		for _, profile := range o.Profiles {
			if a := s.authorityFor(profile); a != nil && !slices.Contains(chosen, a) {
				chosen = append(chosen, a)
			}
		}
	}
	switch {
	case len(chosen) == 0:
		return nil, errNoAuthority
	case o.Authority != nil && len(chosen) > 1:
		return nil, errors.New("authority: one is given for two places: say whether it is for clients or for peers")
	}
	return chosen, nil
}

func (p *PKI) rotate(a *authority, o RotateOptions) error {
	switch o.Stage {
	case Begin:
		return p.beginRotation(a, o)
	case Switch:
		return p.switchRotation(a)
	case abort:
		return p.abortRotation(a)
	case settle:
		a.putAway()
		return nil
	}
	return finishRotation(a)
}

// putAway retires the authority that was taken out last.
func (a *authority) putAway() {
	a.action = Reused
	if a.gone != nil {
		a.retired = append(a.retired, a.gone)
		a.dirty, a.action, a.cause = true, Updated, "the old one is put away in "+retiredDir
		if a.aborted {
			a.cause = "the one that was to replace it is put away in " + retiredDir
		}
		a.gone, a.aborted = nil, false
	}
}

// abortRotation goes back to one authority, the one that issued when the
// replacement began. Running members trust it at both stages, so that it may issue
// at once; those that trust the other one are restarted to forget it.
func (p *PKI) abortRotation(a *authority) error {
	a.action = Reused
	switch {
	case a.next != nil:
		a.gone, a.aborted, a.next, a.dirty = a.next, true, nil, true
		a.action, a.cause = Updated, "it stays, and the next one is out"
		return nil
	case a.old != nil && a.old.key == nil:
		return fmt.Errorf("authority %s: there is no way back without its old key: put %s/%s there, or go on", a.name, a.name, oldKeyFile)
	case a.old != nil:
		a.gone, a.aborted, a.current, a.old = a.current, true, a.old, nil
		a.in = oldFile
		a.action, a.cause = Updated, "the old one issues again, and the new one is out"
		return p.reissueList(a)
	case a.gone != nil && !a.aborted:
		return fmt.Errorf("authority %s: the old one is not trusted any more: change back to it with --ca-cert %s/%s and --ca-key %s/%s",
			a.name, a.name, goneFile, a.name, goneKeyFile)
	}
	return nil
}

// reissueList signs the list anew, with who issues now.
func (p *PKI) reissueList(a *authority) error {
	a.dirty = true
	return a.refreshCRL(p.now(), p.random())
}

func (p *PKI) beginRotation(a *authority, o RotateOptions) error {
	a.action = Reused
	switch {
	case a.old != nil:
		return fmt.Errorf("authority %s: its last replacement is not over: finish it first", a.name)
	case a.next != nil && o.Authority != nil && !o.Authority.same(a.next):
		return fmt.Errorf("authority %s: a replacement by another authority has begun: switch to it and finish first", a.name)
	case a.next != nil:
		return nil
	}
	next := o.Authority
	var err error
	if next == nil {
		next, err = p.successor(a.current, o)
	} else {
		err = p.checkGiven(a.name, next)
	}
	if err != nil {
		return err
	}
	if next.same(a.current) {
		return fmt.Errorf("authority %s: the given one is in use already: give another", a.name)
	}
	a.putAway()
	a.next, a.dirty, a.action, a.cause = next, true, Updated, "trusted beside the next"
	return nil
}

// successor is a new authority like the one that it replaces.
func (p *PKI) successor(old *Authority, o RotateOptions) (*Authority, error) {
	if o.Key == "" {
		o.Key = algorithmOf(old.cert().PublicKey)
	}
	if o.Key.validate("") != nil {
		o.Key = DefaultKey
	}
	if o.Lifetime == 0 {
		o.Lifetime = DefaultAuthorityLifetime
		if selfSigned(old.cert()) {
			o.Lifetime = old.cert().NotAfter.Sub(old.cert().NotBefore) - backdate
		}
	}
	return newAuthority(old.cert().Subject, o.Key, p.now(), o.Lifetime, p.random())
}

func (p *PKI) switchRotation(a *authority) error {
	a.action = Reused
	switch {
	case a.next == nil && a.old != nil:
		return nil
	case a.next == nil:
		return fmt.Errorf("authority %s: there is no next one: begin with the stage %s", a.name, Begin)
	}
	a.old, a.current, a.next, a.in = a.current, a.next, nil, nextFile
	a.action, a.cause = Updated, "the next one issues now"
	return p.reissueList(a)
}

func finishRotation(a *authority) error {
	a.action = Reused
	if a.next != nil {
		return fmt.Errorf("authority %s: the old one still issues: the stage %s comes first", a.name, Switch)
	}
	if a.old != nil {
		a.putAway()
		a.gone, a.old, a.dirty, a.action, a.cause = a.old, nil, true, Updated, "the old one is out"
	}
	return nil
}
