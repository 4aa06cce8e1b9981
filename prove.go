package etcdctr

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

	"github.com/etcdctr/etcdctr/certs"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/health/exposure"
	"github.com/etcdctr/etcdctr/runtime"
)

// This file proves who can reach the members, and who can't.

// Proof is one thing that was promised and looked at.
type Proof struct {
	Subject  string `json:"subject"` // a member or a network
	Check    string `json:"check"`
	Expected string `json:"expected"`
	Seen     string `json:"seen"`
	OK       bool   `json:"ok"`
	Detail   string `json:"detail,omitempty"`
	// Remedy is what to do where it is not OK.
	Remedy string `json:"remedy,omitempty"`
	// Away says that a member was not there to be tried, which is no surprise of who
	// reaches it.
	Away bool `json:"-"`
}

// prove compares two words.
func prove(subject, check, expected, seen string) Proof {
	return Proof{Subject: subject, Check: check, Expected: expected, Seen: seen, OK: expected == seen}
}

// Verify looks at all that the description promises of a cluster that runs: what is
// published, who is on its networks, and what each port answers to strangers. It
// changes nothing.
func (c *Cluster) Verify(ctx context.Context) (proofs []Proof, err error) {
	promised, err := c.promised(ctx)
	if err != nil {
		return nil, err
	}
	way, err := c.Connect(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, way.Close()) }()
	seen := way.Reachable()
	if len(seen) == 0 {
		return nil, &runtime.NotFoundError{Name: promised.Name}
	}
	proofs = []Proof{prove("cluster", "TLS mode", string(promised.TLS), string(seen[0].TLS()))}
	exposed, err := c.proveExposure(ctx, promised)
	if err != nil {
		return nil, err
	}
	tried := c.toTry(way, seen)
	ports, err := provePorts(ctx, tried)
	if err != nil {
		return nil, err
	}
	users, err := c.proveUsers(ctx, way, promised.Auth, tried)
	all := slices.Concat(proofs, exposed, ports, users)
	for i := range all {
		all[i].Remedy = remedyOf(all[i])
	}
	return all, err
}

// promised is the cluster that is described. Where nothing says how many members it has, as
// with a Compose file of another folder or of other flags, it has those that are there.
func (c *Cluster) promised(ctx context.Context) (*cluster.Cluster, error) {
	want, err := c.Want(ctx)
	if err != nil || c.have == nil || c.spec.Members.Count > 0 || len(c.spec.Members.List) > 0 {
		return want, err
	}
	want.Members = slices.DeleteFunc(slices.Clone(want.Members), func(m cluster.Member) bool {
		_, there := c.have.Server(m.Name)
		return !there
	})
	return want, nil
}

// remedyOf is what to do about a proof: nothing where all is as promised.
func remedyOf(p Proof) string {
	switch {
	case p.OK:
		return ""
	case p.Remedy != "":
		return p.Remedy
	case p.Away:
		return "`etcdctr doctor` tells why a member is away; what the others promise is true"
	case p.Seen == string(exposure.Silent):
		return "what is not answered in time proves nothing, as on a busy machine: `etcdctr health` tells how the members are; verify again once they are well"
	}
	return "if that is what you meant, say so in the cluster file or with --tls and --publish; if not, `etcdctr up` makes the stack as described"
}

// proveExposure has what runs the cluster compare what is open with what is
// promised.
func (c *Cluster) proveExposure(ctx context.Context, promised *cluster.Cluster) ([]Proof, error) {
	e, ok := c.runtime.(runtime.Exposer)
	if !ok {
		return nil, nil
	}
	exposures, warnings, err := e.Expose(ctx, promised)
	var proofs []Proof
	brought := c.noted(broughtKind)
	for _, x := range exposures {
		x = x.With(brought...)
		p := prove(x.Subject, x.Check, x.Expected, x.Seen)
		p.Remedy = x.Remedy
		proofs = append(proofs, p)
	}
	for _, w := range warnings {
		c.o.Events(Event{Warning: errors.New(w)})
	}
	return proofs, err
}

// toTry is the cluster with what may be shown at its ports.
func (c *Cluster) toTry(way *Connection, seen []runtime.Server) exposure.Cluster {
	all := exposure.Cluster{Mode: exposure.Mode(seen[0].TLS()), Dial: way.Way.Dial, Now: c.o.Now()}
	for _, m := range seen {
		all.Members = append(all.Members, exposure.Member{
			Name: m.Name, ClientAddr: hostOf(m.ClientURL()), PeerAddr: hostOf(m.PeerURL()), ClosedAddr: closedAddr(m),
		})
	}
	if all.Mode == exposure.Mutual {
		showKeys(&all, way.TLS, c.CertsDir())
	}
	return all
}

// provePorts tries every port of every member.
func provePorts(ctx context.Context, c exposure.Cluster) ([]Proof, error) {
	results, err := c.Try(ctx)
	if err != nil {
		return nil, err
	}
	var proofs []Proof
	for _, x := range results {
		check := x.Attempt
		if x.Port != "" {
			check = x.Port + " port, " + x.Attempt
		}
		p := prove(x.Member, check, string(x.Expected), string(x.Seen))
		p.OK, p.Detail, p.Away = x.AsPromised(), x.Detail, x.Seen == exposure.Away
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
	clients, _ := os.ReadFile(filepath.Join(certs.ClientDir(certsDir, AdminClient), certs.CAFile))
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

// Surprises is what is not as promised as one error, and what is to be done about it,
// each remedy once; nil where all is.
func Surprises(proofs []Proof) (remedies []string, err error) {
	var errs []error
	for _, p := range proofs {
		if p.OK {
			continue
		}
		if !slices.Contains(remedies, p.Remedy) {
			remedies = append(remedies, p.Remedy)
		}
		err := fmt.Errorf("%s: %s: expected %s, seen %s", p.Subject, p.Check, p.Expected, p.Seen)
		if p.Detail != "" {
			err = fmt.Errorf("%w (%s)", err, p.Detail)
		}
		errs = append(errs, err)
	}
	return remedies, errors.Join(errs...)
}
