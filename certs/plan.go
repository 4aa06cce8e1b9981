package certs

import (
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"
)

// What a Plan's zero fields stand for.
const (
	DefaultCluster           = "etcd"
	DefaultLifetime          = 365 * 24 * time.Hour
	DefaultAuthorityLifetime = 10 * 365 * 24 * time.Hour
)

// Plan is the PKI that a cluster needs. What it leaves open is decided by the
// defaults for a new certificate, and by the certificate itself for one that is
// there already.
type Plan struct {
	// Cluster is the cluster's name: the organization (O) of every subject,
	// unless Subject names another. Default DefaultCluster.
	Cluster string

	// Own says that the folder is meant for this cluster alone: authorities that
	// were made for another one are refused with a *SharedError then, as whoever has
	// a certificate of one cluster would be let into the other.
	Own bool

	// Members each get a server and a peer identity. A server of the
	// cluster's infrastructure, such as a discovery service, is one of them.
	Members []Member

	// Clients each get a client identity; there may be none.
	Clients []ClientIdentity

	// DiscoveryDomain is the domain of the DNS SRV records that members and
	// clients find each other by: etcd compares the target's certificate with
	// it. Empty without DNS discovery.
	DiscoveryDomain string

	// SingleCA has one authority vouch for peers too: any client certificate
	// then opens the peer port. It decides for a new PKI only.
	SingleCA bool

	// Key is the algorithm of the leaves' keys. Empty: DefaultKey, and a
	// certificate that exists is kept whatever its key.
	Key KeyAlgorithm

	// Lifetime is that of new leaves, never past their authority's end.
	// Zero: that of the certificate that is replaced, or DefaultLifetime.
	// ProfileLifetime overrides it for some profiles.
	Lifetime        time.Duration
	ProfileLifetime map[Profile]time.Duration

	// Subject is the subject of new leaves but for its common name. Empty: that
	// of the certificate that is replaced, or just the organization Cluster.
	Subject pkix.Name

	// Exact has servers and peers answer to the planned hosts only: a
	// certificate with others as well is reissued. Otherwise they are kept.
	Exact bool

	// Authority is how the authorities are made.
	Authority AuthorityPlan
}

// AuthorityPlan describes authorities that are not there yet. An authority that
// is there is never replaced by Ensure: see PKI.RotateCA.
type AuthorityPlan struct {
	Key      KeyAlgorithm  // default: the plan's Key, or DefaultKey
	Lifetime time.Duration // default DefaultAuthorityLifetime

	// Subject is the subject of both authorities. Without a common name they
	// get one that tells them apart.
	Subject pkix.Name

	// Client and Peer are existing authorities to use, see LoadAuthority. With
	// SingleCA the one is Client, and Peer is nil.
	Client, Peer *Authority
}

// Member is a server of the cluster. Its certificates carry its name as common
// name, and answer to its name, to localhost, 127.0.0.1 and ::1, to the
// discovery domain, and to Hosts.
type Member struct {
	Name  string
	Hosts []string // DNS names, also *.example.com, and IP addresses

	// Aliases are further hosts, which no other member and no client that was
	// told of the cluster asks for: a certificate from elsewhere need not have
	// them.
	Aliases []string
}

// ClientIdentity is somebody who connects to the cluster.
type ClientIdentity struct {
	// Name is the directory's name, and the common name: the user that etcd
	// takes the client for when authentication is switched on.
	Name string

	// Organizations are the subject's O, for what reads roles there (etcd does
	// not). Default: as in Plan.Subject.
	Organizations []string

	// NoCommonName leaves the common name out, for a client that tells etcd
	// its user by name and password.
	NoCommonName bool

	// Hosts are what it answers to where it serves something itself, such as its
	// metrics. A certificate from elsewhere need not have them.
	Hosts []string
}

// loopback is what every member answers to, for health checks inside its
// container and for clusters on one machine.
var loopback = []string{"localhost", "127.0.0.1", "::1"}

// isName reports whether a name can be a directory and a common name everywhere.
func isName(name string) bool { return len(name) <= 64 && nameForm.MatchString(name) }

var nameForm = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$`)

// isDNSName reports whether a host is a DNS name as RFC 5280 has it in a
// certificate, with a leading wildcard label, and with the underscore that Compose
// service names may have.
func isDNSName(host string) bool {
	for label := range strings.SplitSeq(strings.TrimPrefix(host, "*."), ".") {
		if len(label) > 63 || !dnsLabelForm.MatchString(label) {
			return false
		}
	}
	return true
}

var dnsLabelForm = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?$`)

// Validate reports everything that is wrong with the plan at once.
func (p Plan) Validate() error {
	var errs []error
	seen := map[string]bool{}
	for i, m := range p.Members {
		field := fmt.Sprintf("members[%d]", i)
		errs = append(errs, validateName(field+".name", m.Name, seen), validateHosts(field+".hosts", append(slices.Clone(m.Hosts), m.Aliases...)))
	}
	seen = map[string]bool{}
	for i, c := range p.Clients {
		field := fmt.Sprintf("clients[%d]", i)
		errs = append(errs, validateName(field+".name", c.Name, seen), validateHosts(field+".hosts", c.Hosts))
	}
	if p.DiscoveryDomain != "" {
		errs = append(errs, validateHosts("discovery domain", []string{p.DiscoveryDomain}))
	}
	errs = append(errs, p.Key.validate("key"), validateLifetime("lifetime", p.Lifetime))
	for _, profile := range []Profile{Server, Peer, Client} {
		errs = append(errs, validateLifetime("lifetime of "+string(profile), p.ProfileLifetime[profile]))
	}
	return errors.Join(append(errs, p.Authority.validate(p.SingleCA))...)
}

func (p AuthorityPlan) validate(single bool) error {
	var twice error
	if single && p.Peer != nil {
		twice = errors.New("peer authority: given together with a single authority: leave one of the two out")
	}
	if p.Client != nil && p.Peer != nil && samePublicKey(p.Peer.cert(), p.Client.key) {
		twice = errors.New("peer authority: is the one for clients, so that any client certificate would open the peer port: give another, or ask for a single authority")
	}
	return errors.Join(p.Key.validate("authority key"), validateLifetime("authority lifetime", p.Lifetime), twice)
}

func validateName(field, name string, seen map[string]bool) error {
	// Two names that differ in case only are one directory on some disks.
	folded := strings.ToLower(name)
	defer func() { seen[folded] = true }()
	switch {
	case !isName(name):
		return fmt.Errorf("%s: %q is no name for a certificate: use up to 64 letters, digits, '.', '_' and '-', with a letter or digit first and last", field, name)
	case seen[folded]:
		return fmt.Errorf("%s: %q is there twice: give each its own name", field, name)
	}
	return nil
}

func validateHosts(field string, hosts []string) error {
	var errs []error
	for _, h := range hosts {
		if _, err := netip.ParseAddr(h); err != nil && !isDNSName(h) {
			errs = append(errs, fmt.Errorf("%s: %q is neither a DNS name nor an IP address: write it without scheme, port and brackets", field, h))
		}
	}
	return errors.Join(errs...)
}

func validateLifetime(field string, d time.Duration) error {
	if d < 0 {
		return fmt.Errorf("%s: %v is in the past: use a positive duration", field, d)
	}
	return nil
}
