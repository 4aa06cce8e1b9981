package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/certs"
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

// sayReport says what an operation on certificates did.
func (a *app) sayReport(dir string, report certs.Report) {
	a.Say("certificates in %s: %s", dir, report)
}

// keyFlags are the flags that say how keys and certificates are made.
type keyFlags struct {
	algorithm string
	lifetime  time.Duration
}

func addKeyFlags(cmd *cobra.Command, f *keyFlags, algorithmDefault, lifetimeDefault string) {
	addAlgorithmFlag(cmd, &f.algorithm, algorithmDefault)
	cmd.Flags().Var((*typed.Days)(&f.lifetime), "lifetime",
		fmt.Sprintf("how long certificates are valid, such as 90d or 12h (default %s)", lifetimeDefault))
}

func addAlgorithmFlag(cmd *cobra.Command, value *string, byDefault string) {
	algorithms := typed.Words(certs.KeyAlgorithms())
	cmd.Flags().Var(&typed.Choice{Value: value, Of: algorithms}, "key-algorithm",
		fmt.Sprintf("keys to make: %s (default %s)", strings.Join(algorithms, ", "), byDefault))
}

// loadAuthority reads an authority that two flags name together.
func loadAuthority(certFlag, certFile, keyFlag, keyFile string) (*certs.Authority, error) {
	switch {
	case certFile == "" && keyFile == "":
		return nil, nil
	case certFile == "":
		return nil, usage(fmt.Errorf("--%s: needs --%s, the certificate that belongs to the key", keyFlag, certFlag))
	case keyFile == "":
		return nil, usage(fmt.Errorf("--%s: needs --%s, the key that belongs to the certificate", certFlag, keyFlag))
	}
	authority, err := certs.LoadAuthority(certFile, keyFile)
	return authority, usage(err)
}
