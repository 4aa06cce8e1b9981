package certs

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/etcdctr/etcdctr/internal/atomicdir"
)

// What was not made here cannot be made again here. The ledgers of the
// authorities tell it apart: they know every certificate that was issued and
// every key that was made for one.

// origin says who made what an identity's folder holds.
type origin int

const (
	// ofHere: key and certificate were made here. Nothing is lost with them.
	ofHere origin = iota

	// ofKey: an authority that is here has signed the certificate, and the key
	// came from elsewhere. The certificate may be replaced, the key stays.
	ofKey

	// brought: neither is of here, or nobody can tell. Nothing is replaced.
	brought
)

func (s *state) originOf(e *existing) origin {
	if e.beside != nil {
		return brought
	}
	cert := e.files.certificate()
	signed := cert != nil && s.issued(cert)
	switch {
	case absent(e.files.keyPEM):
		if signed || absent(e.files.certPEM) {
			return ofHere
		}
	case e.files.key == nil:
		// It is encrypted, or in a form that cannot be read.
	case s.madeKey(e.files.key.Public(), cert):
		if signed || cert == nil {
			return ofHere
		}
	case signed && samePublicKey(cert, e.files.key):
		return ofKey
	}
	return brought
}

// absent reports whether there is nothing in a file that could be lost.
func absent(data []byte) bool { return len(bytes.TrimSpace(data)) == 0 }

// issued reports whether an authority that is here has issued a certificate, or
// once did, such as one that was replaced since.
func (s *state) issued(cert *x509.Certificate) bool {
	if slices.ContainsFunc(s.everyAuthority(), func(a *Authority) bool { return s.signedBy(cert, a) }) {
		return true
	}
	return slices.ContainsFunc(s.authorities, func(a *authority) bool {
		return slices.ContainsFunc(a.issued, func(e issued) bool { return e.Serial == serialOf(cert) && !e.Brought })
	})
}

func (s *state) madeKey(pub any, cert *x509.Certificate) bool {
	return slices.ContainsFunc(s.authorities, func(a *authority) bool { return a.issued.madeKey(pub, cert) })
}

// whose says where a brought identity's certificate is from, to stand after its
// name.
func (s *state) whose(e *existing) string {
	if cert := e.files.certificate(); cert != nil {
		return "was not issued by an authority that is here, but by " + s.issuerName(cert)
	}
	return "was not made here, as far as can be told"
}

// bring is the remedy for what only its owner can put right.
func (p *PKI) bring(name string) string {
	return fmt.Sprintf("put it right where it was made, and bring it in with `etcdctr certs import`; or move %s away, and `etcdctr certs create` makes one here", p.path(name))
}

// directory is a folder as it is to be written: the files, and whatever else
// its owner keeps in it. managed are the files that it may lose.
func (p *PKI) directory(name string, files []atomicdir.File, managed ...string) (atomicdir.Dir, error) {
	d := p.ownedLike(atomicdir.Dir{Path: p.home(name), Files: files})
	entries, err := os.ReadDir(d.Path)
	if err != nil && !os.IsNotExist(err) {
		return d, fmt.Errorf("%s: %w", name, err)
	}
	for _, entry := range entries {
		known := func(f atomicdir.File) bool { return f.Name == entry.Name() }
		if slices.Contains(managed, entry.Name()) || slices.ContainsFunc(files, known) {
			continue
		}
		other, err := other(name, d.Path, entry)
		if err != nil {
			return d, err
		}
		d.Files = append(d.Files, other)
	}
	return d, nil
}

// other is a file that its owner keeps in a folder of certificates.
func other(name, dir string, entry fs.DirEntry) (atomicdir.File, error) {
	info, err := entry.Info()
	if err != nil {
		return atomicdir.File{}, fmt.Errorf("%s: %w", name, err)
	}
	if !info.Mode().IsRegular() {
		return atomicdir.File{}, fmt.Errorf("%s: %s is in it, which is no file and would be lost when the folder is replaced: move it elsewhere", name, entry.Name())
	}
	data, err := os.ReadFile(filepath.Join(dir, entry.Name()))
	if err != nil {
		return atomicdir.File{}, fmt.Errorf("%s: %s is in it and would be lost when the folder is replaced: %w", name, entry.Name(), err)
	}
	return atomicdir.File{Name: entry.Name(), Data: data, Mode: info.Mode().Perm()}, nil
}

// needs lists the authorities that have to be made: those that the plan needs,
// that are not here, and of which nothing is here either.
func (s *state) needs(plan Plan) []string {
	var list []string
	for _, name := range s.missing(plan) {
		if plan.Authority.existing(name) != nil || len(s.of(name)) == 0 {
			list = append(list, name)
		}
	}
	return list
}

// of lists the identities that an authority vouches for.
func (s *state) of(authority string) []string {
	var list []string
	for _, e := range s.identities {
		if authority == singleCA || (authority == peerCA) == (e.profile == Peer) {
			list = append(list, e.name)
		}
	}
	return list
}

// authorityName is the folder of the authority of a profile.
func authorityName(profile Profile) string {
	if profile == Peer {
		return peerCA
	}
	return clientCA
}

// absentAuthority is the error of an identity that would have to be issued by
// an authority that is not here, though others of it are.
func (s *state) absentAuthority(want place) error {
	name := authorityName(want.profile)
	others := slices.DeleteFunc(s.of(name), func(other string) bool { return other == want.name })
	return fmt.Errorf("%s: cannot be made, because the authority is not here that has issued %s: put %s/%s and %s/%s back, or bring it in with `etcdctr certs import`",
		want.name, shortList(others), name, CertFile, name, KeyFile)
}
