package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/certs"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/cmd/internal/target"
	"github.com/etcdctr/etcdctr/cmd/internal/terminal"
	"github.com/etcdctr/etcdctr/cmd/internal/typed"
	"github.com/etcdctr/etcdctr/dns"
)

func newDNSCheckCommand(a *app) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "check SERVER",
		Short: "Ask a DNS server whether it has every record, and no other",
		Long: `check asks a DNS server for the records of a cluster with --bootstrap dns: every
one has to be there, and no other of the same names. etcd leaves out a member
whose record or address is missing without a word, so that members form
different clusters. With mutual TLS it also checks that the certificates are for
the names in the records.

It prints each finding with its remedy, and exits 1 when there is one.`,
		Example: `  etcdctr dns check 192.0.2.53 --bootstrap dns --discovery-domain etcd.example.com
  etcdctr dns check 127.0.0.1:5353`,
		Args: typed.Exact("SERVER"),
	}
	flags := a.Describing(cmd)
	typed.AddFormat(cmd, &format)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return runDNSCheck(cmd.Context(), a, flags, args[0], format)
	}
	return cmd
}

func runDNSCheck(ctx context.Context, a *app, flags *target.Flags, server, format string) error {
	c, err := resolveDNS(flags)
	if err != nil {
		return err
	}
	findings, err := dns.Check(ctx, server, c)
	if err != nil {
		return err
	}
	dir, err := flags.CertificatesAsRun()
	if err != nil {
		return err
	}
	names, err := a.checkNames(c, dir)
	if err != nil {
		return err
	}
	findings = append(findings, names...)
	err = a.Result(format, append([]dns.Finding{}, findings...), func() {
		for _, f := range findings {
			fmt.Fprintf(a.Out, "%s %s: %s: %s\n", f.Name, f.Type, f.Problem, a.Voice.Retyped(f.Remedy))
		}
	})
	if err == nil && len(findings) > 0 {
		err = fmt.Errorf("%s: %s found", server, terminal.Plural(len(findings), "problem"))
	}
	if err == nil {
		a.Say("%s has all %d records of %s, and no other", server, len(c.Records()), c.DNS.Domain)
	}
	return err
}

// checkNames looks for the records' names in the members' certificates.
func (a *app) checkNames(c *cluster.Cluster, dir string) ([]dns.Finding, error) {
	if c.TLS != cluster.Mutual {
		return nil, nil
	}
	found, err := etcdctr.VerifyCerts(c, a.PKI(dir), 0)
	if err != nil {
		return nil, target.CertsError(dir, err)
	}
	var list []dns.Finding
	for _, f := range found {
		if f.Severity == certs.Error && strings.HasPrefix(f.Identity, "members/") {
			list = append(list, dns.Finding{Name: f.Identity, Type: "certificate", Problem: f.Problem, Remedy: f.Remedy})
		}
	}
	return list, nil
}
