package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/certs"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/health/exposure"
	"github.com/etcdctr/etcdctr/runtime"
)

type verifyOptions struct {
	cluster *clusterFlags
	format  string
}

func newVerifyCommand(a *app) *cobra.Command {
	var o verifyOptions
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Prove who can reach the members of a running stack, and who can't",
		Long: `verify compares what the cluster's description promises with what is true of the
running stack. It asks the engine what is published and who is on the stack's
networks, and it tries every port the way strangers would: in plain text,
without a certificate, with one of a wrong authority, with one that has
expired, with a client's certificate on the peer port, with TLS 1.1. Where the
description says who etcd's users are, it tries as each of them to read and to
write all keys that a role is about, and changes nothing. It exits with 0 only if
nothing is a surprise. etcd logs the refused connections.`,
		Example: `  etcdctr verify
  etcdctr verify --publish loopback --format json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runVerify(cmd.Context(), a, o)
		},
	}
	o.cluster = addClusterFlags(cmd)
	addFormatFlag(cmd, &o.format)
	return cmd
}

// proof is one thing that was promised and looked at.
type proof struct {
	Subject  string `json:"subject"` // a member or a network
	Check    string `json:"check"`
	Expected string `json:"expected"`
	Seen     string `json:"seen"`
	OK       bool   `json:"ok"`
	Detail   string `json:"detail,omitempty"`
}

// prove compares two words.
func prove(subject, check, expected, seen string) proof {
	return proof{Subject: subject, Check: check, Expected: expected, Seen: seen, OK: expected == seen}
}

func runVerify(ctx context.Context, a *app, o verifyOptions) error {
	c, err := o.cluster.find(ctx, a, working{})
	if err != nil {
		return err
	}
	defer c.close()
	proofs, err := a.proveAll(ctx, c)
	if err != nil {
		return err
	}
	return errors.Join(a.printProofs(proofs, o.format), a.surprises(proofs))
}

// proveAll looks at all that is promised of a cluster that runs.
func (a *app) proveAll(ctx context.Context, c *found) ([]proof, error) {
	promised, err := c.Want(ctx)
	if err != nil {
		return nil, err
	}
	way, err := c.Connect(ctx)
	if err != nil {
		return nil, err
	}
	defer a.closeWay(way)
	seen := way.Reachable()
	proofs := []proof{prove("cluster", "TLS mode", string(promised.TLS), string(seen[0].TLS()))}
	exposed, err := a.proveExposure(ctx, c, promised)
	if err != nil {
		return nil, err
	}
	tried := a.toTry(way, seen, c.CertsDir())
	ports, err := provePorts(ctx, tried)
	if err != nil {
		return nil, err
	}
	users, err := proveUsers(ctx, way, promised.Auth, tried, c)
	return slices.Concat(proofs, exposed, ports, users), err
}

// proveExposure has what runs the cluster compare what is open with what is
// promised.
func (a *app) proveExposure(ctx context.Context, c *found, promised *cluster.Cluster) ([]proof, error) {
	e, ok := c.Runtime().(runtime.Exposer)
	if !ok {
		return nil, nil
	}
	exposures, warnings, err := e.Expose(ctx, promised)
	var proofs []proof
	for _, x := range exposures {
		proofs = append(proofs, prove(x.Subject, x.Check, x.Expected, x.Seen))
	}
	for _, w := range warnings {
		a.warn("%s", w)
	}
	return proofs, err
}

func (a *app) printProofs(proofs []proof, format string) error {
	if format == formatJSON {
		return a.printJSON(proofs)
	}
	var rows [][]string
	for _, p := range proofs {
		verdict := a.tint(good, "ok")
		if !p.OK {
			verdict = a.tint(bad, "SURPRISE")
		}
		rows = append(rows, []string{p.Subject, p.Check, p.Expected, p.Seen, verdict})
	}
	a.printTable([]string{"subject", "check", "expected", "seen", "verdict"}, rows)
	return nil
}

// surprises gives what is not as promised as an error.
func (a *app) surprises(proofs []proof) error {
	var errs []error
	for _, p := range proofs {
		if p.OK {
			continue
		}
		err := fmt.Errorf("%s: %s: expected %s, seen %s", p.Subject, p.Check, p.Expected, p.Seen)
		if p.Detail != "" {
			err = fmt.Errorf("%w (%s)", err, p.Detail)
		}
		errs = append(errs, err)
	}
	if len(errs) == 0 {
		a.say("%s, no surprise", plural(len(proofs), "proof"))
	}
	return withHint(errors.Join(errs...), "if that is what you meant, say so in the cluster file or with --tls and --publish; if not, `etcdctr up` makes the stack as described")
}

// toTry is the cluster with what may be shown at its ports.
func (a *app) toTry(way *etcdctr.Connection, seen []runtime.Server, certsDir string) exposure.Cluster {
	c := exposure.Cluster{Mode: exposure.Mode(seen[0].TLS()), Dial: way.Way.Dial, Now: a.now()}
	for _, m := range seen {
		c.Members = append(c.Members, exposure.Member{
			Name: m.Name, ClientAddr: hostOf(m.ClientURL()), PeerAddr: hostOf(m.PeerURL()), ClosedAddr: closedAddr(m),
		})
	}
	if c.Mode == exposure.Mutual {
		showKeys(&c, way.TLS, certsDir)
	}
	return c
}

// provePorts tries every port of every member.
func provePorts(ctx context.Context, c exposure.Cluster) ([]proof, error) {
	results, err := c.Try(ctx)
	if err != nil {
		return nil, err
	}
	var proofs []proof
	for _, x := range results {
		p := prove(x.Member, x.Port+" port, "+x.Attempt, string(x.Expected), string(x.Seen))
		p.OK, p.Detail = x.AsPromised(), x.Detail
		proofs = append(proofs, p)
	}
	return proofs, nil
}

// showKeys gives c what it may show at the ports. What is not on this machine
// is not tried.
func showKeys(c *exposure.Cluster, own *tls.Config, certsDir string) {
	c.Client, c.Servers = own.Certificates[0], own.RootCAs
	for _, authority := range []string{"ca/client", "ca/single"} {
		if issuer, err := keyPair(filepath.Join(certsDir, filepath.FromSlash(authority))); err == nil {
			c.Issuer = &issuer
		}
	}
	clients, _ := os.ReadFile(filepath.Join(certs.ClientDir(certsDir, etcdctr.AdminClient), certs.CAFile))
	for i := range c.Members {
		m := &c.Members[i]
		peers, err := os.ReadFile(filepath.Join(certsDir, "members", m.Name, "peer", certs.CAFile))
		if err != nil {
			continue
		}
		c.OneAuthority = bytes.Equal(clients, peers)
		m.Peers = x509.NewCertPool()
		m.Peers.AppendCertsFromPEM(peers)
	}
}

func keyPair(dir string) (tls.Certificate, error) {
	return tls.LoadX509KeyPair(filepath.Join(dir, certs.CertFile), filepath.Join(dir, certs.KeyFile))
}

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	return u.Host
}

// closedAddr is the address on the members' network of a metrics listener that
// is meant for the member's own container.
func closedAddr(m runtime.Server) string {
	u, err := url.Parse(m.Settings.Get("listen-metrics-urls"))
	client, errClient := url.Parse(m.ClientURL())
	listen, errListen := url.Parse(m.Settings.Get("listen-client-urls"))
	if errors.Join(err, errClient, errListen) != nil || u.Host == "" || !net.ParseIP(u.Hostname()).IsLoopback() {
		return ""
	}
	if net.ParseIP(listen.Hostname()).IsLoopback() {
		return "" // the member is a process of this machine, and so is whoever asks
	}
	return net.JoinHostPort(client.Hostname(), u.Port())
}
