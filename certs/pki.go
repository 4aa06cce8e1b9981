package certs

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/etcdctr/etcdctr/internal/atomicdir"
	"github.com/etcdctr/etcdctr/internal/gitignore"
	"github.com/etcdctr/etcdctr/internal/lockfile"
)

// PKI is a directory of certificates. Its methods may be called by several
// processes at the same time: those that write wait for each other, and change
// all files or none.
type PKI struct {
	Dir    string
	Now    func() time.Time // default time.Now
	Random io.Reader        // of serial numbers; default crypto/rand. Keys are always drawn from the system.

	// Roster tells whose certificates are left alone, as they are of members that are none
	// any more; nil: nobody's.
	Roster *Roster
}

func (p *PKI) now() time.Time {
	if p.Now == nil {
		return time.Now()
	}
	return p.Now()
}

func (p *PKI) random() io.Reader {
	if p.Random == nil {
		return rand.Reader
	}
	return p.Random
}

// exclusive runs f while no other process writes here, after what an
// interrupted one has left is settled. A folder that is made for it is none for a
// repository, and is gone again where nothing came into it.
func (p *PKI) exclusive(ctx context.Context, f func() error) error {
	_, there := os.Stat(p.Dir)
	release, err := lockfile.Acquire(ctx, p.Dir)
	if err != nil {
		return err
	}
	if errors.Is(there, fs.ErrNotExist) {
		err = gitignore.Write(p.Dir)
	}
	if err == nil {
		err = atomicdir.Recover(p.Dir)
	}
	if err == nil {
		err = f()
	}
	return errors.Join(err, p.unhide(err), release())
}

// unhide takes out of a folder what keeps it out of repositories, where that is all of it
// but the lock.
func (p *PKI) unhide(failed error) error {
	if all, err := os.ReadDir(p.Dir); failed == nil || err != nil || len(all) > 2 {
		return nil //nolint:nilerr // it is of use, or stays
	}
	return gitignore.Remove(p.Dir)
}

// place is where an identity lives, and what it is therefore for.
type place struct {
	name    string // slash-separated, below the PKI's directory
	profile Profile
}

// state is a PKI as it is on disk.
type state struct {
	authorities []*authority
	identities  []existing
	retired     []*Authority // that were replaced; without keys
	standIn     []byte       // the revocation list of those that nobody here gives one
	signatures  *sync.Map    // of signature, whether it is one: see signedBy
}

// signature is that of an authority under a certificate, each in DER.
type signature struct{ under, by string }

// signedBy reports whether an authority has signed a certificate. Much of what is judged
// goes by that, and to find it out once takes as long as to read all files.
func (s *state) signedBy(cert *x509.Certificate, by *Authority) bool {
	which := signature{string(cert.Raw), string(by.cert().Raw)}
	if known, ok := s.signatures.Load(which); ok {
		return known == true
	}
	valid := cert.CheckSignatureFrom(by.cert()) == nil
	s.signatures.Store(which, valid)
	return valid
}

// existing is an identity that has a directory.
type existing struct {
	place
	files  *stored
	broken error   // what is amiss with the files
	flat   bool    // the files are in the folder itself, see inner
	moved  bool    // they were, and are not any more
	beside *stored // other files in the folder, in the place of links
}

// observe reads everything there is. Nothing can be done with an authority that
// cannot be read; identities can be made anew.
func (p *PKI) observe() (*state, error) {
	s, err := p.scan()
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, a := range s.authorities {
		if a.broken != nil {
			errs = append(errs, fmt.Errorf("authority %s: %w", a.name, a.broken))
		}
	}
	for _, e := range s.identities {
		if errors.Is(e.broken, fs.ErrPermission) {
			errs = append(errs, fmt.Errorf("%s: %w", e.name, e.broken))
		}
	}
	return s, errors.Join(errs...)
}

// scan is observe for whoever wants to see what is broken too.
func (p *PKI) scan() (*state, error) {
	places, err := p.places()
	if err != nil {
		return nil, err
	}
	s := &state{authorities: p.readAuthorities(), retired: p.readRetired(), signatures: new(sync.Map)}
	for _, pl := range places {
		files, err := readStored(p.path(pl.name))
		e := existing{place: pl, files: files, broken: err, flat: p.isFlat(pl.name), beside: p.beside(pl.name)}
		if e.beside != nil && s.originOf(&existing{place: pl, files: e.beside}) != ofHere {
			e.broken = errors.Join(e.broken, fmt.Errorf("other files than those in %s lie beside it: move them into it, or away", inner(pl.name)))
		} else {
			e.beside = nil
		}
		s.identities = append(s.identities, e)
	}
	return s, nil
}

// find returns the identity of that name, nil if there is none.
func (s *state) find(name string) *existing {
	for i := range s.identities {
		if s.identities[i].name == name {
			return &s.identities[i]
		}
	}
	return nil
}

// authorityFor is who vouches for certificates of a profile, nil if nobody
// does yet.
func (s *state) authorityFor(profile Profile) *authority {
	role := clientCA
	if profile == Peer {
		role = peerCA
	}
	for _, a := range s.authorities {
		if a.name == role || a.name == singleCA {
			return a
		}
	}
	return nil
}

// places lists the directories of identities, sorted by name.
func (p *PKI) places() ([]place, error) {
	var found []place
	for _, pattern := range []struct {
		glob    string
		profile Profile
	}{
		{"members/*/server", Server},
		{"members/*/peer", Peer},
		{"servers/*", Server},
		{"clients/*", Client},
	} {
		matches, err := fs.Glob(os.DirFS(p.Dir), pattern.glob)
		if err != nil {
			return nil, err
		}
		for _, m := range matches {
			if !strings.HasPrefix(path.Base(m), ".") {
				found = append(found, place{name: m, profile: pattern.profile})
			}
		}
	}
	slices.SortFunc(found, func(a, b place) int { return strings.Compare(a.name, b.name) })
	return found, nil
}
