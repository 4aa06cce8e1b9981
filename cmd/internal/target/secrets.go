package target

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/backup"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/cmd/internal/hints"
	"github.com/etcdctr/etcdctr/cmd/internal/typed"
)

// This file is what opens backups that are encrypted.

// Secrets name the files that open a backup that is encrypted.
type Secrets struct {
	world                        *World
	identityFile, passphraseFile string
}

// Secrets gives cmd those flags.
func (w *World) Secrets(cmd *cobra.Command) *Secrets {
	f := Secrets{world: w}
	cmd.Flags().StringVar(&f.identityFile, "identity-file", "", "file with the key, as age-keygen writes it, of a backup that is encrypted")
	cmd.Flags().StringVar(&f.passphraseFile, "passphrase-file", "", "file with the passphrase of a backup that is encrypted")
	return &f
}

// Read reads what opens the backup at a place. Where none is there, no key is made of
// a passphrase, and nothing said of it.
func (f *Secrets) Read(place string) (backup.Secret, error) {
	var s backup.Secret
	if f.identityFile != "" {
		data, err := os.ReadFile(f.identityFile)
		if err != nil {
			return s, hints.Usage(fmt.Errorf("--identity-file: %w", err))
		}
		s.Identities = string(data)
	}
	if f.passphraseFile == "" {
		return s, nil
	}
	var err error
	read := f.world.Passphrase
	if _, gone := os.Stat(place); errors.Is(gone, fs.ErrNotExist) && !cluster.NamesService(place) {
		read = func(file string) (string, error) { return typed.Secret("passphrase-file", file) }
	}
	s.Passphrase, err = read(f.passphraseFile)
	return s, err
}

// Passphrase says what comes of one, which takes its time and tells no progress.
func (w *World) Passphrase(file string) (string, error) {
	passphrase, err := typed.Secret("passphrase-file", file)
	if err != nil {
		return "", err
	}
	w.Say("making a key of the passphrase: that takes some seconds, on purpose, so that nobody tries many")
	return passphrase, nil
}
