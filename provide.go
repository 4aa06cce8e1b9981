package etcdctr

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/etcdctr/etcdctr/certs"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/discovery"
	"github.com/etcdctr/etcdctr/internal/outfile"
	"github.com/etcdctr/etcdctr/internal/shellword"
	"github.com/etcdctr/etcdctr/pki"
	"github.com/etcdctr/etcdctr/runtime"
)

// This file makes what a cluster needs before its members start: certificates,
// and a place at a discovery service.

// AdminClient is the client identity that every cluster with certificates gets.
const AdminClient = pki.AdminClient

// CertsPlan is the PKI that a cluster needs: see package pki.
func CertsPlan(c *cluster.Cluster) certs.Plan { return pki.Plan(c) }

// PKI is the one that the cluster's certificates are of.
func (c *Cluster) PKI() *certs.PKI {
	return &certs.PKI{Dir: c.CertsDir(), Now: c.o.Now, Random: c.o.Random}
}

// Provide makes what is missing of what the members need besides what runs
// them. What is there and fits is left as it is.
func (c *Cluster) Provide(ctx context.Context, want *cluster.Cluster) error {
	_, err := c.provide(ctx, want)
	return err
}

// provide also tells whether the certificates of what is there are others than before.
func (c *Cluster) provide(ctx context.Context, want *cluster.Cluster) (changed bool, err error) {
	if err := c.notePlace(); err != nil {
		return false, err
	}
	if c.o.Provided {
		return false, nil
	}
	if want.Discovery != nil {
		if err := c.provideDiscovery(ctx, want); err != nil {
			return false, err
		}
	}
	if want.TLS != cluster.Mutual {
		return false, nil
	}
	report, err := c.PKI().Ensure(ctx, c.certsPlan(want))
	if err != nil {
		return false, fmt.Errorf("certificates in %s: %w", c.CertsDir(), err)
	}
	c.o.Events(Event{Certificates: &report, Place: c.CertsDir()})
	if err := c.warnOfNobody(want.Auth); err != nil {
		return false, err
	}
	hadCertificates := slices.ContainsFunc(running(c.have), func(m runtime.Server) bool { return m.TLS() == cluster.Mutual })
	if report.Founded() && hadCertificates {
		c.o.Events(Event{Warning: fmt.Errorf("%s held no authority, and %s runs: its members start again with a new one, and clients that have the old certificates get in no more", c.CertsDir(), want.Name)})
	}
	return c.concerned(report), nil
}

// concerned tells whether anything changed but for servers that are not there yet.
func (c *Cluster) concerned(report certs.Report) bool {
	return slices.ContainsFunc(report.Changes, func(x certs.Change) bool {
		server, is := strings.CutPrefix(path.Dir(x.Identity), "members/")
		_, there := c.have.Server(server)
		return x.Action != certs.Reused && (!is || there)
	})
}

// certsPlan is the PKI that the cluster needs. Members that are there have been given
// their authorities, whosever these are.
func (c *Cluster) certsPlan(want *cluster.Cluster) certs.Plan {
	plan := CertsPlan(want)
	plan.Own = plan.Own && c.have == nil
	return plan
}

// checkProvided is what provide refuses, which makes nothing.
func (c *Cluster) checkProvided(ctx context.Context, want *cluster.Cluster) error {
	if c.o.Provided {
		return nil
	}
	if want.Discovery != nil && want.Discovery.Server == nil {
		if err := c.meetAt(ctx, want, false); err != nil {
			return err
		}
	}
	if want.TLS != cluster.Mutual {
		return nil
	}
	if err := c.PKI().Check(ctx, c.certsPlan(want)); err != nil {
		return fmt.Errorf("certificates in %s: %w", c.CertsDir(), err)
	}
	return c.warnOfNobody(want.Auth)
}

// warnOfNobody tells of certificates here whose clients etcd will take for none of its
// users.
func (c *Cluster) warnOfNobody(auth *cluster.Auth) error {
	found, err := c.userFindings(auth)
	for _, f := range found {
		c.o.Events(Event{Warning: errors.New(f.String())})
	}
	return err
}

// tokenFile is where the discovery token of a cluster is kept, from the first
// time that it is asked for until its data is deleted. The name may not have
// been checked yet.
func (c *Cluster) tokenFile() string {
	name := filepath.Base(filepath.Clean("/" + c.spec.ClusterName()))
	return filepath.Join(c.o.Folder, "discovery", name, "token")
}

// token gives the discovery token that is kept, or a fresh one that is not yet.
func (c *Cluster) token() (string, error) {
	data, err := os.ReadFile(c.tokenFile())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return cluster.NewDiscoveryToken(c.o.Random)
	case err != nil:
		return "", fmt.Errorf("cannot read the cluster's discovery token: %w", err)
	}
	return strings.TrimSpace(string(data)), nil
}

// provideDiscovery keeps a fresh token, or makes sure that the members, all of
// their cluster, will get on with an existing service.
func (c *Cluster) provideDiscovery(ctx context.Context, want *cluster.Cluster) error {
	d := want.Discovery
	if d.Server != nil {
		return c.KeepToken(want)
	}
	return c.meetAt(ctx, want, true)
}

// meetAt looks whether the members can meet at an existing discovery service. Those of
// whom it is told by etcdctr are told to it where they are to join.
func (c *Cluster) meetAt(ctx context.Context, want *cluster.Cluster, join bool) error {
	d := want.Discovery
	if len(running(c.have)) > 0 {
		return nil // they have met
	}
	s, err := Discovery(ctx, d)
	if err == nil {
		defer s.Close()
		switch members := registrations(want); {
		case !d.ByProxy():
			err = s.Check(ctx, d.Token, members)
		case join:
			err = s.Join(ctx, d.Token, members)
		}
	}
	if errors.Is(err, discovery.ErrNotReached) && !d.ByProxy() {
		// It may be there, on a network that only the members are on.
		c.o.Events(Event{Warning: fmt.Errorf("could not check the discovery token: %w; members that don't reach the service wait for it for ever", err)})
		return nil
	}
	if in := (*InputError)(nil); err != nil && !errors.As(err, &in) {
		return &TokenError{err}
	}
	return err
}

// InputError is the error of what a Spec names and its author has to put right,
// such as a file that is not there.
type InputError struct{ Err error }

func (e *InputError) Error() string { return e.Err.Error() }

func (e *InputError) Unwrap() error { return e.Err }

// TokenError is the error of a discovery token that the members can't meet by.
type TokenError struct{ Err error }

func (e *TokenError) Error() string { return e.Err.Error() }

func (e *TokenError) Unwrap() error { return e.Err }

// KeepToken keeps the discovery token of a cluster with a service of its own, for
// everything else that is made for it; one that is kept stays.
func (c *Cluster) KeepToken(want *cluster.Cluster) error {
	if want.Discovery == nil || want.Discovery.Server == nil {
		return nil
	}
	if _, err := os.Stat(c.tokenFile()); err == nil {
		return nil
	}
	err := os.MkdirAll(filepath.Dir(c.tokenFile()), 0o755)
	if err == nil {
		err = outfile.Note(c.tokenFile(), []byte(want.Discovery.Token+"\n"), 0o600)
	}
	if err != nil {
		return fmt.Errorf("cannot keep the cluster's discovery token: %w", err)
	}
	c.o.Events(Event{Token: c.tokenFile()})
	return nil
}

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

// Discovery connects to an existing discovery service. Its error may be an
// *InputError.
func Discovery(ctx context.Context, d *cluster.Discovery) (*discovery.Service, error) {
	config, err := credentialsTLS(d.Credentials)
	if err != nil {
		return nil, &InputError{err}
	}
	if d.V2() {
		registry, _, err := discovery.SplitV2URL(d.URL)
		if err != nil {
			return nil, &InputError{err}
		}
		return discovery.NewV2(registry, config), nil
	}
	password, err := readPassword(d.PasswordFile)
	if err != nil {
		return nil, &InputError{fmt.Errorf("discovery-password-file: %w", err)}
	}
	return discovery.New(ctx, discovery.Options{Endpoints: d.Endpoints, TLS: config, User: d.User, Password: password})
}

// makePassword is a command of a shell that writes a random password into a file.
func makePassword(file string) string {
	at := shellword.Quote(file)
	return "(umask 077; mkdir -p \"$(dirname " + at + ")\"; openssl rand -base64 24 > " + at + ")"
}

// readPassword reads a file that holds a password and perhaps a line's end.
func readPassword(file string) (string, error) {
	if file == "" {
		return "", nil
	}
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("%w: it is to hold the password and nothing else, and `%s` makes one that nobody else reads", err, makePassword(file))
	}
	if err != nil {
		return "", err
	}
	password := strings.TrimRight(string(data), "\r\n")
	if password == "" {
		return "", fmt.Errorf("%s is empty: put the password there", file)
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

// retireToken forgets the discovery token of a cluster whose data is gone, so
// that the next one takes another.
func (c *Cluster) retireToken() error {
	if err := os.Remove(c.tokenFile()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot retire the cluster's discovery token: %w", err)
	}
	folder := filepath.Dir(c.tokenFile())
	_, _ = os.Remove(folder), os.Remove(filepath.Dir(folder)) // unless they hold something else
	return nil
}
