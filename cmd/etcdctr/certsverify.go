package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/certs"
	"github.com/etcdctr/etcdctr/cmd/internal/target"
	"github.com/etcdctr/etcdctr/cmd/internal/typed"
)

type certsVerifyOptions struct {
	cluster *target.Flags
	within  typed.Days
	format  string
}

func newCertsVerifyCommand(a *app) *cobra.Command {
	var o certsVerifyOptions
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Check the certificates against the cluster, and say how to mend them",
		Long: `verify checks every certificate: its chain and key, its key usages, that it has
the names and addresses which the cluster needs, its dates, whether it is revoked,
and the files' permissions. It prints each finding with its remedy and exits 1
when there is an error; warnings alone exit 0.`,
		Args: typed.NoArgs,
		RunE: with(a, &o, runCertsVerify),
	}
	o.cluster = a.Describing(cmd)
	cmd.Flags().Var(&o.within, "within", "certificates that end so soon are an error too, such as 30d")
	typed.AddFormat(cmd, &o.format)
	return cmd
}

func runCertsVerify(ctx context.Context, a *app, o certsVerifyOptions, _ []string) error {
	c, dir, err := o.cluster.WithCerts()
	if err != nil {
		return err
	}
	if err := etcdctr.WantMutual(c.TLS, "certificates"); err != nil {
		return err
	}
	pki := o.cluster.Rostered(ctx, dir)
	defer pki.Close()
	findings, err := etcdctr.VerifyCerts(c, pki.PKI, o.within.Duration())
	if err != nil {
		return target.CertsError(dir, err)
	}
	if err := a.printFindings(findings, o.format); err != nil {
		return err
	}
	defer pki.TellOldCopies(ctx) // whatever the verdict: the two have their own remedies
	left, err := pki.Left()
	if err != nil {
		return target.CertsError(dir, err)
	}
	a.SayLeft(left)
	if err := certs.Verdict(findings); err != nil {
		return target.CertsError(dir, err)
	}
	a.Say("certificates in %s: fit the cluster", dir)
	return nil
}

func (a *app) printFindings(findings []certs.Finding, format string) error {
	if findings == nil {
		findings = []certs.Finding{} // an empty list, not null
	}
	return a.Result(format, findings, func() {
		for _, f := range findings {
			fmt.Fprintf(a.Out, "%s: %s\n", f.Severity, a.Voice.Retyped(f.String()))
		}
	})
}
