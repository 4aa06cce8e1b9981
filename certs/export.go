package certs

import (
	"crypto"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/etcdctr/etcdctr/certs/keystore"
	"github.com/etcdctr/etcdctr/internal/gitignore"
)

// Format is a form that an identity's files can be handed out in.
type Format string

// The formats.
const (
	PEM    Format = "pem"
	PKCS12 Format = "pkcs12"
	JKS    Format = "jks"
)

// Formats lists the formats, PEM first.
func Formats() []Format { return []Format{PEM, PKCS12, JKS} }

// PasswordFile is where the password of a keystore is put that Export has made
// up, and where it is looked for the next time.
const PasswordFile = "keystore.password"

// ExportOptions say where an identity's files go, and in what form.
type ExportOptions struct {
	Name     string // clients/app
	Format   Format
	Dir      string // made if it is not there (0700)
	Password string // of a keystore; empty: that in PasswordFile, or a new one

	// For may read the files as well, see PKI.Grant; nil: nobody else.
	For *Grantee
}

// Export writes a copy of an identity's files into a folder of somebody's and gives
// their names. Other files in it stay, and so does a key that was not made here:
// it is an error. A renewal leaves the copies as they are.
func (p *PKI) Export(o ExportOptions) ([]string, error) {
	if o.Password != "" && len(o.Password) < keystore.LeastPassword {
		return nil, fmt.Errorf("password: is shorter than %d characters, which Java does not take: use a longer one", keystore.LeastPassword)
	}
	s, err := p.observe()
	if err != nil {
		return nil, err
	}
	e := s.find(o.Name)
	switch {
	case e == nil:
		return nil, fmt.Errorf("there is no identity %q: `etcdctr certs list` names them all", o.Name)
	case e.broken != nil:
		return nil, fmt.Errorf("%s: %w", o.Name, e.broken)
	}
	files, err := p.exported(s, e, &o)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.Dir, err)
	}
	return p.handOut(files, o)
}

// exportedFile is a file of an export.
type exportedFile struct {
	name string
	data []byte
	mode fs.FileMode
}

func (p *PKI) exported(s *state, e *existing, o *ExportOptions) ([]exportedFile, error) {
	if o.Format == PEM {
		return []exportedFile{
			{CAFile, e.files.trust, certMode}, {CertFile, encodeCertificates(e.files.chain...), certMode}, {KeyFile, e.files.keyPEM, keyMode},
		}, s.wantReplaceable(o, KeyFile, e)
	}
	trust, err := parseCertificates(e.files.trust)
	if err != nil {
		return nil, fmt.Errorf("%s %w", CAFile, err)
	}
	var files []exportedFile
	if o.Password == "" {
		made, err := o.choosePassword()
		if err != nil {
			return nil, err
		}
		files = append(files, made...)
	}
	store := keystore.Store{Key: e.files.key, Chain: e.files.chain, Trust: trust, Now: p.now()}
	encode, suffix := store.PKCS12, ".p12"
	if o.Format == JKS {
		encode, suffix = store.JKS, ".jks"
	}
	if err := s.wantReplaceable(o, "keystore"+suffix, e); err != nil {
		return nil, err
	}
	keys, trusted, err := encode(o.Password)
	return append(files, exportedFile{"keystore" + suffix, keys, keyMode}, exportedFile{"truststore" + suffix, trusted, certMode}), err
}

// choosePassword takes the password that is in the folder, or makes one up.
func (o *ExportOptions) choosePassword() ([]exportedFile, error) {
	data, err := os.ReadFile(filepath.Join(o.Dir, PasswordFile))
	if o.Password = strings.TrimRight(string(data), "\r\n"); err == nil && len(o.Password) >= keystore.LeastPassword {
		return nil, nil
	}
	if err == nil {
		return nil, fmt.Errorf("%s: is shorter than %d characters: delete it, or give another password", PasswordFile, keystore.LeastPassword)
	}
	o.Password = rand.Text()
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return []exportedFile{{PasswordFile, []byte(o.Password + "\n"), keyMode}}, err
}

// wantReplaceable refuses to replace a key that was not made here.
func (s *state) wantReplaceable(o *ExportOptions, file string, e *existing) error {
	data, err := os.ReadFile(filepath.Join(o.Dir, file))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case absent(data):
		return nil
	}
	pub, err := publicKeyIn(data, o)
	if err != nil {
		return fmt.Errorf("%s %w: move it away, or name another folder", file, err)
	}
	if !samePublicKey(e.files.cert(), e.files.key) || !s.madeKey(pub, nil) && keyID(pub) != keyID(e.files.key.Public()) {
		return fmt.Errorf("%s is another key, which was not made here: move it away, or name another folder", file)
	}
	return nil
}

func publicKeyIn(data []byte, o *ExportOptions) (crypto.PublicKey, error) {
	if o.Format != PEM {
		return keystore.PublicKey(data, o.Password)
	}
	key, err := parseKey(data)
	if err != nil {
		return nil, err
	}
	return key.Public(), nil
}

// makeFor makes a folder that the files' reader gets into. One that is there is
// its owner's, and stays.
func makeFor(dir string, g grant) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	if err := gitignore.MkdirAll(dir, 0o700); err != nil || g.owner == noOwner {
		return err
	}
	return errors.Join(os.Chown(dir, g.owner.UID, g.owner.GID), os.Chmod(dir, g.dir))
}

func (p *PKI) handOut(files []exportedFile, o ExportOptions) ([]string, error) {
	g := grant{owner: noOwner, key: keyMode}
	if o.For != nil {
		var err error
		if g, err = grantTo(*o.For, thisProcess()); err != nil {
			return nil, err
		}
	}
	if err := makeFor(o.Dir, g); err != nil {
		return nil, err
	}
	var names []string
	for _, f := range files {
		if f.mode == keyMode {
			f.mode = g.key
		}
		if err := writeInto(o.Dir, f.name, f.data, f.mode); err != nil {
			return nil, err
		}
		file := filepath.Join(o.Dir, f.name)
		if err := os.Chown(file, g.owner.UID, g.owner.GID); g.owner != noOwner && err != nil {
			return nil, err
		}
		names = append(names, file)
	}
	return names, nil
}
