package certs

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"time"

	"github.com/etcdctr/etcdctr/internal/atomicdir"
	"github.com/etcdctr/etcdctr/internal/lifespan"
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
	oldKeyFile  = "old.key"
	goneFile    = "gone.crt" // from finish until no member trusts it any more
	goneKeyFile = "gone.key"

	abortedFile    = "aborted.crt" // from an abort until no member trusts it any more
	abortedKeyFile = "aborted.key"
)

// retiredDir holds the authorities that were replaced, each in a folder of its
// own: a key is never thrown away, it may be somebody's only copy.
const retiredDir = "ca/retired"

// authority is an authority's directory.
type authority struct {
	name    string
	current *Authority // who issues
	next    *Authority // who will issue, trusted already
	old     *Authority // who issued, trusted still
	issued  ledger
	crl     []byte
	shown   []*x509.Certificate // what a leaf shows beside its own; known once it issues
	gone    *Authority          // who is not trusted any more, but perhaps by members that run
	aborted bool                // it is gone because its replacement of the current one was aborted
	in      string              // the file that the current one's certificate is in; empty: tls.crt
	retired []*Authority        // who is put away now
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
	var errs [6]error
	a.current, errs[0] = readKeyPair(dir, CertFile, KeyFile)
	if _, err := os.Stat(filepath.Join(dir, nextFile)); err == nil {
		a.next, errs[1] = readKeyPair(dir, nextFile, nextKeyFile)
	}
	if _, err := os.Stat(filepath.Join(dir, oldFile)); err == nil {
		a.old, errs[2] = readKeyPair(dir, oldFile, oldKeyFile)
	}
	if _, err := os.Stat(filepath.Join(dir, goneFile)); err == nil {
		a.gone, errs[5] = readKeyPair(dir, goneFile, goneKeyFile)
	} else if _, err := os.Stat(filepath.Join(dir, abortedFile)); err == nil {
		a.aborted = true
		a.gone, errs[5] = readKeyPair(dir, abortedFile, abortedKeyFile)
	}
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
		return fmt.Errorf("authority %s: expired on %s: replace it with a new one, see `etcdctr certs rotate-ca`", a.name, lifespan.When(a.current.notAfter(), now))
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
	if !a.ownList() {
		return fmt.Errorf("authority %s: its %s was signed by somebody else, and a new one would not say what it says: revoke there, or move %s/%s away",
			a.name, CRLFile, a.name, CRLFile)
	}
	crl, err := newCRL(a.issued, a.current, a.crl, now, random)
	if err != nil {
		return fmt.Errorf("authority %s: sign the revocation list: %w", a.name, err)
	}
	a.crl, a.dirty = crl, true
	return nil
}

// record enters a certificate in the ledger.
func (a *authority) record(e issued, now time.Time) {
	a.issued = append(a.issued, e).withoutExpired(now)
	a.dirty = true
}

// entry is what the ledger says of a certificate.
func entry(identity string, cert *x509.Certificate, brought bool) issued {
	return issued{Serial: serialOf(cert), Identity: identity, NotAfter: cert.NotAfter, Key: keyID(cert.PublicKey), Brought: brought}
}

// trust is what an identity of the profile trusts.
//
// Servers and peers trust exactly the certificate that issues here, even when a
// company's root vouches for it: with the root, everything under it would be
// let in. Clients get the whole chain, because some of their TLS libraries want
// to see a root.
func (a *authority) trust(profile Profile) []byte { return encodeCertificates(a.trusted(profile)...) }

func (a *authority) trusted(profile Profile) []*x509.Certificate {
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
	return list
}

// crlFor is what an identity of the profile refuses, nil if it reads no list.
func (a *authority) crlFor(profile Profile) []byte {
	if !profile.serves() {
		return nil
	}
	return a.crl
}

// content is the authority's content as it is written.
func (a *authority) content() ([]atomicdir.File, error) {
	entries, err := a.issued.encode()
	files := []atomicdir.File{
		{Name: CertFile, Data: encodeCertificates(a.current.chain...), Mode: certMode},
		{Name: ledgerFile, Data: entries, Mode: certMode},
	}
	if a.crl != nil {
		files = append(files, atomicdir.File{Name: CRLFile, Data: a.crl, Mode: certMode})
	}
	files = appendKey(files, KeyFile, a.current.keyPEM)
	gone, goneKey := a.goneFiles()
	for _, other := range []struct {
		*Authority
		cert, key string
	}{{a.next, nextFile, nextKeyFile}, {a.old, oldFile, oldKeyFile}, {a.gone, gone, goneKey}} {
		if other.Authority != nil {
			files = append(files, atomicdir.File{Name: other.cert, Data: encodeCertificates(other.chain...), Mode: certMode})
			files = appendKey(files, other.key, other.keyPEM)
		}
	}
	return files, err
}

// goneFiles are the files of the authority that is gone.
func (a *authority) goneFiles() (cert, key string) {
	if a.aborted {
		return abortedFile, abortedKeyFile
	}
	return goneFile, goneKeyFile
}

// authorityFiles are the files of an authority that come and go.
var authorityFiles = []string{nextFile, nextKeyFile, oldFile, oldKeyFile, goneFile, goneKeyFile, abortedFile, abortedKeyFile}

// retire is the folder that keeps an authority which is not trusted any more.
func (p *PKI) retire(a *authority, gone *Authority) atomicdir.Dir {
	name := retiredDir + "/" + path.Base(a.name) + "-" + serialOf(gone.cert())
	files := []atomicdir.File{{Name: CertFile, Data: encodeCertificates(gone.chain...), Mode: certMode}}
	return atomicdir.Dir{Path: p.path(name), Files: appendKey(files, KeyFile, gone.keyPEM)}
}

func appendKey(files []atomicdir.File, name string, keyPEM []byte) []atomicdir.File {
	if keyPEM == nil {
		return files
	}
	return append(files, atomicdir.File{Name: name, Data: keyPEM, Mode: keyMode})
}
