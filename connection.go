package etcdctr

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"

	"github.com/etcdctr/etcdctr/backup"
	"github.com/etcdctr/etcdctr/certs"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/member"
	"github.com/etcdctr/etcdctr/runtime"
)

// This file leads to the members.

// Connection is a way to the members of a cluster that runs, for its
// administrator. Close ends it.
type Connection struct {
	State *runtime.State
	Way   runtime.Way
	TLS   *tls.Config // nil for plain text
	// CertsDir is the folder of the certificates that lead in.
	CertsDir string
}

// Connect opens a way to the members. They need not serve.
func (c *Cluster) Connect(ctx context.Context) (*Connection, error) {
	have, err := c.Observe(ctx)
	if err != nil {
		return nil, err
	}
	return c.connect(ctx, have)
}

func (c *Cluster) connect(ctx context.Context, have *runtime.State) (*Connection, error) {
	config, err := c.clientTLS(have)
	if err != nil {
		return nil, err
	}
	way, err := c.runtime.Reach(ctx, have)
	if err != nil {
		return nil, cmp.Or(c.down(have), err)
	}
	return &Connection{State: have, Way: way, TLS: config, CertsDir: c.accessDir(have)}, nil
}

// TLSMode is how the members' client ports are secured.
func (c *Connection) TLSMode() cluster.TLSMode { return tlsMode(c.State) }

// tlsMode is that of the members that have ever been started. While they go over
// from one to the other, it is the one that asks for more.
func tlsMode(have *runtime.State) cluster.TLSMode {
	mode := cluster.NoTLS
	for _, m := range have.Members() {
		if len(m.Settings) > 0 && mode == cluster.NoTLS {
			mode = m.TLS()
		}
	}
	return mode
}

// Close ends the way.
func (c *Connection) Close() error { return c.Way.Close() }

// Reachable are the members that say where they are reached, in the order of their
// names: those that have ever been started.
func (c *Connection) Reachable() []runtime.Server {
	return slices.DeleteFunc(c.State.Members(), func(m runtime.Server) bool { return m.ClientURL() == "" })
}

// IdleError is the error of a cluster of which no member runs, so that nobody answers.
type IdleError struct {
	Cluster string
	// Members are those that there are, each with how it is: etcd1 is stopped.
	Members []string
	// Startable: all of them are stopped, and `start` is what they wait for.
	Startable bool
}

func (e *IdleError) Error() string {
	if len(e.Members) == 0 {
		return fmt.Sprintf("%s has no member that was ever started", e.Cluster)
	}
	return fmt.Sprintf("no member of %s runs: %s", e.Cluster, strings.Join(e.Members, ", "))
}

// Idle is an *IdleError where no member could answer, and nil otherwise.
func (c *Connection) Idle() error {
	idle := &IdleError{Cluster: c.State.Name, Startable: true}
	for _, m := range c.State.Members() {
		if m.ClientURL() == "" {
			continue
		}
		if m.MayAnswer() {
			return nil
		}
		idle.Members = append(idle.Members, m.Name+" is "+string(m.Status))
		idle.Startable = idle.Startable && m.Status == runtime.Stopped && m.Data != runtime.None && m.Data != runtime.Volatile
	}
	idle.Startable = idle.Startable && len(idle.Members) > 0
	return idle
}

// URLs are the members' client URLs by name, as Way.Dial understands them.
func (c *Connection) URLs() map[string]string {
	urls := map[string]string{}
	for _, m := range c.Reachable() {
		urls[m.Name] = m.ClientURL()
	}
	return urls
}

// Members gives a client that asks and changes the members. It does not close
// the connection.
func (c *Connection) Members(now member.Config) (*member.Client, error) {
	now.URLs, now.TLS, now.Dial = c.URLs(), c.TLS, member.Dial(c.Way.Dial)
	if mode := c.TLSMode(); mode == cluster.Mutual {
		now.Renew = func() (*tls.Config, error) { return AdminTLS(mode, c.CertsDir) }
	}
	return member.New(now)
}

// Source names the member that a snapshot costs least, as Backup takes it: see
// backup.Choose, and its errors.
func (c *Connection) Source(ctx context.Context) (string, error) {
	members, err := c.Members(member.Config{})
	if err != nil {
		return "", err
	}
	defer members.Close()
	v, err := members.Look(ctx)
	if err != nil {
		return "", err
	}
	return backup.Choose(v)
}

// Client gives etcd's own client for all members. Closing it closes the
// connection too.
func (c *Cluster) Client(ctx context.Context) (*Client, error) {
	way, err := c.Connect(ctx)
	if err != nil {
		return nil, err
	}
	etcd, err := way.client()
	if err != nil {
		return nil, errors.Join(err, way.Close())
	}
	return &Client{Client: etcd, way: way}, nil
}

// Client is etcd's client with the way that it goes.
type Client struct {
	*clientv3.Client
	way *Connection
}

// Close closes the client and its way.
func (c *Client) Close() error { return errors.Join(c.Client.Close(), c.way.Close()) }

func (c *Connection) client() (*clientv3.Client, error) {
	var endpoints []string
	for _, m := range c.State.Members() {
		if url := m.ClientURL(); url != "" {
			endpoints = append(endpoints, url)
		}
	}
	return clientv3.New(clientv3.Config{
		Endpoints: endpoints, TLS: c.TLS, Logger: zap.NewNop(),
		// A connection to a machine that is gone stays open, and each request that goes
		// by it waits in vain.
		DialKeepAliveTime: 10 * time.Second, DialKeepAliveTimeout: 3 * time.Second,
		DialOptions: []grpc.DialOption{grpc.WithContextDialer(func(ctx context.Context, address string) (net.Conn, error) {
			return c.Way.Dial(ctx, "tcp", address)
		})},
	})
}

// clientTLS is what an administrator of the members that run connects with; nil
// for plain text.
func (c *Cluster) clientTLS(have *runtime.State) (*tls.Config, error) {
	dir := c.accessDir(have)
	config, err := AdminTLS(tlsMode(have), dir)
	reads := func(m runtime.Server) bool { return m.Settings.Get("client-crl-file") != "" }
	if err == nil && slices.ContainsFunc(have.Members(), reads) {
		err = certs.CheckRevoked(dir, AdminClient)
	}
	return config, err
}

// accessDir is the folder of the certificates that the members let in: the one that the
// Spec names, else the one that they were given, in whatever folder that was, as long as
// it is there. Those of this folder may be another cluster's.
func (c *Cluster) accessDir(have *runtime.State) string {
	if c.spec.CertsDir != "" || have.CertsDir == "" {
		return c.CertsDir()
	}
	if _, err := os.Stat(filepath.Join(certs.ClientDir(have.CertsDir, AdminClient), certs.CertFile)); err != nil {
		return c.CertsDir()
	}
	return have.CertsDir
}

// AdminTLS is what an administrator connects with to members that are secured in
// some way, with the certificates of a folder; nil for plain text.
func AdminTLS(mode cluster.TLSMode, certsDir string) (*tls.Config, error) {
	switch mode {
	case cluster.NoTLS:
		return nil, nil
	case cluster.AutoTLS:
		return Unverified(), nil
	}
	return ClientTLS(certs.ClientDir(certsDir, AdminClient))
}

// Unverified is the TLS side of a client of auto-TLS, whose certificates nobody
// has vouched for: encrypted, not authenticated.
func Unverified() *tls.Config {
	return &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12} //nolint:gosec // see above
}

// ErrNoCertificate is the error of a folder without a client's certificate.
var ErrNoCertificate = errors.New("the client has no certificate")

// ClientTLS reads an identity of a client, as package certs lays it out.
func ClientTLS(dir string) (*tls.Config, error) {
	config, err := certs.TLS(dir)
	if errors.Is(err, certs.ErrNoIdentity) {
		err = fmt.Errorf("%w: %w", ErrNoCertificate, err)
	}
	return config, err
}

// WithMembers lends a client that asks and changes the members that run.
func (c *Cluster) WithMembers(ctx context.Context, do func(*member.Client) error) error {
	have, err := c.Observe(ctx)
	if err == nil {
		err = c.down(have)
	}
	if err != nil {
		return err
	}
	members, hangUp, err := c.askMembers(ctx, have)
	if err != nil {
		return err
	}
	return errors.Join(do(members), hangUp())
}

// askMembers gives a client for the members that run, and what ends it.
func (c *Cluster) askMembers(ctx context.Context, have *runtime.State) (*member.Client, func() error, error) {
	way, err := c.connect(ctx, have)
	if err != nil {
		return nil, nil, err
	}
	members, err := way.Members(member.Config{})
	if err != nil {
		return nil, nil, errors.Join(err, way.Close())
	}
	return members, func() error { return errors.Join(members.Close(), way.Close()) }, nil
}
