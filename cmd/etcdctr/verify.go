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
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/moby/moby/client/pkg/versions"
	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/compose"
	"github.com/etcdctr/etcdctr/health/exposure"
	"github.com/etcdctr/etcdctr/stack"
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
expired, with a client's certificate on the peer port, with TLS 1.1. It exits
with 0 only if nothing is a surprise. etcd logs the refused connections.`,
		Example: `  etcdctr verify
  etcdctr verify --publish loopback --format json`,
		Args: cobra.NoArgs,
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
	r, err := a.reach(ctx, o.cluster, stack.AutoRoute)
	if err != nil {
		return err
	}
	defer r.close(a)
	proofs := []proof{prove("cluster", "TLS mode", string(r.promised.TLS), string(r.cluster.TLS))}
	open := r.provePublished
	if r.processes != nil {
		open = r.processes.proveListening
	}
	published, err := open(ctx)
	if err != nil {
		return err
	}
	ports, err := r.provePorts(ctx, a, o.cluster.certificates())
	if err != nil {
		return err
	}
	proofs = slices.Concat(proofs, published, ports)
	defer a.warnOfNeighbours(r)
	return errors.Join(a.printProofs(proofs, o.format), a.surprises(proofs))
}

// warnOfNeighbours tells what no proof from here can: before Engine 28, which
// has API 1.48, a published port's network was not closed to the machines next
// to its host.
func (a *app) warnOfNeighbours(r *running) {
	if r.engine == nil || r.cluster.Publish != cluster.PublishLoopback || versions.GreaterThanOrEqualTo(r.engine.ClientVersion(), "1.48") {
		return
	}
	guard := "and nothing stops them there"
	if r.promised.TLS == cluster.Mutual {
		guard = "where mutual TLS still refuses them"
	}
	a.warn("with this release of Docker Engine, machines on the same wire as its host that add a route reach the client ports' network, %s; Engine 28 closes it", guard)
}

func (a *app) printProofs(proofs []proof, format string) error {
	if format == formatJSON {
		return a.printJSON(proofs)
	}
	var rows [][]string
	for _, p := range proofs {
		verdict := "ok"
		if !p.OK {
			verdict = "SURPRISE"
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

const none = "none"

// provePublished compares what the engine publishes with what is promised.
func (r *running) provePublished(ctx context.Context) ([]proof, error) {
	s, err := stack.Observe(ctx, r.engine, r.cluster.Name)
	if err != nil {
		return nil, err
	}
	strangers, err := stack.Strangers(ctx, r.engine, s)
	if err != nil {
		return nil, err
	}
	var proofs []proof
	promised := compose.Project(r.promised, compose.Options{CertsDir: "/"}) // where files are does not matter here
	for _, name := range promised.ServiceNames() {
		c, _ := s.Service(name)
		service := promised.Services[name]
		proofs = append(proofs,
			prove(name, "networks", promisedNetworks(promised, service), networksOf(s, c)),
			prove(name, "published ports", promisedPorts(service), portsOf(c)))
	}
	for _, n := range s.Networks {
		proofs = append(proofs,
			prove("network "+n.Name, "way in or out", wayOut(bool(promised.Networks[n.Key].Internal)), wayOut(n.Internal)),
			prove("network "+n.Name, "other containers", none, orNone(strangers[n.Name])))
	}
	return proofs, nil
}

func orNone(words []string) string {
	if len(words) == 0 {
		return none
	}
	slices.Sort(words)
	return strings.Join(words, " ")
}

func wayOut(internal bool) string {
	if internal {
		return none
	}
	return "through the host"
}

// promisedNetworks are those of a service by the Compose file's names, but for
// networks that are not of the project.
func promisedNetworks(p *types.Project, s types.ServiceConfig) string {
	if s.NetworkMode != "" {
		return s.NetworkMode
	}
	var networks []string
	for key := range s.Networks {
		if n := p.Networks[key]; n.External {
			key = n.Name
		}
		networks = append(networks, key)
	}
	return orNone(networks)
}

// networksOf are the networks that a container is on, by the Compose file's
// name or else by the engine's, such as "host".
func networksOf(s *stack.State, c stack.Container) string {
	var networks []string
	for name := range c.NetworkIDs {
		i := slices.IndexFunc(s.Networks, func(n stack.Network) bool { return n.Name == name })
		if i >= 0 {
			name = s.Networks[i].Key
		}
		networks = append(networks, name)
	}
	return orNone(networks)
}

func promisedPorts(s types.ServiceConfig) string {
	var ports []string
	for _, p := range s.Ports {
		ports = append(ports, fmt.Sprintf("%s->%d", net.JoinHostPort(p.HostIP, p.Published), p.Target))
	}
	return orNone(ports)
}

func portsOf(c stack.Container) string {
	var ports []string
	for _, p := range c.Ports {
		ports = append(ports, fmt.Sprintf("%s->%d", p.Address, p.Port))
	}
	return orNone(ports)
}

// provePorts tries every port of every member.
func (r *running) provePorts(ctx context.Context, a *app, certsDir string) ([]proof, error) {
	c := exposure.Cluster{Mode: exposure.Mode(r.cluster.TLS), Dial: r.dial, Now: a.now()}
	for _, m := range r.cluster.Members {
		c.Members = append(c.Members, exposure.Member{
			Name: m.Name, ClientAddr: hostOf(m.ClientURL()), PeerAddr: hostOf(m.PeerURL()), ClosedAddr: closedAddr(m),
		})
	}
	if r.cluster.TLS == cluster.Mutual {
		r.showKeys(&c, certsDir)
	}
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
func (r *running) showKeys(c *exposure.Cluster, certsDir string) {
	c.Client, c.Servers = r.tls.Certificates[0], r.tls.RootCAs
	for _, authority := range []string{"ca/client", "ca/single"} {
		if issuer, err := keyPair(filepath.Join(certsDir, filepath.FromSlash(authority))); err == nil {
			c.Issuer = &issuer
		}
	}
	clients, _ := os.ReadFile(identityFiles(adminDir(certsDir)).ca)
	for i := range c.Members {
		m := &c.Members[i]
		peers, err := os.ReadFile(filepath.Join(certsDir, "members", m.Name, "peer", "ca.crt"))
		if err != nil {
			continue
		}
		c.OneAuthority = bytes.Equal(clients, peers)
		m.Peers = x509.NewCertPool()
		m.Peers.AppendCertsFromPEM(peers)
	}
}

func keyPair(dir string) (tls.Certificate, error) {
	files := identityFiles(dir)
	return tls.LoadX509KeyPair(files.cert, files.key)
}

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	return u.Host
}

// closedAddr is the address on the stack's network of a metrics listener that
// is meant for the member's own container.
func closedAddr(m cluster.Member) string {
	u, err := url.Parse(m.Settings.Get("listen-metrics-urls"))
	if err != nil || u.Host == "" || m.Place.Listen.IsLoopback() || !net.ParseIP(u.Hostname()).IsLoopback() {
		return ""
	}
	return net.JoinHostPort(m.Place.Host, u.Port())
}
