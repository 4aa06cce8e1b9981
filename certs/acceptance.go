package certs

import (
	"crypto/x509"
	"slices"
	"strings"
)

// acceptance checks that those who connect to each other accept each other,
// where that does not follow from one authority: as soon as one of them was
// made elsewhere, or trusts more than its authority. Those that are wanted are
// looked at; when nothing is, all there is.
func (v *verification) acceptance(wanted []identity) {
	var servers, peers, clients []*existing
	for i := range v.state.identities {
		e := &v.state.identities[i]
		switch {
		case e.broken != nil || wanted != nil && !slices.ContainsFunc(wanted, func(w identity) bool { return w.name == e.name }):
		case e.profile == Peer:
			peers = append(peers, e)
		case e.profile == Server && memberOf(e.name) != "":
			servers = append(servers, e)
		case e.profile == Client:
			clients = append(clients, e)
		}
	}
	for _, e := range append(slices.Clone(servers), peers...) {
		others := slices.Concat(servers, clients)
		if e.profile == Peer {
			others = peers
		}
		v.accepts(e, others)
	}
	for _, e := range clients {
		v.accepts(e, servers)
	}
}

// withClients adds all clients that there are to what is wanted, if anything is.
func (s *state) withClients(wanted []identity) []identity {
	if wanted == nil {
		return nil
	}
	all := slices.Clone(wanted)
	for _, e := range s.identities {
		if e.profile == Client {
			all = append(all, identity{place: e.place})
		}
	}
	return all
}

// acceptanceOf checks only what has to do with some identities.
func (v *verification) acceptanceOf(some []*existing) {
	among := func(name string) bool {
		return slices.ContainsFunc(some, func(e *existing) bool { return e.name == name })
	}
	all := verification{pki: v.pki, state: v.state, now: v.now, only: among}
	all.acceptance(nil)
	v.findings = append(v.findings, all.findings...)
}

// accepts checks that one identity trusts what the others show.
func (v *verification) accepts(e *existing, others []*existing) {
	trusted, err := parseCertificates(e.files.trust)
	if err != nil {
		return // said of the file itself
	}
	roots := poolOf(trusted)
	for _, other := range others {
		if v.only != nil && !v.only(e.name) && !v.only(other.name) {
			continue
		}
		if other == e || v.state.originOf(e) != brought && v.state.originOf(other) != brought {
			continue
		}
		if err := verifyChain(other.files.chain, roots); err != nil {
			v.fail(e.name, words("add the authority of "+other.name+" ("+v.state.issuerName(other.files.cert())+") to its "+CAFile+", or have both issued by one"),
				"does not trust %s: %s", other.name, strings.TrimPrefix(err.Error(), "x509: "))
		}
	}
}

// isTrusted reports whether those who see an identity's certificate trust it: it is of
// an authority here that is trusted, or was made elsewhere and somebody accepts it.
func (s *state) isTrusted(e *existing) bool {
	a := s.authorityFor(e.profile)
	if a != nil && slices.ContainsFunc([]*Authority{a.current, a.next, a.old}, func(each *Authority) bool {
		return each != nil && s.signedBy(e.files.cert(), each)
	}) {
		return true
	}
	if a != nil && s.originOf(e) != brought {
		return false
	}
	var seen, accepted bool
	for i := range s.identities {
		if by := &s.identities[i]; by.sees(e) {
			seen, accepted = true, accepted || by.accepts(e)
		}
	}
	return accepted || !seen
}

// sees reports whether an identity is shown another one's certificate.
func (e *existing) sees(other *existing) bool {
	seenBy := map[Profile]Profile{Client: Server, Server: Client, Peer: Peer}
	return e.broken == nil && e.name != other.name && e.profile == seenBy[other.profile]
}

// accepts reports whether an identity trusts what another one shows.
func (e *existing) accepts(other *existing) bool {
	trusted, err := parseCertificates(e.files.trust)
	return err == nil && verifyChain(other.files.chain, poolOf(trusted)) == nil
}

func poolOf(list []*x509.Certificate) *x509.CertPool {
	pool := x509.NewCertPool()
	for _, c := range list {
		pool.AddCert(c)
	}
	return pool
}

// verifyChain checks signatures only: in the middle of the certificate's life.
func verifyChain(chain []*x509.Certificate, roots *x509.CertPool) error {
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	cert := chain[0]
	_, err := cert.Verify(x509.VerifyOptions{
		Roots:         roots,
		Intermediates: between,
		CurrentTime:   cert.NotBefore.Add(cert.NotAfter.Sub(cert.NotBefore) / 2),
		KeyUsages:     []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	return err
}
