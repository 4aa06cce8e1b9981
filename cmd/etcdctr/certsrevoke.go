package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"
)

func newCertsRevokeCommand(a *app) *cobra.Command {
	var flags *clusterFlags
	cmd := &cobra.Command{
		Use:   "revoke NAME...",
		Short: "Have the members refuse a client, server or member",
		Long: `revoke puts every certificate that was issued to a name and has not expired on
the revocation list of its authority, and gives the list to all members. They
refuse it from the next connection on, without a restart; connections that are
open stay open until they are closed.

The files stay. A revoked member or client gets a new key and certificate by
certs create, or certs issue.`,
		Example: `  etcdctr certs revoke alice
  etcdctr certs revoke members/etcd3 && etcdctr certs create`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage(errors.New("NAME is missing: say what to revoke, as certs list names it"))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return runCertsRevoke(cmd.Context(), a, flags.certificates(), args)
		},
	}
	flags = addCertsDirFlags(cmd)
	return cmd
}

func runCertsRevoke(ctx context.Context, a *app, dir string, names []string) error {
	report, err := a.pki(dir).Revoke(ctx, names...)
	if err != nil {
		return certsError(dir, err)
	}
	a.sayReport(dir, report)
	return nil
}
