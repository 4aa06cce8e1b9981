package certs

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/etcdctr/etcdctr/internal/lifespan"
)

// authorities checks the authorities, and that there is one for everything.
func (v *verification) authorities(plan *Plan) {
	for _, a := range v.state.authorities {
		v.authority(a)
	}
	if plan == nil {
		plan = &Plan{}
	}
	for _, name := range v.state.missing(*plan) {
		if len(v.state.of(name)) > 0 {
			v.warn(name, words(fmt.Sprintf("put %s/%s and %s back if they were made here, or have certificates renewed where they come from", name, CertFile, KeyFile)),
				"is not here: nothing can be issued or renewed")
			continue
		}
		v.fail(name, remedyCreate, "is missing")
	}
	v.separation()
}

func (v *verification) authority(a *authority) {
	v.permissions(a.name, KeyFile, nextKeyFile)
	if a.broken != nil {
		for _, line := range strings.Split(a.broken.Error(), "\n") {
			v.fail(a.name, words("put back the files of the authority from a copy"), "%s", line)
		}
		return
	}
	cert := a.current.cert()
	if !cert.IsCA {
		v.fail(a.name, remedyRotate, "is not an authority (basicConstraints lacks CA:TRUE)")
	}
	if weak := weakness(cert); weak != "" {
		v.fail(a.name, remedyRotate, "%s", weak)
	}
	end := a.current.notAfter()
	switch {
	case a.current.early(v.now):
		v.fail(a.name, words("set this machine's clock right"), "is not valid before %s", a.current.notBefore().UTC().Format(time.RFC3339))
	case !end.After(v.now):
		v.fail(a.name, remedyRotate, "expired on %s, and all that it issued", lifespan.When(end, v.now))
	case end.Sub(v.now) <= v.within:
		v.fail(a.name, remedyRotate, "%s", expiry(cert, v.now))
	case end.Sub(v.now) < DefaultLifetime:
		v.warn(a.name, remedyRotate, "expires in %s: what it issues ends with it", lifespan.Words(end.Sub(v.now)))
	}
	v.rotation(a)
	v.ownList(a)
}

func (v *verification) ownList(a *authority) {
	if absent(a.crl) {
		v.fail(a.name, remedyCreate, "%s is missing", CRLFile)
	} else if _, err := parseList(a.crl); err != nil {
		v.fail(a.name, words("put back the list that was there, or move the file away and run `etcdctr certs create`"), "%s %s", CRLFile, err)
	}
}

func (v *verification) rotation(a *authority) {
	switch {
	case a.next != nil:
		v.warn(a.name, words("run `etcdctr certs rotate-ca`, which goes on"), "is being replaced: both authorities are trusted, the old one issues")
	case a.old != nil:
		v.warn(a.name, words("run `etcdctr certs rotate-ca --clients-ready` once clients have their new files"), "is being replaced: the new authority issues, the old one is trusted still")
	case a.gone != nil && a.aborted:
		v.warn(a.name, words("run `etcdctr certs rotate-ca`, which goes on"), "was to be replaced: the other authority is out, and trusted still by members that were not restarted since")
	case a.gone != nil:
		v.warn(a.name, words("run `etcdctr certs rotate-ca`, which goes on"), "was replaced: the old authority is out, and trusted still by members that were not restarted since")
	}
}

// told checks that an identity which was made elsewhere trusts the authority that
// is to issue next.
func (v *verification) told(e *existing, a *authority) {
	if a != nil && a.broken == nil && a.next != nil && !e.trusts(a.next) {
		v.warn(e.name, words(fmt.Sprintf("add %s to it before that issues", filepath.Join(v.pki.path(a.name), nextFile))),
			"%s was not made here, and does not hold the next authority of %s", CAFile, a.name)
	}
}

// separation checks that a client's certificate does not open the peer port.
func (v *verification) separation() {
	var keys [][]byte
	for _, a := range v.state.authorities {
		if a.broken != nil {
			continue
		}
		if a.name == singleCA {
			v.warn(a.name, words("make two authorities, in another directory, unless this is meant"), "vouches for clients and peers: any client certificate opens the peer port")
		}
		for _, other := range keys {
			if bytes.Equal(other, a.current.cert().RawSubjectPublicKeyInfo) {
				v.fail(a.name, remedyRotate, "has the key of another authority: any client certificate opens the peer port")
			}
		}
		keys = append(keys, a.current.cert().RawSubjectPublicKeyInfo)
	}
}

// weakness says what is too weak about a certificate's cryptography.
func weakness(cert *x509.Certificate) string {
	if weak := weakKey(cert); weak != "" || selfSigned(cert) {
		return weak
	}
	switch cert.SignatureAlgorithm {
	case x509.MD5WithRSA, x509.SHA1WithRSA, x509.ECDSAWithSHA1:
		return fmt.Sprintf("is signed with %s, which Go and so etcd refuse", cert.SignatureAlgorithm)
	}
	return ""
}
