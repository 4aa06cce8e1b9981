package etcdctr

import (
	"context"
	"crypto/tls"
	"slices"
	"strings"

	"github.com/etcdctr/etcdctr/certs"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/health"
	"github.com/etcdctr/etcdctr/health/exposure"
	"github.com/etcdctr/etcdctr/member"
)

// This file proves what etcd's users may do.

// proveUsers compares who the users are, and tries each of them at all keys that
// any role is about.
func (c *Cluster) proveUsers(ctx context.Context, way *Connection, auth *cluster.Auth, all exposure.Cluster) ([]Proof, error) {
	if auth == nil || all.Mode != exposure.Mutual {
		return nil, nil
	}
	client, err := way.Members(member.Config{})
	if err != nil {
		return nil, err
	}
	defer client.Close()
	seen, err := client.Access(ctx)
	if err != nil {
		return nil, err
	}
	proofs := []Proof{
		prove("cluster", "users", onOff(auth.Enabled), onOff(seen.Enabled)),
		prove("cluster", "users that are not declared", none, undeclared(auth, seen)),
	}
	if !auth.Enabled || !seen.Enabled {
		return proofs, nil
	}
	passwords, err := c.Passwords(auth)
	if err != nil {
		return nil, err
	}
	var users []exposure.User
	for _, u := range auth.Users {
		if u.Member { // it may do what one who is no user may, and that is tried
			continue
		}
		users = append(users, exposure.User{Name: u.Name, Password: passwords[u.Name], Certificate: ownCertificate(c.CertsDir(), u.Name)})
	}
	keys := keysToTry(auth)
	results, err := all.TryUsers(ctx, append(users, exposure.User{Name: noUser}), keys)
	for _, x := range results {
		proofs = append(proofs, proveAccess(auth, x)...)
	}
	return proofs, err
}

const (
	none   = "none"
	noUser = health.Nobody
)

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

func undeclared(auth *cluster.Auth, seen member.Access) string {
	var names []string
	for _, u := range seen.Users {
		declared := slices.ContainsFunc(auth.Users, func(x cluster.User) bool { return x.Name == u.Name })
		if !declared && u.Name != cluster.RootName {
			names = append(names, u.Name)
		}
	}
	if len(names) == 0 {
		return none
	}
	return strings.Join(names, ",")
}

// ownCertificate is the certificate that was issued to a user here, if there is one and it
// says so.
func ownCertificate(certsDir, user string) *tls.Certificate {
	pair, err := keyPair(certs.ClientDir(certsDir, user))
	if err != nil || pair.Leaf.Subject.CommonName != user {
		return nil
	}
	return &pair
}

// keysToTry are all keys that a role is about, and all keys at once.
func keysToTry(auth *cluster.Auth) []exposure.Keys {
	var keys []exposure.Keys
	for _, role := range auth.Roles {
		for _, p := range role.Permissions {
			if k := (exposure.Keys{Key: p.Key, End: p.End}); !slices.Contains(keys, k) {
				keys = append(keys, k)
			}
		}
	}
	if all := (exposure.Keys{Key: "\x00", End: "\x00"}); !slices.Contains(keys, all) {
		keys = append(keys, all)
	}
	return keys
}

func proveAccess(auth *cluster.Auth, x exposure.Access) []Proof {
	subject := "user " + x.User
	if x.User == noUser {
		subject = "a certificate of no user"
	}
	var proofs []Proof
	keys := cluster.Permission{Key: x.Keys.Key, End: x.Keys.End, Read: true}
	for _, one := range []struct {
		word string
		seen exposure.Answer
		may  bool
	}{
		{"read", x.Read, cluster.Permits(auth.Of(x.User), keys)},
		{"write", x.Write, mayWrite(auth, x)},
	} {
		expected := exposure.Refused
		if one.may {
			expected = exposure.LetIn
		}
		p := prove(subject, one.word+" "+keys.Keys(), string(expected), string(one.seen))
		p.OK, p.Detail = p.OK || one.seen == exposure.NotTried, x.Detail
		proofs = append(proofs, p)
	}
	return proofs
}

func mayWrite(auth *cluster.Auth, x exposure.Access) bool {
	for _, key := range x.Keys.Written() {
		if !cluster.Permits(auth.Of(x.User), cluster.Permission{Key: key, Write: true}) {
			return false
		}
	}
	return true
}
