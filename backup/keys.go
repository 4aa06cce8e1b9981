package backup

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"filippo.io/age"

	"github.com/etcdctr/etcdctr/internal/tarfolder"
)

// Keys are certificates with their keys, to be encrypted with a passphrase.
type Keys struct {
	Dir        string // all of it, as package certs lays it out
	Passphrase string
}

// ErrNoPassphrase is the error of keys that nobody has given a passphrase for.
var ErrNoPassphrase = errors.New("keys leave a machine only encrypted, and there is no passphrase")

// seal packs and encrypts a folder of keys, which is small.
func (k Keys) seal() ([]byte, error) {
	if k.Passphrase == "" {
		return nil, ErrNoPassphrase
	}
	recipient, err := age.NewScryptRecipient(k.Passphrase)
	if err != nil {
		return nil, err
	}
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, recipient)
	if err != nil {
		return nil, err
	}
	files := tar.NewWriter(w)
	if err := errors.Join(files.AddFS(os.DirFS(k.Dir)), files.Close(), w.Close()); err != nil {
		return nil, fmt.Errorf("cannot pack the certificates in %s: %w", k.Dir, err)
	}
	return sealed.Bytes(), nil
}

// OpenKeys writes the certificates of an archive, with their keys, into a folder
// that must not be there. ErrPassphrase says that they stay closed.
func OpenKeys(ctx context.Context, u Unpacked, passphrase, dir string) error {
	if u.Keys == "" {
		return errors.New("the backup holds no keys")
	}
	if _, err := os.Lstat(dir); err == nil {
		return fmt.Errorf("the folder %s: %w", dir, fs.ErrExist)
	}
	sealed, err := os.Open(u.Keys)
	if err != nil {
		return err
	}
	defer sealed.Close()
	identity, err := age.NewScryptIdentity(passphrase)
	if err != nil {
		return errors.Join(ErrPassphrase, err)
	}
	plain, err := age.Decrypt(sealed, identity)
	if err != nil {
		return errors.Join(ErrPassphrase, err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	if err := tarfolder.Unpack(ctx, dir, plain); err != nil {
		return errors.Join(fmt.Errorf("cannot unpack the certificates: %w", err), os.RemoveAll(dir))
	}
	return nil
}
