package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/certs"
	"github.com/etcdctr/etcdctr/cmd/internal/target"
)

type certsImportOptions struct {
	cluster *target.Flags
	files   certs.ImportFiles
}

func newCertsImportCommand(a *app) *cobra.Command {
	var o certsImportOptions
	cmd := &cobra.Command{
		Use:   "import FILE...",
		Short: "Bring in certificates that were made elsewhere",
		Long: `import puts certificates that were made elsewhere in their places: answers to
certs request, whose keys are here, or others with --key. The files are PEM or DER,
with any number of certificates in any order, those of intermediate authorities
included. Whose a certificate is tells its key.

Nothing is written unless every certificate belongs to a key, answers to the names
that the cluster needs, is good for what it is for and valid, and is accepted by
those who will see it. A key that somebody has brought before is put aside in
certs/retired.`,
		Example: `  etcdctr certs import signed/*.pem --ca company-ca.pem
  etcdctr certs import bundle.pem --ca clients-ca.pem --peer-ca peers-ca.pem --crl company.crl
  etcdctr certs import etcd1.pem --key members/etcd1/server=etcd1-key.pem`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage(errors.New("FILE: there is none: give the certificates"))
			}
			o.files.Certificates = args
			return runCertsImport(cmd.Context(), a, o)
		},
	}
	o.cluster = a.Describing(cmd)
	flags := cmd.Flags()
	flags.StringVar(&o.files.CA, "ca", "", "authority that clients and servers trust, PEM (default the root among the certificates, or as before)")
	flags.StringVar(&o.files.PeerCA, "peer-ca", "", "authority that peers trust (default that of --ca)")
	flags.StringVar(&o.files.CRL, "crl", "", "its revocation list, DER or PEM (default as before, or an empty one)")
	flags.StringVar(&o.files.PeerCRL, "peer-crl", "", "revocation list of peers (default that of --crl)")
	flags.StringToStringVar(&o.files.Keys, "key", nil, "private key of an identity, such as members/etcd1/peer=FILE")
	return cmd
}

func runCertsImport(ctx context.Context, a *app, o certsImportOptions) error {
	c, dir, err := o.cluster.WithCerts()
	if err != nil {
		return err
	}
	i, err := o.files.Read()
	if err != nil {
		return usage(err)
	}
	i.Plan, i.Users = etcdctr.CertsPlan(c), etcdctr.CertsUsers(c.Auth)
	report, err := a.PKI(dir).Import(ctx, i)
	if err == nil {
		defer o.cluster.TellOldCopies(ctx)
	}
	return a.SayDone(dir, report, err)
}
