package certs

import (
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// identity is what a certificate shall say, and where it lives. What is zero is
// taken from the certificate that it replaces, or from the defaults.
type identity struct {
	place
	commonName string
	subject    *pkix.Name // without common name
	rawSubject []byte     // instead of both: a subject to be kept to the letter
	hosts      []string
	aliases    []string // those of hosts that a certificate from elsewhere may lack
	exact      bool     // no hosts but these
	key        KeyAlgorithm
	lifetime   time.Duration
	cluster    string // the organization of a new subject
}

// identities lists what the plan asks for, members first.
func (p Plan) identities() []identity {
	var list []identity
	for _, m := range p.Members {
		hosts := p.hosts(m)
		for _, profile := range []Profile{Server, Peer} {
			id := p.identity(profile, "members/"+m.Name+"/"+string(profile), m.Name)
			id.hosts, id.aliases = hosts, canonicalHosts(m.Aliases)
			list = append(list, id)
		}
	}
	for _, c := range p.Clients {
		list = append(list, p.client(c))
	}
	return list
}

func (p Plan) identity(profile Profile, name, commonName string) identity {
	id := identity{
		place:      place{name: name, profile: profile},
		commonName: commonName,
		exact:      p.Exact,
		key:        p.Key,
		lifetime:   p.Lifetime,
		cluster:    p.cluster(),
	}
	if d := p.ProfileLifetime[profile]; d > 0 {
		id.lifetime = d
	}
	if subject := p.Subject; !emptyName(subject) {
		subject.CommonName = ""
		id.subject = &subject
	}
	return id
}

func (p Plan) client(c ClientIdentity) identity {
	commonName := c.Name
	if c.NoCommonName {
		commonName = ""
	}
	id := p.identity(Client, "clients/"+c.Name, commonName)
	id.hosts, id.aliases = canonicalHosts(c.Hosts), canonicalHosts(c.Hosts)
	if len(c.Organizations) > 0 {
		var subject pkix.Name
		if id.subject != nil {
			subject = *id.subject
		}
		subject.Organization = c.Organizations
		id.subject = &subject
	}
	return id
}

func (p Plan) cluster() string {
	if p.Cluster == "" {
		return DefaultCluster
	}
	return p.Cluster
}

// hosts is what a member answers to.
func (p Plan) hosts(m Member) []string {
	hosts := append([]string{m.Name}, loopback...)
	hosts = append(append(hosts, m.Hosts...), m.Aliases...)
	if p.DiscoveryDomain != "" {
		hosts = append(hosts, p.DiscoveryDomain)
	}
	return canonicalHosts(hosts)
}

// canonicalHosts writes every host the one way that certificates compare by,
// and each once.
func canonicalHosts(hosts []string) []string {
	var list []string
	for _, h := range hosts {
		if ip, err := netip.ParseAddr(h); err == nil {
			h = ip.Unmap().String()
		} else {
			h = strings.ToLower(h)
		}
		if !slices.Contains(list, h) {
			list = append(list, h)
		}
	}
	return list
}

// hostsOf lists what a certificate answers to: DNS names, then addresses.
func hostsOf(cert *x509.Certificate) []string {
	hosts := slices.Clone(cert.DNSNames)
	for _, ip := range cert.IPAddresses {
		hosts = append(hosts, ip.String())
	}
	return canonicalHosts(hosts)
}

// without lists what is in a and not in b.
func without(a, b []string) []string {
	var rest []string
	for _, s := range a {
		if !slices.Contains(b, s) {
			rest = append(rest, s)
		}
	}
	return rest
}

func emptyName(n pkix.Name) bool { return len(n.ToRDNSequence()) == 0 }

// inherit fills what the identity leaves open from the certificate that it
// replaces.
func (id identity) inherit(old *x509.Certificate, authorityEnd time.Time) identity {
	if id.subject == nil && id.rawSubject == nil {
		subject := old.Subject
		if subject.CommonName == id.commonName {
			id.rawSubject = old.RawSubject
		}
		subject.CommonName = ""
		id.subject = &subject
	}
	if !id.exact && id.profile.serves() {
		id.hosts = append(slices.Clone(id.hosts), without(hostsOf(old), id.hosts)...)
	}
	if algorithm := algorithmOf(old.PublicKey); id.key == "" && algorithm.validate("") == nil {
		id.key = algorithm
	}
	// A life that the authority's end has cut short says nothing of what was
	// asked for.
	if id.lifetime == 0 && old.NotAfter.Before(authorityEnd) {
		id.lifetime = old.NotAfter.Sub(old.NotBefore) - backdate
	}
	return id
}

// template is the certificate that the identity asks for. key is the algorithm
// of the public key that it will carry.
func (id identity) template(key KeyAlgorithm, now, authorityEnd time.Time) *x509.Certificate {
	lifetime := id.lifetime
	if lifetime <= 0 {
		lifetime = DefaultLifetime
	}
	notAfter := now.Add(lifetime)
	if notAfter.After(authorityEnd) {
		notAfter = authorityEnd
	}
	t := &x509.Certificate{
		RawSubject:            id.rawSubject,
		Subject:               id.fullSubject(),
		NotBefore:             now.Add(-backdate),
		NotAfter:              notAfter,
		KeyUsage:              id.profile.keyUsage(key),
		ExtKeyUsage:           id.extKeyUsage(),
		BasicConstraintsValid: true,
	}
	for _, h := range id.hosts {
		if ip, err := netip.ParseAddr(h); err == nil {
			t.IPAddresses = append(t.IPAddresses, net.IP(ip.AsSlice()))
		} else {
			t.DNSNames = append(t.DNSNames, h)
		}
	}
	return t
}

// extKeyUsage is that of the profile, and a server's for a client that serves something
// as well.
func (id identity) extKeyUsage() []x509.ExtKeyUsage {
	usages := id.profile.extKeyUsage()
	if len(id.hosts) > 0 && !slices.Contains(usages, x509.ExtKeyUsageServerAuth) {
		usages = append(usages, x509.ExtKeyUsageServerAuth)
	}
	return usages
}

func (id identity) fullSubject() pkix.Name {
	subject := pkix.Name{Organization: []string{id.cluster}}
	if id.subject != nil {
		subject = *id.subject
	}
	subject.CommonName = id.commonName
	return subject
}

// privateKey is the key that the identity's certificate will carry: a kept one,
// or a new one.
func (id identity) privateKey(kept crypto.Signer) (crypto.Signer, error) {
	if kept != nil {
		return kept, nil
	}
	if id.key == "" {
		return newKey(DefaultKey)
	}
	return newKey(id.key)
}
