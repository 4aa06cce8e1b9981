package certs

import (
	"context"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/etcdctr/etcdctr/internal/atomicdir"
)

// Certificates from elsewhere begin with a request: the key is made here and
// never leaves, and a company's authority gets to see who the certificate is for
// and what it has to be good for. Keys and requests wait in requests/NAME until
// the answer is brought in, see PKI.Import.

// requestsDir holds what waits for an answer.
const requestsDir = "requests"

// RequestFile is the request beside its key, PKCS#10 in PEM.
const RequestFile = "tls.csr"

// Request makes a key and a signing request for identities of the plan: for all
// that are missing or due, or for those named. One that waits already keeps its
// key. It gives the files, by the identities' names in the plan's order.
func (p *PKI) Request(ctx context.Context, plan Plan, names ...string) ([]string, error) {
	if err := plan.Validate(); err != nil {
		return nil, err
	}
	var files []string
	err := p.exclusive(ctx, func() error {
		s, err := p.observe()
		if err != nil {
			return err
		}
		wanted, err := p.requested(s, plan.identities(), names)
		if err != nil {
			return err
		}
		var dirs []atomicdir.Dir
		for _, want := range wanted {
			d, err := p.request(want)
			if err != nil {
				return err
			}
			dirs = append(dirs, d)
			files = append(files, filepath.Join(d.Path, RequestFile))
		}
		return atomicdir.Replace(ctx, dirs...)
	})
	return files, err
}

func (p *PKI) requested(s *state, all []identity, names []string) ([]identity, error) {
	known := make([]string, len(all))
	for i, id := range all {
		known[i] = id.name
	}
	chosen := map[string]bool{}
	var errs []error
	for _, n := range names {
		found, err := match(known, n)
		errs = append(errs, err)
		for _, f := range found {
			chosen[f] = true
		}
	}
	var list []identity
	for _, id := range all {
		e := s.find(id.name)
		fits := e != nil && e.broken == nil && !p.due(e.files.cert())
		if chosen[id.name] || len(names) == 0 && !fits {
			list = append(list, id)
		}
	}
	return list, errors.Join(errs...)
}

func (p *PKI) request(want identity) (atomicdir.Dir, error) {
	d := atomicdir.Dir{Path: p.above(requestsDir + "/" + want.name)}
	keyPEM, err := os.ReadFile(filepath.Join(d.Path, KeyFile))
	var key crypto.Signer
	switch {
	case err == nil:
		if key, err = parseKey(keyPEM); err != nil {
			return d, fmt.Errorf("%s/%s: %s %w", requestsDir, want.name, KeyFile, err)
		}
	case !errors.Is(err, fs.ErrNotExist):
		return d, err
	default:
		if key, err = want.privateKey(nil); err == nil {
			keyPEM, err = encodeKey(key)
		}
		if err != nil {
			return d, err
		}
	}
	csr, err := want.csr(p, key)
	d.Files = []atomicdir.File{
		{Name: KeyFile, Data: keyPEM, Mode: keyMode},
		{Name: RequestFile, Data: csr, Mode: certMode},
	}
	return d, err
}

// csr is the request in PEM. It asks for the usages too; not every authority
// heeds them, and so Import looks at what came of it.
func (id identity) csr(p *PKI, key crypto.Signer) ([]byte, error) {
	t := id.template(algorithmOf(key.Public()), p.now(), p.now().Add(DefaultAuthorityLifetime))
	usages, err := usageExtensions(t)
	if err != nil {
		return nil, err
	}
	der, err := x509.CreateCertificateRequest(p.random(), &x509.CertificateRequest{
		Subject: t.Subject, DNSNames: t.DNSNames, IPAddresses: t.IPAddresses, ExtraExtensions: usages,
	}, key)
	if err != nil {
		return nil, fmt.Errorf("%s: sign the request: %w", id.name, err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}), nil
}

// waiting lists the identities that wait for an answer, with their keys.
func (p *PKI) waiting() (map[string][]byte, error) {
	keys := map[string][]byte{}
	root := p.above(requestsDir)
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.Name() != KeyFile {
			return err
		}
		rel, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		data, err := os.ReadFile(path)
		keys[strings.ReplaceAll(rel, string(filepath.Separator), "/")] = data
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return keys, err
}
