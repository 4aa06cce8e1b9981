package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/certs"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/cmd/internal/typed"
)

type certsCreateOptions struct {
	cluster  *clusterFlags
	keys     keyFlags
	member   string
	clients  []string
	hosts    []string
	exact    bool
	singleCA bool

	caLifetime                typed.Days
	clientCACert, clientCAKey string
	peerCACert, peerCAKey     string
	cfssl                     string
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
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runCertsCreate(cmd.Context(), a, o)
		},
	}
	o.cluster = addClusterFlags(cmd)
	addKeyFlags(cmd, &o.keys, string(certs.DefaultKey), "365d")
	flags := cmd.Flags()
	flags.StringVar(&o.member, "member", "", "only this member's, for the machine that it has to itself")
	flags.StringSliceVar(&o.clients, "client", []string{etcdctr.AdminClient}, "clients to make certificates for; --client= for none")
	flags.StringSliceVar(&o.hosts, "host", nil, "further name or address of every member, or MEMBER=HOST of one")
	flags.BoolVar(&o.exact, "exact-hosts", false, "reissue members' certificates that answer to other hosts too")
	flags.BoolVar(&o.singleCA, "single-ca", false, "one authority for clients and peers: any client certificate opens the peer port")
	flags.Var(&o.caLifetime, "ca-lifetime", "how long new authorities are valid (default 3650d)")
	flags.StringVar(&o.clientCACert, "client-ca-cert", "", "existing authority for servers and clients, PEM, its chain after it; for everything with --single-ca")
	flags.StringVar(&o.clientCAKey, "client-ca-key", "", "its private key, PEM")
	flags.StringVar(&o.peerCACert, "peer-ca-cert", "", "existing authority for peers")
	flags.StringVar(&o.peerCAKey, "peer-ca-key", "", "its private key, PEM")
	flags.StringVar(&o.cfssl, "from-cfssl", "", "folder with cfssl's ca-csr.json, ca-config.json, server-csr.json, ca.pem to take over")
	return cmd
}

func runCertsCreate(ctx context.Context, a *app, o certsCreateOptions) error {
	c, err := o.cluster.resolveAsRun(a)
	if err != nil {
		return err
	}
	if c.TLS != cluster.Mutual {
		return usage(fmt.Errorf("tls: %s has no use for certificates: use mutual", c.TLS))
	}
	plan, err := o.plan(c)
	if err != nil {
		return err
	}
	if plan.Members, err = o.only(c, plan.Members); err != nil {
		return err
	}
	if o.cfssl != "" {
		var notes []string
		if plan, notes, err = certs.FromCFSSL(o.cfssl, plan); err != nil {
			return usage(err)
		}
		for _, note := range notes {
			a.warn("%s", note)
		}
	}
	if err := plan.Validate(); err != nil {
		return usage(err)
	}
	dir, err := o.cluster.certificatesAsRun(a)
	if err != nil {
		return err
	}
	report, err := a.pki(dir).Ensure(ctx, plan)
	if err != nil {
		return certsError(dir, err)
	}
	a.sayReport(dir, report)
	if o.member != "" {
		a.say("%s is all that the machine of %s needs", filepath.Join(dir, "members", o.member), o.member)
	}
	return nil
}

// only gives the members whose certificates are wanted.
func (o certsCreateOptions) only(c *cluster.Cluster, members []certs.Member) ([]certs.Member, error) {
	if o.member == "" {
		return members, nil
	}
	wanted, err := c.Member(o.member)
	return slices.DeleteFunc(members, func(m certs.Member) bool { return m.Name != wanted.Name }), err
}

// plan is the cluster's plan with what the flags say about certificates.
func (o certsCreateOptions) plan(c *cluster.Cluster) (certs.Plan, error) {
	plan := etcdctr.CertsPlan(c)
	plan.Clients = nil
	clients := o.clients
	if o.member != "" && !o.cluster.cmd.Flags().Changed("client") {
		clients = nil
	}
	if c.Monitoring != nil && o.member == "" && !slices.Contains(clients, cluster.MonitoringClient) {
		clients = append(slices.Clone(clients), cluster.MonitoringClient)
	}
	for _, name := range clients {
		plan.Clients = append(plan.Clients, certs.ClientIdentity{Name: name})
	}
	plan.SingleCA, plan.Exact = o.singleCA, o.exact
	plan.Key, plan.Lifetime = certs.KeyAlgorithm(o.keys.algorithm), o.keys.lifetime
	plan.Authority.Lifetime = o.caLifetime.Duration()
	var clientErr, peerErr error
	plan.Authority.Client, clientErr = loadAuthority("client-ca-cert", o.clientCACert, "client-ca-key", o.clientCAKey)
	plan.Authority.Peer, peerErr = loadAuthority("peer-ca-cert", o.peerCACert, "peer-ca-key", o.peerCAKey)
	return plan, errors.Join(addHosts(plan.Members, o.hosts), clientErr, peerErr)
}

// addHosts gives members the hosts of --host.
func addHosts(members []certs.Member, hosts []string) error {
	var errs []error
	for _, h := range hosts {
		name, host, one := strings.Cut(h, "=")
		if !one {
			host = h
		}
		if one && !slices.ContainsFunc(members, func(m certs.Member) bool { return m.Name == name }) {
			errs = append(errs, usage(fmt.Errorf("--host %s: there is no member %q: write MEMBER=HOST, or HOST for all", h, name)))
		}
		for i := range members {
			if !one || members[i].Name == name {
				members[i].Hosts = append(members[i].Hosts, host)
			}
		}
	}
	return errors.Join(errs...)
}
