package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/cmd/internal/target"
	"github.com/etcdctr/etcdctr/cmd/internal/terminal"
	"github.com/etcdctr/etcdctr/cmd/internal/typed"
	"github.com/etcdctr/etcdctr/health/exposure"
	"github.com/etcdctr/etcdctr/runtimes"
)

type verifyOptions struct {
	cluster *target.Flags
	outside []string
	beside  []string
	format  string
}

func newVerifyCommand(a *app) *cobra.Command {
	var o verifyOptions
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Prove who can reach the members of a running stack, and who can't",
		Long: `verify compares what the cluster's description promises with what is true of the
running stack. It asks the engine what is published and who is on the stack's
networks, and it tries every port the way strangers would, with

    ` + strings.Join(exposure.Strangers(), "\n    ") + `

From where the members are it tries to get out: to a container elsewhere on the
engine, and to what --outside names, which have to answer an ordinary container.
A container of somebody else's on the members' network is a surprise unless --beside
names it. Where the description says who etcd's users are, it tries as each of them to read and
to write all keys that a role is about, and changes nothing. It exits with 0 only if
nothing is a surprise. etcd logs the refused connections.`,
		Example: `  etcdctr verify
  etcdctr verify --beside shop-web-1
  etcdctr verify --outside 192.0.2.1:443
  etcdctr verify --publish loopback --format json`,
		Args: typed.NoArgs,
		RunE: with(a, &o, runVerify),
	}
	o.cluster = a.Describing(cmd)
	target.AddRuntime(cmd)
	cmd.Flags().StringSliceVar(&o.outside, "outside", nil, "an address beyond the engine's machine that no member may reach, such as 192.0.2.1:443")
	cmd.Flags().StringSliceVar(&o.beside, "beside", nil, "a container that may be on the members' network, such as that of an application")
	typed.AddFormat(cmd, &o.format)
	return cmd
}

func runVerify(ctx context.Context, a *app, o verifyOptions, _ []string) error {
	c, err := o.cluster.Find(ctx, target.Working{With: runtimes.Options{Outside: o.outside, Beside: o.beside}})
	if err != nil {
		return err
	}
	defer c.Close()
	proofs, err := c.Verify(ctx)
	if err != nil {
		return c.Unanswered(ctx, err)
	}
	if err := a.printProofs(proofs, o.format); err != nil {
		return err
	}
	remedies, err := etcdctr.Surprises(proofs)
	if err == nil {
		a.Say("%s, no surprise", terminal.Plural(len(proofs), "proof"))
	}
	return c.Meanwhile(ctx, withHint(err, "%s", strings.Join(remedies, "\n")))
}

func (a *app) printProofs(proofs []etcdctr.Proof, format string) error {
	var rows [][]string
	for _, p := range proofs {
		verdict := a.Tint(terminal.Good, "ok")
		switch {
		case p.Away:
			verdict = a.Tint(terminal.Bad, "AWAY")
		case !p.OK:
			verdict = a.Tint(terminal.Bad, "SURPRISE")
		}
		rows = append(rows, []string{p.Subject, p.Check, p.Expected, p.Seen, verdict})
	}
	return a.Result(format, proofs, a.Table([]string{"subject", "check", "expected", "seen", "verdict"}, rows))
}
