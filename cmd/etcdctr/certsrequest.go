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

type certsRequestOptions struct {
	cluster *target.Flags
	key     certs.KeyAlgorithm
}

func newCertsRequestCommand(a *app) *cobra.Command {
	var o certsRequestOptions
	cmd := &cobra.Command{
		Use:   "request [NAME...]",
		Short: "Write signing requests for an authority that is elsewhere",
		Long: `request makes a key and a signing request (PKCS#10) for each certificate that the
cluster needs and does not have, or that ends soon, or for those named. The names,
addresses and usages that etcd needs are in it. The keys stay in certs/requests until
certs import brings the answers in; run again, they stay the same.`,
		Example: `  etcdctr certs request
  etcdctr certs request members/etcd1/peer root`,
		RunE: with(a, &o, runCertsRequest),
	}
	o.cluster = a.Describing(cmd)
	typed.AddAlgorithm(cmd, &o.key, string(certs.DefaultKey))
	return cmd
}

func runCertsRequest(ctx context.Context, a *app, o certsRequestOptions, names []string) error {
	c, dir, err := o.cluster.WithCerts()
	if err != nil {
		return err
	}
	plan := etcdctr.CertsPlan(c)
	plan.Key = o.key
	files, err := a.PKI(dir).Request(ctx, plan, names...)
	if err != nil {
		return target.CertsError(dir, err)
	}
	for _, f := range files {
		fmt.Fprintln(a.Out, f)
	}
	if len(files) == 0 {
		a.Say("certificates in %s: none is missing and none ends soon", dir)
		return nil
	}
	a.Say("next: have them signed, then: `etcdctr certs import FILE... --ca AUTHORITY`")
	return nil
}
