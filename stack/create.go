package stack

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
	"github.com/moby/moby/client/pkg/versions"
)

// creation is all that a container is created from.
type creation struct {
	container container.Config
	host      container.HostConfig
	endpoints []endpoint // the one with the highest priority first
	inject    []injection
}

type endpoint struct {
	network  string
	settings *network.EndpointSettings
}

// creation translates a service. What it does not translate, checkService
// refuses.
func (w Wanted) creation(s types.ServiceConfig, name string) (*creation, error) {
	labels, err := w.labels(s)
	if err != nil {
		return nil, err
	}
	exposed, bindings, errPorts := ports(s)
	endpoints, errNet := w.endpoints(s, name)
	files, errMounts := w.fileSystem(s)
	dns, errDNS := addresses(s.DNS)
	if err := errors.Join(errPorts, errNet, errMounts, errDNS); err != nil {
		return nil, fmt.Errorf("services.%s: %w", s.Name, err)
	}
	c := &creation{
		endpoints: endpoints,
		inject:    files.inject,
		container: container.Config{
			Hostname: s.Hostname, Domainname: s.DomainName, User: s.User, WorkingDir: s.WorkingDir,
			Image: s.Image, Entrypoint: []string(s.Entrypoint), Cmd: []string(s.Command), Env: environment(w.given(s).Environment),
			Labels: labels, ExposedPorts: exposed, Healthcheck: healthCheck(s.HealthCheck),
			StopSignal: s.StopSignal, StopTimeout: seconds(s.StopGracePeriod),
			AttachStdout: true, AttachStderr: true,
		},
		host: container.HostConfig{
			Mounts: files.mounts, Binds: files.binds, PortBindings: bindings, RestartPolicy: restartPolicy(s.Restart), LogConfig: logConfig(s.Logging),
			CapAdd: s.CapAdd, CapDrop: s.CapDrop, SecurityOpt: securityOptions(s.SecurityOpt), ReadonlyRootfs: s.ReadOnly,
			Init: s.Init, GroupAdd: s.GroupAdd, Sysctls: s.Sysctls, Tmpfs: tmpfs(s.Tmpfs), ShmSize: int64(s.ShmSize),
			DNS: dns, DNSSearch: s.DNSSearch, DNSOptions: s.DNSOpts, ExtraHosts: s.ExtraHosts.AsList(":"),
			Resources: resources(s),
		},
	}
	c.host.NetworkMode = network.NetworkNone
	if len(endpoints) > 0 {
		c.host.NetworkMode = container.NetworkMode(endpoints[0].network)
	}
	return c, nil
}

// create makes the container. An engine before API 1.44 takes one network at
// creation and is told of the others one by one.
func (c *creation) create(ctx context.Context, e Engine, name string) error {
	atOnce := c.endpoints
	if versions.LessThan(e.ClientVersion(), "1.44") && len(atOnce) > 1 {
		atOnce = atOnce[:1]
	}
	networking := &network.NetworkingConfig{EndpointsConfig: map[string]*network.EndpointSettings{}}
	for _, e := range atOnce {
		networking.EndpointsConfig[e.network] = e.settings
	}
	made, err := e.ContainerCreate(ctx, client.ContainerCreateOptions{
		Name: name, Config: &c.container, HostConfig: &c.host, NetworkingConfig: networking,
	})
	if err != nil {
		return err
	}
	if err := c.complete(ctx, e, made.ID, c.endpoints[len(atOnce):]); err != nil {
		errRemove := removeContainer(ctx, e, made.ID)
		return errors.Join(err, errRemove)
	}
	return nil
}

func (c *creation) complete(ctx context.Context, e Engine, id string, more []endpoint) error {
	for _, m := range more {
		_, err := e.NetworkConnect(ctx, m.network, client.NetworkConnectOptions{Container: id, EndpointConfig: m.settings})
		if err != nil {
			return err
		}
	}
	for _, i := range c.inject {
		if err := i.into(ctx, e, id); err != nil {
			return err
		}
	}
	return nil
}

// endpoints are a service's places on its networks. It is found there by its
// own name and by its container's.
func (w Wanted) endpoints(s types.ServiceConfig, name string) ([]endpoint, error) {
	var out []endpoint
	var errs []error
	for _, key := range s.NetworksByPriority() {
		settings := &network.EndpointSettings{Aliases: []string{name, s.Name}}
		if n := s.Networks[key]; n != nil {
			settings.Aliases = append(settings.Aliases, n.Aliases...)
			settings.DriverOpts = n.DriverOpts
			settings.GwPriority = n.GatewayPriority
			ipam, err := fixedAddresses(n)
			errs = append(errs, err)
			settings.IPAMConfig = ipam
		}
		out = append(out, endpoint{w.Project.Networks[key].Name, settings})
	}
	return out, errors.Join(errs...)
}

func fixedAddresses(n *types.ServiceNetworkConfig) (*network.EndpointIPAMConfig, error) {
	if n.Ipv4Address == "" && n.Ipv6Address == "" {
		return nil, nil
	}
	v4, err4 := address(n.Ipv4Address)
	v6, err6 := address(n.Ipv6Address)
	return &network.EndpointIPAMConfig{IPv4Address: v4, IPv6Address: v6}, errors.Join(err4, err6)
}

// address is the zero one for an empty string.
// securityOptions are as today's engines want them. In the file a colon stays: another
// character would be another hash, for which Compose would recreate every member.
func securityOptions(all []string) []string {
	const flag = "no-new-privileges"
	var out []string
	for _, o := range all {
		if o == flag+":true" {
			o = flag
		}
		out = append(out, o)
	}
	return out
}

func address(s string) (netip.Addr, error) {
	if s == "" {
		return netip.Addr{}, nil
	}
	return netip.ParseAddr(s)
}

func addresses(all []string) ([]netip.Addr, error) {
	var out []netip.Addr
	for _, s := range all {
		a, err := address(s)
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, nil
}

func ports(s types.ServiceConfig) (network.PortSet, network.PortMap, error) {
	exposed, bindings := network.PortSet{}, network.PortMap{}
	for _, p := range s.Ports {
		port, err := network.ParsePort(fmt.Sprintf("%d/%s", p.Target, p.Protocol))
		if err != nil {
			return nil, nil, err
		}
		host, err := address(p.HostIP)
		if err != nil {
			return nil, nil, err
		}
		exposed[port] = struct{}{}
		bindings[port] = append(bindings[port], network.PortBinding{HostIP: host, HostPort: p.Published})
	}
	for _, e := range s.Expose {
		ports, err := network.ParsePortRange(e)
		if err != nil {
			return nil, nil, err
		}
		for p := range ports.All() {
			exposed[p] = struct{}{}
		}
	}
	return exposed, bindings, nil
}

// environment is in order, so that the same service gives the same container.
// A variable without a value is the engine's to resolve.
func environment(env types.MappingWithEquals) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(env)) {
		if v := env[name]; v != nil {
			name += "=" + *v
		}
		out = append(out, name)
	}
	return out
}

func healthCheck(h *types.HealthCheckConfig) *container.HealthConfig {
	if h == nil {
		return nil
	}
	if h.Disable {
		return &container.HealthConfig{Test: []string{"NONE"}}
	}
	c := &container.HealthConfig{
		Test: h.Test, Interval: span(h.Interval), Timeout: span(h.Timeout),
		StartPeriod: span(h.StartPeriod), StartInterval: span(h.StartInterval),
	}
	if h.Retries != nil {
		c.Retries = int(*h.Retries)
	}
	return c
}

func span(d *types.Duration) time.Duration {
	if d == nil {
		return 0
	}
	return time.Duration(*d)
}

func seconds(d *types.Duration) *int {
	if d == nil {
		return nil
	}
	s := int(time.Duration(*d).Seconds())
	return &s
}

// restartPolicy reads "on-failure:3" and the like.
func restartPolicy(s string) container.RestartPolicy {
	name, count, _ := strings.Cut(s, ":")
	n, _ := strconv.Atoi(count) // checked by Compose's loader
	return container.RestartPolicy{Name: container.RestartPolicyMode(name), MaximumRetryCount: n}
}

func logConfig(l *types.LoggingConfig) container.LogConfig {
	if l == nil {
		return container.LogConfig{}
	}
	return container.LogConfig{Type: l.Driver, Config: l.Options}
}

func tmpfs(list types.StringList) map[string]string {
	if len(list) == 0 {
		return nil
	}
	out := map[string]string{}
	for _, t := range list {
		target, options, _ := strings.Cut(t, ":")
		out[target] = options
	}
	return out
}

func resources(s types.ServiceConfig) container.Resources {
	r := container.Resources{Memory: int64(s.MemLimit)}
	if s.PidsLimit != 0 {
		r.PidsLimit = &s.PidsLimit
	}
	for _, name := range slices.Sorted(maps.Keys(s.Ulimits)) {
		u := s.Ulimits[name]
		soft, hard := u.Soft, u.Hard
		if u.Single != 0 {
			soft, hard = u.Single, u.Single
		}
		r.Ulimits = append(r.Ulimits, &container.Ulimit{Name: name, Soft: int64(soft), Hard: int64(hard)})
	}
	return r
}
