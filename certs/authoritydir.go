package certs

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/etcdctr/etcdctr/internal/atomicdir"
)

// The places of authorities.
const (
	clientCA = "ca/client"
	peerCA   = "ca/peer"
	singleCA = "ca/single"
)

// What an authority's directory holds beside tls.crt, tls.key and crl.der.
const (
	ledgerFile  = "issued.json"
	nextFile    = "next.crt" // from begin to switch of a rotation
	nextKeyFile = "next.key"
	oldFile     = "old.crt" // from switch to finish of a rotation
)

// authority is an authority's directory.
type authority struct {
	name    string
	current *Authority // who issues
	next    *Authority // who will issue, trusted already
	old     *Authority // who issued, trusted still; its key is gone
	issued  ledger
	crl     []byte
	shown   []*x509.Certificate // what a leaf shows beside its own; known once it issues
	dirty   bool                // differs from what is on disk
	broken  error               // what is amiss with the files
	action  Action              // what is being done about it, empty when nothing is
	cause   string
}

func (p *PKI) readAuthorities() []*authority {
	var list []*authority
	for _, name := range []string{clientCA, peerCA, singleCA} {
		if _, err := os.Stat(p.path(name)); !errors.Is(err, fs.ErrNotExist) {
			list = append(list, readAuthority(p.path(name), name))
		}
	}
	return list
}

func readAuthority(dir, name string) *authority {
	a := &authority{name: name}
	var errs [5]error
	a.current, errs[0] = readKeyPair(dir, CertFile, KeyFile)
	if _, err := os.Stat(filepath.Join(dir, nextFile)); err == nil {
		a.next, errs[1] = readKeyPair(dir, nextFile, nextKeyFile)
	}
	errs[2] = ifPresent(dir, oldFile, func(data []byte) (err error) {
		a.old = &Authority{}
		a.old.chain, err = parseCertificates(data)
		return err
	})
	errs[3] = ifPresent(dir, ledgerFile, func(data []byte) (err error) { a.issued, err = parseLedger(data); return })
	errs[4] = ifPresent(dir, CRLFile, func(data []byte) error { a.crl = data; return nil })
	a.broken = errors.Join(errs[:]...)
	return a
}

// readKeyPair reads an authority. Its key may be kept elsewhere: then it
// vouches for what there is, and cannot issue.
func readKeyPair(dir, certFile, keyFile string) (*Authority, error) {
	certPEM, err := os.ReadFile(filepath.Join(dir, certFile))
	if err != nil {
		return nil, amiss(certFile, err)
	}
	a := &Authority{}
	if a.chain, err = parseCertificates(certPEM); err != nil {
		return nil, amiss(certFile, err)
	}
	err = ifPresent(dir, keyFile, func(data []byte) (err error) {
		a.keyPEM = data
		a.key, err = parseKey(data)
		return err
	})
	if err == nil && a.key != nil && !samePublicKey(a.cert(), a.key) {
		err = fmt.Errorf("%s is not the key of %s: put back the one that is", keyFile, certFile)
	}
	return a, err
}

// ifPresent reads a file that need not be there.
func ifPresent(dir, file string, read func([]byte) error) error {
	data, err := os.ReadFile(filepath.Join(dir, file))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = read(data)
	}
	return amiss(file, err)
}

// ready reports what keeps the authority from issuing now.
func (a *authority) ready(now time.Time) error {
	if a.current.key == nil {
		return fmt.Errorf("authority %s: its key is not here: put %s/%s back for as long as certificates are made", a.name, a.name, KeyFile)
	}
	if a.current.expired(now) {
		return fmt.Errorf("authority %s: expired on %s: replace it with a new one, see `etcdctr certs rotate-ca`", a.name, a.current.notAfter().UTC().Format(time.DateOnly))
	}
	if a.current.early(now) {
		return fmt.Errorf("authority %s: is not valid before %s: set this machine's clock right", a.name, a.current.notBefore().UTC().Format(time.RFC3339))
	}
	return nil
}

// refreshCRL signs the revocation list anew from the ledger.
func (a *authority) refreshCRL(now time.Time, random io.Reader) error {
	if err := a.ready(now); err != nil {
		return err
	}
	crl, err := newCRL(a.issued, a.current, a.crl, now, random)
	if err != nil {
		return fmt.Errorf("authority %s: sign the revocation list: %w", a.name, err)
	}
	a.crl, a.dirty = crl, true
	return nil
}

// record enters a certificate in the ledger.
func (a *authority) record(identity string, cert *x509.Certificate, now time.Time) {
	a.issued = append(a.issued.withoutExpired(now),
		issued{Serial: serialOf(cert), Identity: identity, NotAfter: cert.NotAfter})
	a.dirty = true
}

// trust is what an identity of the profile trusts.
//
// Servers and peers trust exactly the certificate that issues here, even when a
// company's root vouches for it: with the root, everything under it would be
// let in. Clients get the whole chain, because some of their TLS libraries want
// to see a root.
func (a *authority) trust(profile Profile) []byte {
	var list []*x509.Certificate
	for _, each := range []*Authority{a.current, a.next, a.old} {
		switch {
		case each == nil:
		case profile == Client:
			list = append(list, each.chain...)
		default:
			list = append(list, each.cert())
		}
	}
	return encodeCertificates(list...)
}

// crlFor is what an identity of the profile refuses, nil if it reads no list.
func (a *authority) crlFor(profile Profile) []byte {
	if !profile.serves() {
		return nil
	}
	return a.crl
}

// sameTrust reports whether an identity trusts and refuses what the authority
// says.
func (a *authority) sameTrust(e *existing) bool {
	return bytes.Equal(e.files.trust, a.trust(e.profile)) && bytes.Equal(e.files.crl, a.crlFor(e.profile))
}

// directory is the authority's content as it is written.
func (a *authority) directory(dir string) (atomicdir.Dir, error) {
	entries, err := a.issued.encode()
	d := atomicdir.Dir{Path: dir, Files: []atomicdir.File{
		{Name: CertFile, Data: encodeCertificates(a.current.chain...), Mode: certMode},
		{Name: CRLFile, Data: a.crl, Mode: certMode},
		{Name: ledgerFile, Data: entries, Mode: certMode},
	}}
	d.Files = appendKey(d.Files, KeyFile, a.current.keyPEM)
	if a.next != nil {
		d.Files = append(d.Files, atomicdir.File{Name: nextFile, Data: encodeCertificates(a.next.chain...), Mode: certMode})
		d.Files = appendKey(d.Files, nextKeyFile, a.next.keyPEM)
	}
	if a.old != nil {
		d.Files = append(d.Files, atomicdir.File{Name: oldFile, Data: encodeCertificates(a.old.chain...), Mode: certMode})
	}
	return d, err
}

func appendKey(files []atomicdir.File, name string, keyPEM []byte) []atomicdir.File {
	if keyPEM == nil {
		return files
	}
	return append(files, atomicdir.File{Name: name, Data: keyPEM, Mode: keyMode})
}
