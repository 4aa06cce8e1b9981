package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/certs"
	"github.com/etcdctr/etcdctr/cmd/internal/target"
)

func newCertsRevokeCommand(a *app) *cobra.Command {
	var flags *target.Flags
	var files []string
	cmd := &cobra.Command{
		Use:   "revoke NAME...|--certificate FILE",
		Short: "Have the members refuse a client, server or member",
		Long: `revoke puts every certificate that was issued to a name and has not expired on
the revocation list of its authority, and gives the list to all members. They
refuse it from the next connection on, without a restart; connections that are
open stay open until they are closed. Where not every member can be given it, that is
an error: those of a swarm keep the files that they were made with until etcdctr up
makes them anew, and a machine may not answer.

clients/root is what etcdctr itself asks the members with: to revoke it locks
etcdctr out until certs create, and on a terminal asks first.

The files stay. A revoked member or client gets a new key and certificate by
certs create, or certs issue.

--certificate revokes one certificate that an authority here has signed, wherever
that was: what cfssl or openssl has issued, or a copy that turned up elsewhere.`,
		Example: `  etcdctr certs revoke alice
  etcdctr certs revoke members/etcd3 && etcdctr certs create
  etcdctr certs revoke --certificate found.pem`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args)+len(files) == 0 {
				return usage(errors.New("NAME is missing: say what to revoke, as certs list names it, or give --certificate FILE"))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			dir, err := flags.CertificatesAsRun()
			if err != nil {
				return err
			}
			if err := runCertsRevoke(cmd.Context(), a, dir, args, files); err != nil {
				return err
			}
			if err := flags.HandOut(cmd.Context()); err != nil {
				return fmt.Errorf("the list is made, and not every member has it: %w", err)
			}
			if flags.Runs(cmd.Context()) {
				a.Say("connections that are open stay open: `etcdctr restart` ends them, member by member")
			}
			return nil
		},
	}
	flags = a.Finding(cmd)
	cmd.Flags().StringSliceVar(&files, "certificate", nil, "file with a certificate to revoke, PEM or DER")
	return cmd
}

func runCertsRevoke(ctx context.Context, a *app, dir string, names, files []string) error {
	found, err := certs.LoadCertificates(files...)
	if err != nil {
		return usage(err)
	}
	revoke := certs.RevokeOptions{Names: names, Certificates: found, Before: func(all []string) error { return a.mayRevoke(ctx, all) }}
	report, err := a.PKI(dir).Revoke(ctx, revoke)
	return a.SayDone(dir, report, err)
}

// ownIdentity is what the members are asked with.
const ownIdentity = "clients/" + etcdctr.AdminClient

// mayRevoke says what revoking one's own certificate does, and on a terminal asks
// whether it is meant.
func (a *app) mayRevoke(ctx context.Context, identities []string) error {
	if !slices.Contains(identities, ownIdentity) {
		return nil
	}
	a.Warn("%s is what etcdctr itself asks the members with: they refuse it from now on, until `etcdctr certs create` makes another one", ownIdentity)
	if !a.Person() {
		return nil
	}
	answer, err := a.Ask(ctx, "type "+etcdctr.AdminClient+" to go on")
	if err == nil && answer != etcdctr.AdminClient {
		err = fmt.Errorf("%q is not %s: nothing was revoked", answer, etcdctr.AdminClient)
	}
	return err
}
