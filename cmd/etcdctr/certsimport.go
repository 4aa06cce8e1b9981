package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/certs"
	"github.com/etcdctr/etcdctr/cmd/internal/target"
)

type certsImportOptions struct {
	cluster         *target.Flags
	ca, peerCA      string
	list, peerList  string
	keys            map[string]string
	certificateFile []string
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
			o.certificateFile = args
			return runCertsImport(cmd.Context(), a, o)
		},
	}
	o.cluster = a.Describing(cmd)
	flags := cmd.Flags()
	flags.StringVar(&o.ca, "ca", "", "authority that clients and servers trust, PEM (default the root among the certificates, or as before)")
	flags.StringVar(&o.peerCA, "peer-ca", "", "authority that peers trust (default that of --ca)")
	flags.StringVar(&o.list, "crl", "", "its revocation list, DER or PEM (default as before, or an empty one)")
	flags.StringVar(&o.peerList, "peer-crl", "", "revocation list of peers (default that of --crl)")
	flags.StringToStringVar(&o.keys, "key", nil, "private key of an identity, such as members/etcd1/peer=FILE")
	return cmd
}

func (o certsImportOptions) read() (certs.ImportOptions, error) {
	var errs []error
	read := func(flag, file string) []byte {
		if file == "" {
			return nil
		}
		data, err := os.ReadFile(file)
		if err != nil {
			errs = append(errs, usage(fmt.Errorf("%s: %w", flag, err)))
		}
		return data
	}
	i := certs.ImportOptions{
		Authorities: read("--ca", o.ca), PeerAuthorities: read("--peer-ca", o.peerCA),
		List: read("--crl", o.list), PeerList: read("--peer-crl", o.peerList), Keys: map[string][]byte{},
	}
	if o.peerCA == "" {
		i.PeerAuthorities = i.Authorities
	}
	if o.peerList == "" {
		i.PeerList = i.List
	}
	for name, file := range o.keys {
		i.Keys[name] = read("--key "+name, file)
	}
	for _, file := range o.certificateFile {
		i.Certificates = append(i.Certificates, read("FILE", file))
	}
	return i, errors.Join(errs...)
}

func runCertsImport(ctx context.Context, a *app, o certsImportOptions) error {
	c, dir, err := o.cluster.WithCerts()
	if err != nil {
		return err
	}
	i, err := o.read()
	if err != nil {
		return err
	}
	i.Plan = etcdctr.CertsPlan(c)
	report, err := a.PKI(dir).Import(ctx, i)
	return a.SayDone(dir, report, err)
}
