package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/compose"
	"github.com/etcdctr/etcdctr/discovery"
	"github.com/etcdctr/etcdctr/dns"
	"github.com/etcdctr/etcdctr/internal/outfile"
)

// prepare makes what a stack needs besides its Compose file: certificates, the
// DNS server's files, a place at a discovery service.
func (a *app) prepare(ctx context.Context, c *cluster.Cluster, f *clusterFlags) error {
	if c.Discovery != nil {
		if err := a.prepareDiscovery(ctx, c, f); err != nil {
			return err
		}
	}
	if err := a.ensureCertificates(ctx, c, f.certificates()); err != nil {
		return err
	}
	if c.DNS != nil && len(c.DNS.Addresses) > 0 {
		return writeDNSFiles(c, f.dnsDir(c))
	}
	return nil
}

func writeDNSFiles(c *cluster.Cluster, dir string) error {
	for name, data := range map[string][]byte{
		dns.ZoneName:     dns.Zone(c),
		dns.CorefileName: dns.Corefile(c, compose.ContainerDNSDir),
	} {
		if err := writeFile(filepath.Join(dir, name), data, 0o644); err != nil {
			return fmt.Errorf("cannot write the DNS server's files: %w", err)
		}
	}
	return nil
}

// writeFile writes a file whole, and the folders that it is in.
func writeFile(path string, data []byte, mode fs.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return outfile.Write(path, data, mode)
}

// token gives the discovery token that is kept in a file, or a fresh one that
// is not kept yet.
func (a *app) token(file string) (string, error) {
	data, err := os.ReadFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return cluster.NewDiscoveryToken(a.random)
	case err != nil:
		return "", fmt.Errorf("cannot read the stack's discovery token: %w", err)
	}
	return strings.TrimSpace(string(data)), nil
}

// prepareDiscovery keeps a fresh token, or makes sure that the members of c, all
// of their cluster, will get on with an existing service.
func (a *app) prepareDiscovery(ctx context.Context, c *cluster.Cluster, f *clusterFlags) error {
	d := c.Discovery
	if d.Server != nil {
		return a.keepToken(f.tokenFile(c.Name), d.Token)
	}
	members := registrations(c)
	s, err := a.discoveryService(ctx, d)
	if err == nil {
		defer s.Close()
		if d.ByProxy() {
			err = s.Join(ctx, d.Token, members)
		} else {
			err = s.Check(ctx, d.Token, members)
		}
	}
	if d.ByProxy() || !outOfReach(err) {
		return withHint(err, "`etcdctr discovery new` makes a token, `etcdctr discovery status` shows one")
	}
	a.warn("could not check the discovery token: %v; members that don't reach the service wait for it for ever", err)
	return nil
}

func (a *app) keepToken(file, token string) error {
	if _, err := os.Stat(file); err == nil {
		return nil
	}
	if err := writeFile(file, []byte(token+"\n"), 0o600); err != nil {
		return fmt.Errorf("cannot keep the stack's discovery token: %w", err)
	}
	a.say("discovery token in %s: made", file)
	return nil
}

// outOfReach tells that a service may be there, on a network that only the
// members are on.
func outOfReach(err error) bool { return errors.Is(err, discovery.ErrNotReached) }

// registrations are what the members of c write at a discovery service.
func registrations(c *cluster.Cluster) []discovery.Member {
	token := c.Token
	if c.Discovery.V2() {
		token = c.Discovery.URL
	}
	var list []discovery.Member
	for _, m := range c.Members {
		list = append(list, discovery.NewMember(m.Name, strings.Split(m.PeerURL(), ","), token))
	}
	return list
}

// discoveryService connects to an existing service.
func (a *app) discoveryService(ctx context.Context, d *cluster.Discovery) (*discovery.Service, error) {
	config, err := credentialsTLS(d.Credentials)
	if err != nil {
		return nil, usage(err)
	}
	if d.V2() {
		registry, _, err := discovery.SplitV2URL(d.URL)
		if err != nil {
			return nil, usage(err)
		}
		return discovery.NewV2(registry, config), nil
	}
	password, err := readPassword(d.PasswordFile)
	if err != nil {
		return nil, usage(err)
	}
	return discovery.New(ctx, discovery.Options{Endpoints: d.Endpoints, TLS: config, User: d.User, Password: password})
}

// readPassword reads a file that holds a password and perhaps a line's end.
func readPassword(file string) (string, error) {
	if file == "" {
		return "", nil
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("discovery-password-file: %w", err)
	}
	password := strings.TrimRight(string(data), "\r\n")
	if password == "" {
		return "", fmt.Errorf("discovery-password-file: %s is empty", file)
	}
	return password, nil
}

// credentialsTLS reads the files for an existing service; nil when there are
// none.
func credentialsTLS(files cluster.DiscoveryCredentials) (*tls.Config, error) {
	if files == (cluster.DiscoveryCredentials{}) {
		return nil, nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if files.CACert != "" {
		data, err := os.ReadFile(files.CACert)
		if err != nil {
			return nil, fmt.Errorf("discovery-cacert: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(data) {
			return nil, fmt.Errorf("discovery-cacert: %s holds no certificate", files.CACert)
		}
	}
	if files.Cert != "" {
		pair, err := tls.LoadX509KeyPair(files.Cert, files.Key)
		if err != nil {
			return nil, fmt.Errorf("discovery-cert: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}
