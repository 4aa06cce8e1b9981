package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/certs"
)

type certsIssueOptions struct {
	cluster       *clusterFlags
	keys          keyFlags
	server        bool
	hosts         []string
	commonName    string
	noCommonName  bool
	organizations []string
}

func newCertsIssueCommand(a *app) *cobra.Command {
	var o certsIssueOptions
	cmd := &cobra.Command{
		Use:   "issue NAME",
		Short: "Make a certificate for another client or server",
		Long: `issue makes a certificate for another client, clients/NAME, or for a server that
is no member, servers/NAME, such as a proxy in front of the cluster.

With authentication switched on, etcd takes a client for the user that its common
name says. A client without one tells its user by name and password.`,
		Example: `  etcdctr certs issue alice
  etcdctr certs issue backup --cn backup-operator --organization operators --lifetime 30d
  etcdctr certs issue proxy --server --host etcd.example.com`,
		Args: exactArgs("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runCertsIssue(cmd.Context(), a, o, args[0])
		},
	}
	o.cluster = addCertsDirFlags(cmd)
	addKeyFlags(cmd, &o.keys, string(certs.DefaultKey), "365d")
	flags := cmd.Flags()
	flags.BoolVar(&o.server, "server", false, "a server instead of a client")
	flags.StringSliceVar(&o.hosts, "host", nil, "further name or address of a server")
	flags.StringVar(&o.commonName, "cn", "", "common name, a client's user in etcd (default NAME)")
	flags.BoolVar(&o.noCommonName, "no-cn", false, "no common name")
	flags.StringSliceVar(&o.organizations, "organization", nil, "organization, for what reads roles there (default that of the authority)")
	return cmd
}

func runCertsIssue(ctx context.Context, a *app, o certsIssueOptions, name string) error {
	issue := certs.IssueOptions{
		Name:          name,
		Profile:       certs.Client,
		Hosts:         o.hosts,
		CommonName:    o.commonName,
		NoCommonName:  o.noCommonName,
		Organizations: o.organizations,
		Key:           certs.KeyAlgorithm(o.keys.algorithm),
		Lifetime:      o.keys.lifetime,
	}
	if o.server {
		issue.Profile = certs.Server
	}
	if err := issue.Validate(); err != nil {
		return usage(err)
	}
	dir := o.cluster.certificates()
	report, err := a.pki(dir).Issue(ctx, issue)
	if err != nil {
		return certsError(dir, err)
	}
	a.sayReport(dir, report)
	return nil
}
