package certs

import (
	"slices"
	"strings"
)

// This file is about whom etcd takes those for who show a certificate. Once it goes by
// its users, it finds the user in the certificate's common name, and nowhere else: one
// without is let in, and is nobody. It is refused every key then (`etcdserver: permission
// denied`), and what takes root (`user name is empty`); so is one whose common name is no
// user's (`user name not found`). 3.5, 3.6 and 3.7 do the same.

// User is one of etcd's users.
type User struct {
	Name string
	// Elsewise says that it is not known by a certificate: it gives its name and a
	// password, or asks for nothing that takes a user.
	Elsewise bool
}

// VerifyUsers reports the certificates by which etcd takes somebody for another than is
// meant, or for nobody. Without users it does not go by them.
func (p *PKI) VerifyUsers(users []User) ([]Finding, error) {
	s, err := p.scan()
	if err != nil {
		return nil, err
	}
	v := &verification{pki: p, state: s, now: p.now(), users: users}
	for i := range s.identities {
		v.user(&s.identities[i])
	}
	return v.findings, nil
}

// user checks whom etcd takes an identity for. A client's folder has the name of a user,
// or whatever its owner calls it.
func (v *verification) user(e *existing) {
	if e.broken != nil || len(v.users) == 0 {
		return
	}
	if said, user := v.commonName(e); e.profile == Client {
		v.client(e, strings.TrimPrefix(e.name, "clients/"))
	} else if e.profile == Server && memberOf(e.name) != "" && user == nil && v.state.originOf(e) == brought {
		v.warn(e.name, v.otherwise(e, memberOf(e.name)), "%s, with which its health check comes: etcd takes it for nobody, and writes an error into its log each time", said)
	}
}

// client is of the user that its folder is called after, if there is one. What was made
// here for nobody in particular was meant so.
func (v *verification) client(e *existing, name string) {
	said, user := v.commonName(e)
	meant := v.userNamed(name)
	switch {
	case user != nil && (user == meant || name != rootUser), meant != nil && meant.Elsewise:
	case meant != nil:
		v.fail(e.name, v.otherwise(e, name), "%s, in which etcd finds the user: whoever shows it is not %s, and is refused what %s may do", said, name, name)
	case v.state.originOf(e) != brought:
	case e.files.cert().Subject.CommonName == "":
		v.warn(e.name, v.otherwise(e, name).and(", and declare it under auth.users"), "%s, in which etcd finds the user: whoever shows it is refused every key, unless it gives a user's name and password", said)
	default:
		v.warn(e.name, words("declare it under auth.users"), "%s, which is no user's: whoever shows it is refused every key", said)
	}
}

// rootUser is who may do everything, and whom nobody else's certificate stands for.
const rootUser = "root"

// commonName says what is in a certificate, and whose name it is; nil for nobody's.
func (v *verification) commonName(e *existing) (said string, user *User) {
	cn := e.files.cert().Subject.CommonName
	if cn == "" {
		return CertFile + " has no common name", nil
	}
	return CertFile + ` has the common name "` + cn + `"`, v.userNamed(cn)
}

func (v *verification) userNamed(name string) *User {
	if i := slices.IndexFunc(v.users, func(u User) bool { return u.Name == name }); i >= 0 {
		return &v.users[i]
	}
	return nil
}

// otherwise is the way to a certificate that has a common name.
func (v *verification) otherwise(e *existing, name string) remedy {
	if v.state.originOf(e) == brought {
		return words("have one with the common name " + name + " made where it was made, and bring it in with `etcdctr certs import`")
	}
	return run("etcdctr certs issue " + name + " --cn " + name)
}
