package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/certs"
	"github.com/etcdctr/etcdctr/cmd/internal/typed"
)

// passwordVariable may hold the password of a keystore.
const passwordVariable = "ETCDCTR_KEYSTORE_PASSWORD"

// exportFlags say where a copy of what was issued goes.
type exportFlags struct {
	format       string
	dir          string
	passwordFile string
}

func (f *exportFlags) add(cmd *cobra.Command) {
	f.format = string(certs.PEM)
	formats := typed.Words(certs.Formats())
	flags := cmd.Flags()
	flags.StringVar(&f.dir, "output", "", "folder for a copy of the files, which a renewal leaves as it is")
	flags.Var(&typed.Choice{Value: &f.format, Of: formats}, "format", "of that copy: "+strings.Join(formats, ", ")+", the last two for Java")
	flags.StringVar(&f.passwordFile, "password-file", "",
		"file with the keystore's password (default $"+passwordVariable+", or one that is made up, in "+certs.PasswordFile+" of the folder)")
}

func (f *exportFlags) validate() error {
	switch {
	case f.dir == "" && f.format != string(certs.PEM):
		return fmt.Errorf("--format %s: needs --output, the folder for it", f.format)
	case f.passwordFile != "" && f.format == string(certs.PEM):
		return errors.New("--password-file: is of a keystore: choose one with --format")
	}
	return nil
}

func (f *exportFlags) write(a *app, pki *certs.PKI, issued certs.IssueOptions, g typed.Grantee) error {
	if f.dir == "" {
		return nil
	}
	o := certs.ExportOptions{Name: issued.Identity(), Format: certs.Format(f.format), Dir: f.dir, Password: os.Getenv(passwordVariable)}
	if f.passwordFile != "" {
		var err error
		if o.Password, err = typed.Secret(passwordFlag, f.passwordFile); err != nil {
			return err
		}
	}
	if g.Given {
		o.For = &g.Grantee
	}
	files, err := pki.Export(o)
	if err != nil {
		return err
	}
	a.Say("a copy is in %s", strings.Join(files, ", "))
	return nil
}
