package main

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/certs"
	"github.com/etcdctr/etcdctr/cmd/internal/target"
	"github.com/etcdctr/etcdctr/cmd/internal/typed"
)

type certsIssueOptions struct {
	cluster *target.Flags
	issue   certs.IssueOptions
	server  bool
	grantee typed.Grantee
	export  exportFlags
}

func newCertsIssueCommand(a *app) *cobra.Command {
	o := certsIssueOptions{issue: certs.IssueOptions{Profile: certs.Client}}
	cmd := &cobra.Command{
		Use:   "issue NAME",
		Short: "Make a certificate for another client or server",
		Long: `issue makes a certificate for another client, clients/NAME, or for a server that
is no member, servers/NAME, such as a proxy in front of the cluster.

An application in a container that is not root there cannot read a key of yours:
--for gives the files to its user, by number, where you are root; elsewhere they are
opened to a group of yours, UID:GID. A renewal leaves that as it is.

With authentication switched on, etcd takes a client for the user that its common
name says. A client without one tells its user by name and password.`,
		Example: `  etcdctr certs issue alice
  etcdctr certs issue backup --cn backup-operator --organization operators --lifetime 30d
  etcdctr certs issue app --for 1000
  etcdctr certs issue app --format pkcs12 --output ./app-certs
  etcdctr certs issue proxy --server --host etcd.example.com`,
		Args: typed.Exact("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runCertsIssue(cmd.Context(), a, o, args[0])
		},
	}
	o.cluster = a.Finding(cmd)
	typed.AddKeys(cmd, &o.issue.Key, &o.issue.Lifetime, string(certs.DefaultKey), "365d")
	flags := cmd.Flags()
	flags.BoolVar(&o.server, "server", false, "a server instead of a client")
	flags.StringSliceVar(&o.issue.Hosts, "host", nil, "further name or address of a server")
	flags.StringVar(&o.issue.CommonName, "cn", "", "common name, a client's user in etcd (default NAME)")
	flags.BoolVar(&o.issue.NoCommonName, "no-cn", false, "no common name")
	flags.StringSliceVar(&o.issue.Organizations, "organization", nil, "organization, for what reads roles there (default that of the authority)")
	flags.Var(&o.grantee, "for", "user who may read the files, by number: UID or UID:GID")
	o.export.add(cmd)
	return cmd
}

func runCertsIssue(ctx context.Context, a *app, o certsIssueOptions, name string) error {
	issue := o.issue
	issue.Name = name
	if o.server {
		issue.Profile = certs.Server
	}
	if err := errors.Join(issue.Validate(), o.export.validate()); err != nil {
		return usage(err)
	}
	dir, err := o.cluster.CertificatesAsRun()
	if err != nil {
		return err
	}
	report, err := a.PKI(dir).Issue(ctx, issue)
	if err == nil {
		a.SayReport(dir, report)
	}
	if err == nil && o.grantee.Given {
		err = a.PKI(dir).Grant(issue.Identity(), o.grantee.Grantee)
	}
	if err != nil {
		return target.CertsError(dir, err)
	}
	a.Say("%s: %s, %s and %s are in %s", issue.Identity(), certs.CertFile, certs.KeyFile, certs.CAFile, filepath.Join(dir, filepath.FromSlash(issue.Identity())))
	return o.export.write(a, a.PKI(dir), issue, o.grantee)
}
