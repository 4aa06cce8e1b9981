package e2e

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/testcontainers/testcontainers-go"

	"github.com/etcdctr/etcdctr/certs"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/compose"
	"github.com/etcdctr/etcdctr/dns"
	"github.com/etcdctr/etcdctr/monitoring"
	"github.com/etcdctr/etcdctr/pki"
	driver "github.com/etcdctr/etcdctr/stack"
)

// localAddress is where an engine on this machine publishes ports.
const localAddress = "127.0.0.1"

// prepare decides what the cluster is and makes a folder for its files: all that needs
// no engine but for its address and what it is.
func prepare(ctx context.Context, o *options) (*Cluster, error) {
	c, err := describe(ctx, o)
	if err != nil {
		return c, err
	}
	if c.dir, err = os.MkdirTemp("", c.Name+"-"); err != nil {
		return c, err
	}
	return c, c.plan(ctx)
}

// describe decides what the cluster is.
func describe(ctx context.Context, o *options) (*Cluster, error) {
	c := &Cluster{options: o}
	var err error
	// Not told of the engine's own network, testcontainers makes one and leaves it.
	bridge := testcontainers.WithDefaultBridgeNetwork(testcontainers.Bridge)
	if c.provider, err = testcontainers.NewDockerProvider(testcontainers.WithLogger(o.log()), bridge); err != nil {
		return nil, err
	}
	if c.host, err = c.provider.DaemonHost(ctx); err != nil {
		return c, err
	}
	if c.host == "localhost" {
		c.host = localAddress // ::1 on the same port may be anybody's
	}
	c.elsewhere = alsoAt(c.engine().DaemonHost(), c.host, saidHost())
	if c.make, err = driver.AskMake(ctx, c.engine()); err != nil {
		return c, err
	}
	if !o.copies {
		if c.sees, err = driver.SeesFiles(ctx, c.engine(), c.make); err != nil {
			return c, err
		}
	}
	placement := cluster.Placement(cluster.InContainers)
	if c.make.Lacks(driver.NamesBesideServers) {
		placement = cluster.InKnownContainers
	}
	if c.model, err = o.resolve(c.host, placement); err != nil {
		return c, err
	}
	c.Name = c.model.Name
	return c, nil
}

// plan lists what the cluster is to have on the engine, but for volumes.
func (c *Cluster) plan(ctx context.Context) (err error) {
	if c.project, c.checks, err = project(ctx, c.model, c.dir); err != nil {
		return err
	}
	c.lineUp()
	return nil
}

// furnish makes the cluster's files, in its folder, and lists its volumes, some of which
// may stand for these.
func (c *Cluster) furnish(ctx context.Context) (err error) {
	if err := c.makeFiles(ctx); err != nil {
		return err
	}
	c.volumes, err = c.ownVolumes()
	return err
}

// project is the one that Compose would make of the cluster's file in dir, with
// every name and path decided. The fixture asks the members itself, and more
// than a health check does: a process for every member and second adds up in
// tests. They are told for where it reaches no member.
func project(ctx context.Context, c *cluster.Cluster, dir string) (*types.Project, map[string][]string, error) {
	options := compose.Options{CertsDir: "./" + certsName, DNSDir: "./" + dnsName, MonitoringDir: "./" + monitoringName}
	file, err := compose.Marshal(ctx, c, compose.Project(c, options))
	if err != nil {
		return nil, nil, err
	}
	p, err := compose.Load(ctx, "docker-compose.yml", file, dir)
	if err != nil {
		return nil, nil, err
	}
	checks := map[string][]string{}
	for name, s := range p.Services {
		if s.Labels[compose.RoleLabel] == compose.RoleMember {
			if s.HealthCheck != nil {
				checks[name] = s.HealthCheck.Test
			}
			s.HealthCheck = &types.HealthCheckConfig{Disable: true}
			p.Services[name] = s
		}
	}
	return p, checks, nil
}

// Names of the folders in a cluster's own.
const (
	certsName      = "certs"
	dnsName        = "dns"
	monitoringName = "monitoring"
)

func (c *Cluster) makeFiles(ctx context.Context) error {
	if c.model.TLS == cluster.Mutual {
		if _, err := (&certs.PKI{Dir: c.CertsDir()}).Ensure(ctx, pki.Plan(c.model)); err != nil {
			return err
		}
	}
	if c.model.DNS != nil {
		files := map[string][]byte{dns.ZoneName: dns.Zone(c.model), dns.CorefileName: dns.Corefile(c.model, compose.ContainerDNSDir)}
		if err := writeFiles(filepath.Join(c.dir, dnsName), files); err != nil {
			return err
		}
	}
	if c.model.Monitoring == nil {
		return nil
	}
	files, err := monitoring.Stack(c.model, compose.ContainerMonitoringCertsDir)
	if err != nil {
		return err
	}
	return writeFiles(filepath.Join(c.dir, monitoringName), files)
}

func writeFiles(dir string, files map[string][]byte) error {
	errs := []error{os.MkdirAll(dir, 0o755)}
	for name, data := range files {
		errs = append(errs, os.WriteFile(filepath.Join(dir, name), data, 0o644))
	}
	return errors.Join(errs...)
}

// publishAddress is the address of the engine's machine that ports are bound
// to: none, which is all of them, when it is not this machine. Podman 4.3 takes
// 0.0.0.0 for an address that packets are sent to, and forwards none.
func (c *Cluster) publishAddress() string {
	if c.host == localAddress {
		return localAddress
	}
	return ""
}
