package certs

import (
	"errors"
	"maps"
	"os"
	"slices"

	"github.com/etcdctr/etcdctr/internal/option"
)

// ImportFiles are the files that ImportOptions are read from.
type ImportFiles struct {
	// Certificates have any number of certificates each, PEM or DER.
	Certificates []string
	// Keys are those of private keys, by identity.
	Keys map[string]string
	// CA and PeerCA are of authorities, and CRL and PeerCRL of revocation lists; each may
	// be empty. Without one of peers, the other is meant for them as well.
	CA, PeerCA, CRL, PeerCRL string
}

// Read reads them all. The error names every one that can't be read.
func (f ImportFiles) Read() (ImportOptions, error) {
	var errs []error
	read := func(name any, file string) []byte {
		if file == "" {
			return nil
		}
		data, err := os.ReadFile(file)
		if err != nil {
			errs = append(errs, option.Errorf("%s: %w", name, err))
		}
		return data
	}
	o := ImportOptions{
		Authorities: read(option.Name("ca"), f.CA), PeerAuthorities: read(option.Name("peer-ca"), f.PeerCA),
		List: read(option.Name("crl"), f.CRL), PeerList: read(option.Name("peer-crl"), f.PeerCRL), Keys: map[string][]byte{},
	}
	if f.PeerCA == "" {
		o.PeerAuthorities = o.Authorities
	}
	if f.PeerCRL == "" {
		o.PeerList = o.List
	}
	for _, name := range slices.Sorted(maps.Keys(f.Keys)) {
		o.Keys[name] = read(option.Name("key "+name), f.Keys[name])
	}
	for _, file := range f.Certificates {
		o.Certificates = append(o.Certificates, read("FILE", file))
	}
	return o, errors.Join(errs...)
}
