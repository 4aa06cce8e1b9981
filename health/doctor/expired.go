package doctor

import (
	"slices"
	"strings"

	"github.com/etcdctr/etcdctr/internal/lifespan"
	"github.com/etcdctr/etcdctr/internal/listed"
)

// This file is about certificates that have ended.

// ofClients is the use of the certificate that the members are asked with: it is the
// same for all of them.
const ofClients = "client"

// fromCertificates is what the handshakes have shown. Who is connected already
// notices nothing of it.
func (e Evidence) fromCertificates(m Member) []candidate {
	if len(m.Expired) == 0 {
		return nil
	}
	return []candidate{{
		member: m.Name, known: true, rank: rankExpired, cause: e.expired(m.Name), remedy: Remedy{Kind: RenewCerts},
	}}
}

// withExpired has what a log says of some certificate name all that the handshakes have
// shown.
func (e Evidence) withExpired(c candidate) candidate {
	ended := func(m Member) bool { return len(m.Expired) > 0 }
	if c.remedy.Kind == RenewCerts && slices.ContainsFunc(e.Members, ended) {
		c.cause = e.expired(c.member)
	}
	return c
}

// expired names all certificates that have ended, beginning with those of a member,
// since when, and how long they live: one command renews them all, and only for so long.
func (e Evidence) expired(first string) string {
	of := slices.DeleteFunc(slices.Clone(e.Members), func(m Member) bool { return len(m.Expired) == 0 })
	slices.SortStableFunc(of, func(a, b Member) int {
		switch first {
		case a.Name:
			return -1
		case b.Name:
			return 1
		}
		return 0
	})
	var ended []string
	var client bool
	earliest := of[0]
	for _, m := range of {
		uses := slices.DeleteFunc(slices.Clone(m.Expired), func(use string) bool { return use == ofClients })
		if len(uses) > 0 {
			ended = append(ended, "the "+listed.And(uses)+" "+listed.Of(len(uses), "certificate", "certificates")+" of "+m.Name)
		}
		client = client || len(uses) < len(m.Expired)
		if earliest.ExpiredAt.IsZero() || !m.ExpiredAt.IsZero() && m.ExpiredAt.Before(earliest.ExpiredAt) {
			earliest = m
		}
	}
	if client {
		ended = append(ended, "the "+ofClients+" certificate that members are asked with")
	}
	cause := "expired: " + strings.Join(ended, ", ")
	if !earliest.ExpiredAt.IsZero() {
		cause += ", since " + lifespan.When(earliest.ExpiredAt, e.Now)
	}
	if earliest.Lived > 0 {
		cause += "; they were good for " + lifespan.Words(earliest.Lived) + ": `etcdctr certs run` renews each as its time comes"
	}
	return cause
}
