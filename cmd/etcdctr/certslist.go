package main

import (
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/certs"
)

func newCertsListCommand(a *app) *cobra.Command {
	var flags *clusterFlags
	var format string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the certificates: whose, for what, until when",
		Args:  noArgs,
		RunE: func(*cobra.Command, []string) error {
			dir, err := flags.certificates(a)
			if err != nil {
				return err
			}
			return runCertsList(a, dir, format)
		},
	}
	flags = addCertsDirFlags(cmd)
	addFormatFlag(cmd, &format)
	return cmd
}

func runCertsList(a *app, dir, format string) error {
	list, err := a.pki(dir).List()
	if err != nil {
		return certsError(dir, err)
	}
	var rows [][]string
	for _, c := range list {
		rows = append(rows, certificateRow(c))
	}
	return a.result(format, list, a.table([]string{"identity", "profile", "subject", "hosts", "key", "expires", "days", "status"}, rows))
}

func certificateRow(c certs.Certificate) []string {
	if c.Status == certs.Broken {
		return []string{c.Identity, string(c.Profile), "", "", "", "", "", string(c.Status)}
	}
	return []string{
		c.Identity, string(c.Profile), c.Subject, strings.Join(c.Hosts, ","), string(c.Key),
		c.NotAfter.UTC().Format(time.DateOnly), strconv.Itoa(c.DaysLeft), string(c.Status),
	}
}
