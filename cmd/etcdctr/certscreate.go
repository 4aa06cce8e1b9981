package main

import (
	"context"
	"errors"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/certs"
	"github.com/etcdctr/etcdctr/cmd/internal/target"
	"github.com/etcdctr/etcdctr/cmd/internal/terminal"
	"github.com/etcdctr/etcdctr/cmd/internal/typed"
)

type certsCreateOptions struct {
	cluster *target.Flags
	certs   etcdctr.CertsOptions

	clientCACert, clientCAKey string
	peerCACert, peerCAKey     string
}

func newCertsCreateCommand(a *app) *cobra.Command {
	var o certsCreateOptions
	cmd := &cobra.Command{
		Use:   "create",
		Short: "Make the certificates that a cluster needs",
		Long: `create makes the certificates that a cluster needs: two authorities, a server and
a peer certificate for each member, and a client certificate for root. Run again,
it makes what is missing, keeps what fits, and reissues what does not: because a
member answers to another host now, or a certificate ends within 30 days.

Two authorities keep a client's certificate from opening the peer port.

With --member it makes that member's certificates and no other, nor a client's
unless --client asks for one: the folder members/MEMBER is all that its machine
needs, and the authorities' keys stay here.`,
		Example: `  etcdctr certs create
  etcdctr certs create --members 5 --host etcd1=10.0.0.11 --host db.example.com
  etcdctr certs create --member etcd1
  etcdctr certs create --client root,backup --key-algorithm ed25519
  etcdctr certs create --client-ca-cert ca.pem --client-ca-key ca-key.pem
  etcdctr certs create --from-cfssl ./cfssl`,
		Args: typed.NoArgs,
		RunE: with(a, &o, runCertsCreate),
	}
	o.cluster = a.Describing(cmd)
	typed.AddKeys(cmd, &o.certs.Key, &o.certs.Lifetime, string(certs.DefaultKey), "365d")
	flags := cmd.Flags()
	flags.StringVar(&o.certs.Member, "member", "", "only this member's, for the machine that it has to itself")
	flags.StringSliceVar(&o.certs.Clients, "client", []string{etcdctr.AdminClient}, "clients to make certificates for; --client= for none")
	flags.StringSliceVar(&o.certs.Hosts, "host", nil, "further name or address of every member, or MEMBER=HOST of one")
	flags.BoolVar(&o.certs.Exact, "exact-hosts", false, "reissue members' certificates that answer to other hosts too")
	flags.BoolVar(&o.certs.SingleCA, "single-ca", false, "one authority for clients and peers: any client certificate opens the peer port")
	flags.Var((*typed.Days)(&o.certs.Authority.Lifetime), "ca-lifetime", "how long new authorities are valid (default 3650d)")
	flags.StringVar(&o.clientCACert, "client-ca-cert", "", "existing authority for servers and clients, PEM, its chain after it; for everything with --single-ca")
	flags.StringVar(&o.clientCAKey, "client-ca-key", "", "its private key, PEM")
	flags.StringVar(&o.peerCACert, "peer-ca-cert", "", "existing authority for peers")
	flags.StringVar(&o.peerCAKey, "peer-ca-key", "", "its private key, PEM")
	flags.StringVar(&o.certs.CFSSL, "from-cfssl", "", "folder with cfssl's ca-csr.json, ca-config.json, server-csr.json, ca.pem to take over")
	return cmd
}

func runCertsCreate(ctx context.Context, a *app, o certsCreateOptions, _ []string) error {
	c, dir, err := o.cluster.WithCerts()
	if err != nil {
		return err
	}
	if o.certs.Member != "" && !o.cluster.Changed("client") {
		o.certs.Clients = nil
	}
	unread := o.readAuthorities()
	plan, notes, err := etcdctr.CertsPlanOf(c, o.certs)
	if err := errors.Join(err, unread); err != nil {
		return err
	}
	terminal.WarnAll(a.Console, notes)
	report, err := a.PKI(dir).Ensure(ctx, plan)
	if err != nil {
		return target.CertsError(dir, err)
	}
	a.SayReport(dir, report)
	if o.certs.Member != "" {
		a.Say("%s is all that the machine of %s needs", filepath.Join(dir, "members", o.certs.Member), o.certs.Member)
	}
	if slices.ContainsFunc(report.Changes, func(c certs.Change) bool { return c.Action == certs.Updated || c.Action == certs.Reissued }) {
		o.cluster.TellOldCopies(ctx)
	}
	return nil
}

// readAuthorities reads those that flags name.
func (o *certsCreateOptions) readAuthorities() error {
	var clientErr, peerErr error
	o.certs.Authority.Client, clientErr = typed.Authority("client-ca-cert", o.clientCACert, "client-ca-key", o.clientCAKey)
	o.certs.Authority.Peer, peerErr = typed.Authority("peer-ca-cert", o.peerCACert, "peer-ca-key", o.peerCAKey)
	return errors.Join(clientErr, peerErr)
}
