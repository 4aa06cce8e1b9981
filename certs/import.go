package certs

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/etcdctr/etcdctr/internal/atomicdir"
)

// ImportOptions are certificates from elsewhere and what is known of them.
type ImportOptions struct {
	// Certificates are the contents of files, PEM or DER, with any number of
	// certificates in any order: those that were asked for, and those that
	// vouch for them.
	Certificates [][]byte

	// Keys are private keys in PEM that were not made by Request, by the
	// identity that each is for, such as members/etcd1/server.
	Keys map[string][]byte

	// Authorities are what clients and servers trust, PeerAuthorities what
	// peers do, PEM. Empty: the roots among Certificates, or what the identity
	// trusts already.
	Authorities, PeerAuthorities []byte

	// List and PeerList are revocation lists, DER or PEM. Empty: what is there.
	List, PeerList []byte

	// Plan is what the certificates have to be good for.
	Plan Plan

	// Users are those of etcd's, where it goes by them.
	Users []User
}

// Import puts certificates in their places, each whole: its key, its
// intermediates, whom it trusts and the revocation list. Whose a certificate is
// tells its key. It refuses all of them when one would not do. What lay in a
// place before goes to retired, unless it was made here.
func (p *PKI) Import(ctx context.Context, o ImportOptions) (Report, error) {
	if err := o.Plan.Validate(); err != nil {
		return Report{}, err
	}
	given, err := parseAny(o.Certificates)
	if err != nil {
		return Report{}, err
	}
	var report Report
	err = p.exclusive(ctx, func() error {
		s, err := p.observe()
		if err != nil {
			return err
		}
		if err := p.completeLists(s); err != nil {
			return err
		}
		made, err := p.place(s, o, given)
		if err != nil {
			return err
		}
		remarks, err := p.checkPlaced(s, o, made)
		if err != nil {
			return err
		}
		report, err = p.bringIn(ctx, s, made, remarks)
		return err
	})
	if err != nil {
		return Report{}, err
	}
	return report, nil
}

// parseAny reads certificates in PEM or DER.
func parseAny(files [][]byte) ([]*x509.Certificate, error) {
	var list []*x509.Certificate
	var errs []error
	for i, data := range files {
		found, err := x509.ParseCertificates(data)
		if err != nil || len(found) == 0 {
			found, err = parseCertificates(data)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("file %d %w: give certificates in PEM or DER form", i+1, err))
		}
		for _, c := range found {
			if !slices.ContainsFunc(list, c.Equal) {
				list = append(list, c)
			}
		}
	}
	return list, errors.Join(errs...)
}

// place finds out whose each certificate is, and makes identities of them.
func (p *PKI) place(s *state, o ImportOptions, given []*x509.Certificate) ([]*existing, error) {
	keys, err := p.keysFor(s, o)
	if err != nil {
		return nil, err
	}
	var made []*existing
	var errs []error
	for _, cert := range given {
		if cert.IsCA {
			continue
		}
		owners := ownersOf(cert, keys)
		if len(owners) == 0 {
			errs = append(errs, fmt.Errorf("certificate %s (%s, issued by %s): no key here belongs to it: give its key and say whose it is, or have the request in %s signed",
				serialOf(cert), cert.Subject, cert.Issuer, requestsDir))
		}
		for _, name := range owners {
			e, err := p.received(s, o, name, chainOf(cert, given), keys[name])
			made, errs = append(made, e), append(errs, err)
		}
	}
	if len(made)+len(errs) == 0 {
		errs = append(errs, errors.New("there are only authorities among the certificates: give those that were issued, too"))
	}
	return made, errors.Join(errs...)
}

// keysFor are the keys that a certificate may belong to: given ones, those that
// wait for an answer, and those in use. Of two for one identity it is the first.
func (p *PKI) keysFor(s *state, o ImportOptions) (map[string][]byte, error) {
	keys, err := p.waiting()
	if err != nil {
		return nil, err
	}
	var errs []error
	for name, data := range o.Keys {
		if _, err := parseKey(data); err != nil {
			errs = append(errs, fmt.Errorf("the key for %s %w", name, err))
		}
		if profileOf(name) == "" {
			errs = append(errs, fmt.Errorf("%q is no identity: write members/NAME/server, members/NAME/peer, clients/NAME or servers/NAME", name))
		}
		keys[name] = data
	}
	for _, e := range s.identities {
		if keys[e.name] == nil && e.files.key != nil {
			keys[e.name] = e.files.keyPEM
		}
	}
	return keys, errors.Join(errs...)
}

// profileOf is what an identity of that name is for, "" if none can have it.
func profileOf(name string) Profile {
	parts := strings.Split(name, "/")
	for _, part := range parts {
		if !isName(part) {
			return ""
		}
	}
	switch {
	case len(parts) == 3 && parts[0] == "members" && parts[2] == string(Server):
		return Server
	case len(parts) == 3 && parts[0] == "members" && parts[2] == string(Peer):
		return Peer
	case len(parts) == 2 && parts[0] == "clients":
		return Client
	case len(parts) == 2 && parts[0] == "servers":
		return Server
	}
	return ""
}

func ownersOf(cert *x509.Certificate, keys map[string][]byte) []string {
	var list []string
	for name, data := range keys {
		if key, err := parseKey(data); err == nil && samePublicKey(cert, key) {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	return list
}

// chainOf is a certificate and those that vouch for it, without the root.
func chainOf(cert *x509.Certificate, given []*x509.Certificate) []*x509.Certificate {
	chain := []*x509.Certificate{cert}
	for {
		last := chain[len(chain)-1]
		i := slices.IndexFunc(given, func(c *x509.Certificate) bool {
			return c.IsCA && !selfSigned(c) && !slices.ContainsFunc(chain, c.Equal) && last.CheckSignatureFrom(c) == nil
		})
		if i < 0 {
			return chain
		}
		chain = append(chain, given[i])
	}
}

// received is an identity as it will be.
func (p *PKI) received(s *state, o ImportOptions, name string, chain []*x509.Certificate, keyPEM []byte) (*existing, error) {
	e := &existing{place: place{name, profileOf(name)}, files: &stored{chain: chain, certPEM: encodeCertificates(chain...), keyPEM: keyPEM}}
	var err error
	if e.files.key, err = parseKey(keyPEM); err != nil {
		return e, fmt.Errorf("%s: %s %w", name, KeyFile, err)
	}
	old := s.find(name)
	list := o.List
	e.files.trust = o.Authorities
	if e.profile == Peer {
		e.files.trust, list = o.PeerAuthorities, o.PeerList
	}
	if e.files.trust == nil {
		e.files.trust = rootsOf(o.Certificates)
	}
	if len(e.files.trust) == 0 && old != nil {
		e.files.trust = old.files.trust
	}
	if len(e.files.trust) == 0 {
		return e, fmt.Errorf("%s: whom it trusts is not known: give the certificate of the authority", name)
	}
	return e, e.refuse(p, s, old, list)
}

// refuse gives a server that was brought a revocation list.
func (e *existing) refuse(p *PKI, s *state, old *existing, given []byte) error {
	if !e.profile.serves() {
		return nil
	}
	if given != nil {
		list, err := parseList(given)
		if err != nil {
			return fmt.Errorf("%s: the revocation list %w", e.name, err)
		}
		e.files.crl = list.Raw
		return nil
	}
	if old != nil {
		e.files.crl = old.files.crl
	}
	if absent(e.files.crl) && s.standIn == nil {
		var err error
		if s.standIn, err = newStandIn(nil, p.now(), p.random()); err != nil {
			return err
		}
	}
	e.files.crl = s.listOf(e)
	return nil
}

func rootsOf(files [][]byte) []byte {
	given, err := parseAny(files)
	if err != nil {
		return nil
	}
	roots := slices.DeleteFunc(given, func(c *x509.Certificate) bool { return !c.IsCA || !selfSigned(c) })
	return encodeCertificates(roots...)
}

// checkPlaced looks at the PKI as it would be. What it remarks on is by
// identity.
func (p *PKI) checkPlaced(s *state, o ImportOptions, made []*existing) (remarks map[string]string, err error) {
	after := *s
	after.identities = slices.Clone(s.identities)
	for _, e := range made {
		i := slices.IndexFunc(after.identities, func(old existing) bool { return old.name == e.name })
		if i < 0 {
			after.identities = append(after.identities, *e)
			continue
		}
		after.identities[i] = *e
	}
	wanted := o.Plan.identities()
	v := &verification{pki: p, state: &after, now: p.now(), users: o.Users}
	for _, e := range made {
		v.user(e)
	}
	remarks = map[string]string{}
	for _, f := range v.findings {
		remarks[f.Identity] = f.Problem
	}
	for _, e := range made {
		v.received(e, wanted)
	}
	v.acceptanceOf(made)
	var errs []error
	for _, f := range v.findings {
		if f.Severity == Error {
			errs = append(errs, fmt.Errorf("%s: %s", f.Identity, f.Problem))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("nothing was brought in:\n%w", err)
	}
	return remarks, nil
}

// received checks an identity that is not in its place yet.
func (v *verification) received(e *existing, wanted []identity) {
	cert := e.files.cert()
	if weak := weakness(cert); weak != "" {
		v.fail(e.name, v.remake(e), "%s", weak)
	}
	v.chain(e)
	v.expiry(e)
	v.use(e)
	v.revocationList(e)
	i := slices.IndexFunc(wanted, func(w identity) bool { return w.name == e.name })
	if i >= 0 {
		v.fits(wanted[i], e)
	}
}

// bringIn writes the identities, and reports what is remarked on each.
func (p *PKI) bringIn(ctx context.Context, s *state, made []*existing, remarks map[string]string) (Report, error) {
	var report Report
	var dirs []atomicdir.Dir
	for _, e := range made {
		old := s.find(e.name)
		action := Created
		if old != nil {
			action = Renewed
			if s.originOf(old) != ofHere && !bytes.Equal(bytes.TrimSpace(old.files.keyPEM), bytes.TrimSpace(e.files.keyPEM)) {
				dirs = append(dirs, p.setAside(old))
			}
		}
		d, err := p.directory(e.name, e.files.content())
		if err != nil {
			return Report{}, err
		}
		dirs = append(dirs, d)
		cause := "issued by " + e.files.cert().Issuer.String()
		if remark := remarks[e.name]; remark != "" {
			cause += "; " + remark
		}
		report.add(e.name, action, cause)
	}
	if err := atomicdir.Replace(ctx, dirs...); err != nil {
		return Report{}, err
	}
	var errs []error
	for _, e := range made {
		errs = append(errs, p.linkUp(e.name), os.RemoveAll(p.above(requestsDir+"/"+e.name)))
	}
	return report, errors.Join(errs...)
}

// setAside keeps a key that is not of here, and its certificate.
func (p *PKI) setAside(e *existing) atomicdir.Dir {
	id := "unknown"
	if e.files.key != nil {
		id = keyID(e.files.key.Public())[:16]
	}
	d := atomicdir.Dir{Path: p.above("retired/" + strings.ReplaceAll(e.name, "/", "-") + "-" + id)}
	for _, f := range []atomicdir.File{
		{Name: CertFile, Data: e.files.certPEM, Mode: certMode},
		{Name: KeyFile, Data: e.files.keyPEM, Mode: keyMode},
		{Name: CAFile, Data: e.files.trust, Mode: certMode},
		{Name: CRLFile, Data: e.files.crl, Mode: certMode},
	} {
		if f.Data != nil {
			d.Files = append(d.Files, f)
		}
	}
	return d
}
