package certs

import (
	"context"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"time"
)

// IssueOptions describe an identity beside the cluster's own: another client,
// or a server that is no member, such as a proxy.
type IssueOptions struct {
	Name    string
	Profile Profile  // Client or Server
	Hosts   []string // of a server, which answers to localhost, 127.0.0.1 and ::1 too

	// CommonName defaults to Name; with NoCommonName there is none.
	CommonName   string
	NoCommonName bool

	// Organizations default to the one of the authority.
	Organizations []string

	Key      KeyAlgorithm  // default DefaultKey
	Lifetime time.Duration // default DefaultLifetime
}

// Issue makes the identity clients/NAME or servers/NAME; one that is there
// already and fits is kept. The authority has to be there.
func (p *PKI) Issue(ctx context.Context, o IssueOptions) (Report, error) {
	if err := o.Validate(); err != nil {
		return Report{}, err
	}
	return p.change(ctx, func(s *state) ([]step, error) {
		a := s.authorityFor(o.Profile)
		if a == nil {
			return nil, s.absentAuthority(o.place())
		}
		want := o.identity(a)
		if e := s.find(want.name); e != nil && s.originOf(e) == brought {
			return nil, fmt.Errorf("%s: %s: %s", want.name, s.whose(e), p.bring(want.name))
		}
		return s.steps([]identity{want}, p.now())
	})
}

// Validate reports everything that is wrong with the options at once.
func (o IssueOptions) Validate() error {
	var errs []error
	errs = append(errs, validateName("name", o.Name, map[string]bool{}))
	switch {
	case o.Profile != Client && o.Profile != Server:
		errs = append(errs, fmt.Errorf("profile: %q cannot be issued by itself: use client or server, peers belong to members", o.Profile))
	case o.Profile == Client && len(o.Hosts) > 0:
		errs = append(errs, errors.New("hosts: a client has none: leave them out, or use the profile server"))
	}
	if o.NoCommonName && o.CommonName != "" {
		errs = append(errs, fmt.Errorf("common name: %q and none at all are wanted: choose one", o.CommonName))
	}
	errs = append(errs, validateHosts("hosts", o.Hosts), o.Key.validate("key"), validateLifetime("lifetime", o.Lifetime))
	return errors.Join(errs...)
}

// Identity is the name of what is issued: clients/NAME or servers/NAME.
func (o IssueOptions) Identity() string { return o.place().name }

func (o IssueOptions) place() place {
	if o.Profile == Server {
		return place{name: "servers/" + o.Name, profile: Server}
	}
	return place{name: "clients/" + o.Name, profile: o.Profile}
}

func (o IssueOptions) identity(a *authority) identity {
	id := identity{
		place:      o.place(),
		commonName: o.CommonName,
		exact:      true,
		key:        o.Key,
		lifetime:   o.Lifetime,
	}
	if id.commonName == "" && !o.NoCommonName {
		id.commonName = o.Name
	}
	if o.Profile == Server {
		id.hosts = canonicalHosts(append(append([]string{o.Name}, loopback...), o.Hosts...))
	}
	id.subject = &pkix.Name{Organization: a.current.cert().Subject.Organization}
	if len(o.Organizations) > 0 {
		id.subject.Organization = o.Organizations
	}
	return id
}

// change decides on steps from what is there, and does them, while no other
// process writes.
func (p *PKI) change(ctx context.Context, decide func(*state) ([]step, error)) (Report, error) {
	if places, err := p.places(); err != nil || len(places)+len(p.readAuthorities()) == 0 {
		return Report{}, errors.Join(err, errNoAuthority)
	}
	var report Report
	err := p.exclusive(ctx, func() error {
		s, err := p.observe()
		if err != nil {
			return err
		}
		if err := errors.Join(p.completeLists(s), p.moveIn(ctx, s)); err != nil {
			return err
		}
		steps, err := decide(s)
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

// errNoAuthority is the error of what needs a PKI where there is none.
var errNoAuthority = errors.New("there is no authority here: make one with `etcdctr certs create`")
