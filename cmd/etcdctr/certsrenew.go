package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/certs"
	"github.com/etcdctr/etcdctr/cmd/internal/target"
	"github.com/etcdctr/etcdctr/cmd/internal/typed"
)

type certsRenewOptions struct {
	cluster *target.Flags
	renew   certs.RenewOptions
}

func newCertsRenewCommand(a *app) *cobra.Command {
	var o certsRenewOptions
	cmd := &cobra.Command{
		Use:   "renew [NAME...]",
		Short: "Replace certificates by new ones that say the same",
		Long: `renew replaces certificates by new ones with the same names and the same use: all
that there are, or those that are named. A NAME is what ` + "`etcdctr certs list`" + ` shows, such
as clients/alice, or its last part alone, alice. Revoked certificates are left alone,
and the authorities are not renewed: ` + "`etcdctr certs rotate-ca`" + ` replaces them.

Members show their new certificates at the next handshake, without a restart. The
files of clients are made anew as well: hand them out, and restart clients that read
theirs only once.

With --tls auto it replaces the certificates that the members have made for
themselves, which etcd does at its first start only.`,
		Example: `  etcdctr certs renew --within 30d      # what ends soon: for a daily job
  etcdctr certs renew alice
  etcdctr certs renew --tls auto --within 30d
  etcdctr certs renew members/etcd1/peer --keep-key`,
		RunE: with(a, &o, runCertsRenew),
	}
	o.cluster = a.Finding(cmd, "tls")
	typed.AddKeys(cmd, &o.renew.Key, &o.renew.Lifetime, "as before", "as before")
	cmd.Flags().Var((*typed.Days)(&o.renew.Within), "within", "only certificates that end so soon, such as 30d")
	cmd.Flags().BoolVar(&o.renew.KeepKey, "keep-key", false, "certify the same keys again instead of making new ones")
	return cmd
}

func runCertsRenew(ctx context.Context, a *app, o certsRenewOptions, names []string) error {
	o.renew.Names = names
	if err := o.renew.Validate(); err != nil {
		return usage(err)
	}
	if isAuto(o.cluster) {
		return o.renewAuto(ctx, a, names)
	}
	dir, err := o.cluster.CertificatesAsRun()
	if err != nil {
		return err
	}
	pki := o.cluster.Rostered(ctx, dir)
	defer pki.Close()
	report, err := pki.Renew(ctx, o.renew)
	if err != nil {
		return target.CertsError(dir, err)
	}
	a.SayReport(dir, report)
	pki.TellOldCopies(ctx)
	return nil
}
