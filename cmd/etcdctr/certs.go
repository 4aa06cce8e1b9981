package main

import (
	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/cmd/internal/typed"
)

func newCertsCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "certs",
		Short: "Make certificates and look after them",
		Long: `certs makes the certificates of a cluster and looks after them. They are files
in one folder, certs beside the cluster file unless --certs-dir says otherwise:

    ca/client, ca/peer          the authorities, with their keys
    members/NAME/server, peer   what each member shows to clients and to members
    clients/NAME, servers/NAME  others who connect to the cluster

A member needs its own folder, members/NAME, and a client its own, clients/NAME;
the authorities' keys are needed by these commands alone.`,
		Args: typed.NoArgs,
	}
	cmd.AddCommand(
		newCertsCreateCommand(a),
		newCertsIssueCommand(a),
		newCertsRequestCommand(a),
		newCertsImportCommand(a),
		newCertsListCommand(a),
		newCertsRenewCommand(a),
		newCertsRunCommand(a),
		newCertsRevokeCommand(a),
		newCertsRotateCACommand(a),
		newCertsVerifyCommand(a),
	)
	return cmd
}
