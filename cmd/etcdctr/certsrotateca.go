package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/certs"
)

type certsRotateCAOptions struct {
	cluster       *clusterFlags
	keys          keyFlags
	stage         string
	authority     string
	caCert, caKey string
}

func newCertsRotateCACommand(a *app) *cobra.Command {
	var o certsRotateCAOptions
	cmd := &cobra.Command{
		Use:   "rotate-ca",
		Short: "Replace the authorities, stage by stage",
		Long: `rotate-ca replaces the authorities without an interruption. Members read what
they trust only when they start, so it takes three stages:

    rotate-ca --stage begin     makes the new authority; everybody trusts both
       restart the members, one by one
    rotate-ca --stage switch    has the new authority reissue all certificates
       nothing to restart: members show them from the next handshake on
    rotate-ca --stage finish    takes the old authority out
       restart the members, one by one

Clients elsewhere need the new ca.crt after begin, and their new certificates
after switch. Each stage may be run again.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runCertsRotateCA(cmd.Context(), a, o)
		},
	}
	o.cluster = addCertsDirFlags(cmd)
	addKeyFlags(cmd, &o.keys, "as before", "as before")
	flags := cmd.Flags()
	o.stage = string(certs.Begin)
	flags.Var(&choice{value: &o.stage, of: []string{string(certs.Begin), string(certs.Switch), string(certs.Finish)}}, "stage",
		"begin, switch or finish")
	flags.Var(&choice{value: &o.authority, of: []string{string(certs.Client), string(certs.Peer)}}, "authority",
		"client or peer (default both)")
	flags.StringVar(&o.caCert, "ca-cert", "", "existing authority to change to, PEM, its chain after it")
	flags.StringVar(&o.caKey, "ca-key", "", "its private key, PEM")
	return cmd
}

// afterStage is what a person does next.
var afterStage = map[certs.Stage]string{
	certs.Begin:  "restart the members one by one, then: etcdctr certs rotate-ca --stage switch",
	certs.Switch: "once clients have their new certificates: etcdctr certs rotate-ca --stage finish",
	certs.Finish: "restart the members one by one",
}

func runCertsRotateCA(ctx context.Context, a *app, o certsRotateCAOptions) error {
	authority, err := loadAuthority("ca-cert", o.caCert, "ca-key", o.caKey)
	if err != nil {
		return err
	}
	rotate := certs.RotateOptions{
		Stage:     certs.Stage(o.stage),
		Authority: authority,
		Key:       certs.KeyAlgorithm(o.keys.algorithm),
		Lifetime:  o.keys.lifetime,
	}
	if o.authority != "" {
		rotate.Profiles = []certs.Profile{certs.Profile(o.authority)}
	}
	if err := rotate.Validate(); err != nil {
		return usage(err)
	}
	dir := o.cluster.certificates()
	report, err := a.pki(dir).RotateCA(ctx, rotate)
	if err != nil {
		return certsError(dir, err)
	}
	a.sayReport(dir, report)
	a.say("next: %s", afterStage[rotate.Stage])
	return nil
}
