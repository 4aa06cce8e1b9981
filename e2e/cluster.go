package e2e

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/etcdctr/etcdctr/certs"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/member"
	"github.com/etcdctr/etcdctr/pki"
	driver "github.com/etcdctr/etcdctr/stack"
)

// dialTimeout is that of the clients that the fixture makes and describes.
const dialTimeout = 5 * time.Second

// Cluster is a running cluster.
type Cluster struct {
	// Name is unique, and begins the names of everything that the cluster has
	// on the engine.
	Name string
	// Members in the order of the spec.
	Members []*Member
	// Client is connected to all members, as root with mutual TLS. It is
	// closed with the cluster.
	Client *clientv3.Client

	options  *options
	provider *testcontainers.DockerProvider
	make     driver.Make
	host     string // where the engine publishes ports, as testcontainers takes it
	// elsewhere is where they may be as well, and found where a member was reached: see seek.
	elsewhere []string
	found     atomic.Pointer[string]
	checks    map[string][]string // the members' health checks, by their names
	sees      bool                // the engine mounts files of this machine
	model     *cluster.Cluster
	project   *types.Project
	dir       string // for the certificates and the DNS server's files
	sidecars  []*box // what is not a member

	networks []types.NetworkConfig
	volumes  []types.VolumeConfig
	reaper   chan<- bool   // ends the connection to it; nil without a reaper
	kept     bool          // for whoever asks for it by its name
	leads    chan struct{} // closed once the first member was started
}

func (c *Cluster) engine() client.APIClient { return c.provider.Client() }

// Member gives the member of that name, nil if there is none.
func (c *Cluster) Member(name string) *Member {
	i := slices.IndexFunc(c.Members, func(m *Member) bool { return m.Name == name })
	if i < 0 {
		return nil
	}
	return c.Members[i]
}

// Endpoints are where this process reaches the members: in their order, and
// the same for as long as the cluster is there.
func (c *Cluster) Endpoints() []string {
	var all []string
	for _, m := range c.Members {
		all = append(all, m.Endpoint())
	}
	return all
}

// ContainerEndpoints are where containers reach the members that are on a
// network given by WithNetwork, or on the cluster's own: see Network.
func (c *Cluster) ContainerEndpoints() []string {
	var all []string
	for _, m := range c.Members {
		all = append(all, m.ContainerEndpoint())
	}
	return all
}

// Network is the name of the cluster's own network. It is internal: a
// container that is only there reaches the members, and nothing else.
func (c *Cluster) Network() string { return c.networks[0].Name }

// Image is the members' image.
func (c *Cluster) Image() string { return c.Members[0].container.Image }

// Config is what a client in this process needs, root's certificate included.
// Leave automatic synchronization of the endpoints off: members advertise their
// names, which mean nothing outside of their network.
func (c *Cluster) Config() (clientv3.Config, error) {
	config := clientv3.Config{Endpoints: c.Endpoints(), DialTimeout: dialTimeout}
	switch c.model.TLS {
	case cluster.NoTLS:
		return config, nil
	case cluster.AutoTLS:
		// Encrypted, not authenticated: nobody vouches for the certificates.
		config.TLS = &tls.Config{InsecureSkipVerify: true}
		return config, nil
	}
	root, err := c.Certificate(context.Background(), pki.AdminClient)
	if err != nil {
		return config, err
	}
	config.TLS, err = root.TLS()
	return config, err
}

// CertsDir is the folder with the cluster's PKI, laid out as package certs
// says, authorities included: a test can issue whatever it needs. It is removed
// with the cluster, and empty without mutual TLS.
func (c *Cluster) CertsDir() string { return filepath.Join(c.dir, "certs") }

// Certificate is a client's identity, as files on this machine.
type Certificate struct {
	CAFile, CertFile, KeyFile string
}

// TLS is the configuration of a client that shows the certificate.
func (c Certificate) TLS() (*tls.Config, error) { return certs.TLS(filepath.Dir(c.CertFile)) }

// Certificate gives the certificate of a client, which is issued when it is
// first asked for. Once authentication is on, etcd takes the client for the
// user of that name. "root" is there from the start.
func (c *Cluster) Certificate(ctx context.Context, client string) (Certificate, error) {
	if c.model.TLS != cluster.Mutual {
		return Certificate{}, errors.New("the cluster has no certificates: it has them with tls: mutual")
	}
	plan := certs.Plan{Cluster: c.Name, Clients: []certs.ClientIdentity{{Name: client}}}
	if _, err := (&certs.PKI{Dir: c.CertsDir()}).Ensure(ctx, plan); err != nil {
		return Certificate{}, err
	}
	dir := certs.ClientDir(c.CertsDir(), client)
	return Certificate{
		CAFile:   filepath.Join(dir, certs.CAFile),
		CertFile: filepath.Join(dir, certs.CertFile),
		KeyFile:  filepath.Join(dir, certs.KeyFile),
	}, nil
}

// statusTimeout is how long a member may take to say how it is.
const statusTimeout = 2 * time.Second

// ask gives a client that asks each member for itself.
func (c *Cluster) ask() (*member.Client, error) {
	config, err := c.Config()
	if err != nil {
		return nil, err
	}
	urls := map[string]string{}
	for _, m := range c.Members {
		urls[m.Name] = m.Endpoint()
	}
	return member.New(member.Config{
		URLs: urls, TLS: config.TLS, Patience: member.Patience{Question: statusTimeout, Change: readyTimeout, Progress: readyTimeout},
	})
}

// Leader gives the member that leads. Of several that think so, as after a
// network partition, it is the one that was elected last.
func (c *Cluster) Leader(ctx context.Context) (*Member, error) {
	members, err := c.ask()
	if err != nil {
		return nil, err
	}
	defer members.Close()
	view, err := members.Look(ctx)
	if err != nil {
		return nil, err
	}
	leader, ok := view.Elected()
	if !ok {
		var errs []error
		for _, e := range view.Endpoints {
			if !e.Answers() {
				errs = append(errs, fmt.Errorf("%s: %s", e.Name, e.Details))
			}
		}
		return nil, fmt.Errorf("no member of %s leads: %w", c.Name, errors.Join(errs...))
	}
	return c.Member(leader.Name), nil
}

// Terminate removes the cluster: its containers, networks, volumes and
// certificates. What has gone already is no error, and neither is a nil
// cluster.
func (c *Cluster) Terminate(ctx context.Context) error {
	if c == nil {
		return nil
	}
	errs := []error{c.leave(ctx), c.removeFromEngine(ctx)}
	if c.dir != "" {
		errs = append(errs, os.RemoveAll(c.dir))
	}
	if c.reaper != nil {
		c.reaper <- true
		c.reaper = nil
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("cannot remove all of the etcd cluster %s: %w", c.Name, err)
	}
	return nil
}

// leave ends the cluster's client, and nothing else.
func (c *Cluster) leave(context.Context) error {
	if c.Client == nil {
		return nil
	}
	err := c.Client.Close()
	c.Client = nil
	return err
}

func (c *Cluster) removeFromEngine(ctx context.Context) error {
	return errors.Join(c.removeContainers(ctx), c.removeShared(ctx))
}

// removeShared removes networks and volumes, all at once.
func (c *Cluster) removeShared(ctx context.Context) error {
	errs := make([]error, len(c.networks)+len(c.volumes))
	var all sync.WaitGroup
	for i, n := range c.networks {
		all.Go(func() {
			_, err := c.engine().NetworkRemove(ctx, n.Name, client.NetworkRemoveOptions{})
			errs[i] = unlessGone(err)
		})
	}
	for i, v := range c.volumes {
		all.Go(func() {
			_, err := c.engine().VolumeRemove(ctx, v.Name, client.VolumeRemoveOptions{})
			errs[len(c.networks)+i] = unlessGone(err)
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// removeContainers does not give the members time to say goodbye.
func (c *Cluster) removeContainers(ctx context.Context) error {
	boxes := c.boxes()
	errs := make(chan error, len(boxes))
	for _, b := range boxes {
		go func() { errs <- b.remove(ctx) }()
	}
	var all error
	for range boxes {
		all = errors.Join(all, <-errs)
	}
	return all
}

func (c *Cluster) boxes() []*box {
	all := slices.Clone(c.sidecars)
	for _, m := range c.Members {
		all = append(all, &m.box)
	}
	return all
}

func unlessGone(err error) error {
	if errdefs.IsNotFound(err) {
		return nil
	}
	return err
}
