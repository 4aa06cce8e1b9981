package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/certs"
)

type certsRenewOptions struct {
	cluster *clusterFlags
	keys    keyFlags
	within  days
	keepKey bool
}

func newCertsRenewCommand(a *app) *cobra.Command {
	var o certsRenewOptions
	cmd := &cobra.Command{
		Use:   "renew [NAME...]",
		Short: "Replace certificates by new ones that say the same",
		Long: `renew replaces certificates by new ones that say the same: all of them, or those
named, as certs list does or by the last word. Members show the new ones from the
next handshake on, without a restart. Revoked certificates are left alone.

With --tls auto the members' own are replaced, where they are: etcd makes them at its
first start, and never again.`,
		Example: `  etcdctr certs renew --within 30d      # what ends soon: for a daily job
  etcdctr certs renew alice
  etcdctr certs renew --tls auto --within 30d
  etcdctr certs renew members/etcd1/peer --keep-key`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runCertsRenew(cmd.Context(), a, o, args)
		},
	}
	o.cluster = addFindingFlags(cmd, "tls")
	addKeyFlags(cmd, &o.keys, "as before", "as before")
	cmd.Flags().Var(&o.within, "within", "only certificates that end so soon, such as 30d")
	cmd.Flags().BoolVar(&o.keepKey, "keep-key", false, "certify the same keys again instead of making new ones")
	return cmd
}

func runCertsRenew(ctx context.Context, a *app, o certsRenewOptions, names []string) error {
	renew := certs.RenewOptions{
		Names:    names,
		Within:   o.within.duration(),
		KeepKey:  o.keepKey,
		Key:      certs.KeyAlgorithm(o.keys.algorithm),
		Lifetime: o.keys.lifetime,
	}
	if err := renew.Validate(); err != nil {
		return usage(err)
	}
	if o.cluster.isAuto(a) {
		return o.renewAuto(ctx, a, names)
	}
	dir, err := o.cluster.certificates(a)
	if err != nil {
		return err
	}
	report, err := a.pki(dir).Renew(ctx, renew)
	if err != nil {
		return certsError(dir, err)
	}
	a.sayReport(dir, report)
	return nil
}
