package e2e

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/log"
	"golang.org/x/sync/errgroup"

	"github.com/etcdctr/etcdctr/certs"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/compose"
)

// readyTimeout is how long a cluster may take from the start of its containers
// until every member answers. It is testcontainers' own default for a
// container.
const readyTimeout = time.Minute

// localAddress is where an engine on this machine publishes ports.
const localAddress = "127.0.0.1"

// cleanUpTimeout bounds the removal of a test's cluster.
const cleanUpTimeout = time.Minute

// Start gives a running cluster that is removed when the test ends. A cluster
// that does not start fails the test. When the test has failed, for whatever
// reason, the members' logs go to its log.
func Start(tb testing.TB, opts ...Option) *Cluster {
	tb.Helper()
	c, err := Run(tb.Context(), append([]Option{WithLogger(log.TestLogger(tb))}, opts...)...)
	tb.Cleanup(func() { cleanUp(tb, c) })
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// cleanUp runs when the test's own context has ended already.
func cleanUp(tb testing.TB, c *Cluster) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), cleanUpTimeout)
	defer cancel()
	if tb.Failed() {
		logMembers(ctx, tb, c)
	}
	if err := c.Terminate(ctx); err != nil {
		tb.Error(err)
	}
}

func logMembers(ctx context.Context, tb testing.TB, c *Cluster) {
	tb.Helper()
	if c == nil {
		return
	}
	for _, m := range c.Members {
		text, err := m.Logs(ctx)
		if err != nil {
			text = err.Error()
		}
		tb.Logf("the log of %s:\n%s", m.Name, tail(text))
	}
}

// tail gives the last hundred lines, which tell how it ended.
func tail(text string) string {
	const most = 100
	lines := slices.Collect(strings.Lines(text))
	return strings.Join(lines[max(0, len(lines)-most):], "")
}

// Run gives a running cluster, which the caller has to Terminate, also after
// an error: a start that failed hands back what it had made. A mistake in the
// spec is reported as cluster.Resolve reports it.
func Run(ctx context.Context, opts ...Option) (*Cluster, error) {
	c, err := prepare(ctx, optionsOf(opts...))
	if err != nil {
		return c, fmt.Errorf("cannot prepare an etcd cluster: %w", err)
	}
	if err := c.start(ctx); err != nil {
		return c, fmt.Errorf("cannot start the etcd cluster %s: %w", c.Name, err)
	}
	return c, nil
}

// prepare decides what the cluster is and makes its certificates: all that
// needs no engine but for its address.
func prepare(ctx context.Context, o *options) (*Cluster, error) {
	c := &Cluster{options: o}
	var err error
	if c.provider, err = testcontainers.NewDockerProvider(testcontainers.WithLogger(o.log())); err != nil {
		return nil, err
	}
	if c.host, err = c.provider.DaemonHost(ctx); err != nil {
		return c, err
	}
	if c.host == "localhost" {
		c.host = localAddress // ::1 on the same port may be anybody's
	}
	if c.model, err = o.resolve(c.host); err != nil {
		return c, err
	}
	c.Name = c.model.Name
	if err := c.makeCertificates(ctx); err != nil {
		return c, err
	}
	c.project, err = project(ctx, c.model, c.certsDir)
	return c, err
}

// project is the one that Compose would make of the cluster's file, with every
// name and path decided.
func project(ctx context.Context, c *cluster.Cluster, certsDir string) (*types.Project, error) {
	file, err := compose.Marshal(ctx, c, compose.Project(c, compose.Options{CertsDir: filepath.ToSlash(certsDir)}))
	if err != nil {
		return nil, err
	}
	return compose.Load(ctx, "docker-compose.yml", file, certsDir)
}

func (c *Cluster) makeCertificates(ctx context.Context) error {
	if c.model.TLS != cluster.Mutual {
		return nil
	}
	dir, err := os.MkdirTemp("", c.Name+"-")
	if err != nil {
		return err
	}
	c.certsDir = dir
	plan := certs.Plan{Cluster: c.Name, Clients: []certs.ClientIdentity{{Name: rootClient}}}
	for _, m := range c.model.Members {
		plan.Members = append(plan.Members, certs.Member{Name: m.Name, Hosts: m.Hosts()})
	}
	_, err = (&certs.PKI{Dir: dir}).Ensure(ctx, plan)
	return err
}

// start makes the containers before it starts any: a member that cannot
// resolve another's name yet waits a second for it.
func (c *Cluster) start(ctx context.Context) error {
	if err := c.makeNetworks(ctx); err != nil {
		return err
	}
	if err := c.makeVolumes(ctx); err != nil {
		return err
	}
	for _, m := range c.model.Members {
		c.Members = append(c.Members, &Member{Name: m.Name, cluster: c, model: m})
	}
	if err := c.each(ctx, (*Member).create); err != nil {
		return err
	}
	if err := c.each(ctx, (*Member).firstStart); err != nil {
		return err
	}
	return c.connect(ctx)
}

// each does something to all members at once.
func (c *Cluster) each(ctx context.Context, do func(*Member, context.Context) error) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, m := range c.Members {
		group.Go(func() error {
			if err := do(m, ctx); err != nil {
				return fmt.Errorf("%s: %w", m.Name, err)
			}
			return nil
		})
	}
	return group.Wait()
}

// publishAddress is the address of the engine's machine that ports are bound
// to: all of them when it is not this machine.
func (c *Cluster) publishAddress() netip.Addr {
	if c.host == localAddress {
		return netip.MustParseAddr(localAddress)
	}
	return netip.IPv4Unspecified()
}
