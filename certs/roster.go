package certs

import (
	"fmt"
	"slices"
	"strings"

	"github.com/etcdctr/etcdctr/internal/listed"
)

// Roster is who the members of a cluster are, by which the certificates are known of those
// that are none any more.
type Roster struct {
	// Cluster is the organization in the subjects of its certificates. Of those that name
	// another one, whose members may have the folder too, it tells nothing.
	Cluster string
	Members []string
}

// has tells of an identity that it is nobody's whom the roster has lost.
func (r *Roster) has(e *existing) bool {
	member, cert := memberOf(e.name), e.files.certificate()
	return r == nil || member == "" || slices.Contains(r.Members, member) ||
		cert == nil || !slices.Contains(cert.Subject.Organization, r.Cluster)
}

// left tells of an identity that it was made here, for a member of the Roster's cluster that
// is none any more. Nothing is done about it but what somebody asks for by its name.
func (p *PKI) left(s *state, e *existing) bool {
	return !p.Roster.has(e) && s.originOf(e) != brought
}

// leftCause is why nothing is done about it.
const leftCause = "is of no member any more"

// Left names those that are no members any more by the Roster, as members/etcd4, and whose
// certificates members let in still.
func (p *PKI) Left() ([]string, error) {
	if p.Roster == nil {
		return nil, nil
	}
	s, err := p.scan()
	if err != nil {
		return nil, err
	}
	var names []string
	for i := range s.identities {
		e := &s.identities[i]
		name := "members/" + memberOf(e.name)
		if p.left(s, e) && s.accepted(e, p) && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names, nil
}

// accepted tells whether members let an identity in that was issued here.
func (s *state) accepted(e *existing, p *PKI) bool {
	a, cert := s.authorityFor(e.profile), e.files.certificate()
	if a == nil || a.broken != nil || cert == nil || expired(cert, p.now()) || a.issued.revoked(cert) != nil {
		return false
	}
	return s.signedBy(cert, a.current) || a.old != nil && s.signedBy(cert, a.old)
}

// LeftRemark says what helps against certificates of those that Left names; empty for none.
func LeftRemark(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return fmt.Sprintf("%s %s any more: `etcdctr certs revoke %s` has peers refuse %s", listed.And(names),
		listed.Of(len(names), "is no member", "are no members"), strings.Join(names, " "), listed.Of(len(names), "it", "them"))
}
