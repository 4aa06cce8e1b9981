package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/certs"
	"github.com/etcdctr/etcdctr/cmd/internal/target"
	"github.com/etcdctr/etcdctr/cmd/internal/typed"
	"github.com/etcdctr/etcdctr/internal/lifespan"
)

func newCertsListCommand(a *app) *cobra.Command {
	var flags *target.Flags
	var format string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the certificates: whose, for what, until when",
		Args:  typed.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := flags.CertificatesAsRun()
			if err != nil {
				return err
			}
			pki := flags.Rostered(cmd.Context(), dir)
			defer pki.Close()
			return runCertsList(a, pki.PKI, format)
		},
	}
	flags = a.Finding(cmd)
	typed.AddFormat(cmd, &format)
	return cmd
}

func runCertsList(a *app, pki *certs.PKI, format string) error {
	list, err := pki.List()
	if err != nil {
		return target.CertsError(pki.Dir, err)
	}
	left, err := pki.Left()
	if err != nil {
		return target.CertsError(pki.Dir, err)
	}
	var rows [][]string
	var replaced []string
	for _, c := range list {
		rows = append(rows, a.certificateRow(c))
		if c.Stage != "" {
			replaced = append(replaced, c.Identity)
		}
	}
	table := a.Table([]string{"identity", "profile", "subject", "hosts", "key", "expires", "days", "status"}, rows)
	return a.Result(format, list, func() {
		table()
		if len(replaced) > 0 {
			a.Say("certificates in %s: the replacement of %s is under way: `etcdctr certs rotate-ca` goes on with it, and with --abort back", pki.Dir, strings.Join(replaced, ", "))
		}
		a.SayLeft(left)
	})
}

func (a *app) certificateRow(c certs.Certificate) []string {
	if c.Status == certs.Broken {
		return []string{c.Identity, string(c.Profile), "", "", "", "", "", string(c.Status)}
	}
	status := string(c.Status)
	if c.Stage != "" {
		status += ", being replaced: " + string(c.Stage) + " is done"
	}
	return []string{
		c.Identity, string(c.Profile), c.Subject, strings.Join(c.Hosts, ","), string(c.Key),
		lifespan.When(c.NotAfter, a.Now()), lifespan.Cell(c.NotAfter.Sub(a.Now())), status,
	}
}
