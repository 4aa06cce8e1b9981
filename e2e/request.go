package e2e

import (
	"strings"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/api/types/network"
	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/log"
)

// This file turns a Compose service into what testcontainers asks the engine
// for.

// customizers are the caller's, and the logger.
func (o *options) customizers() []testcontainers.ContainerCustomizer {
	return append([]testcontainers.ContainerCustomizer{testcontainers.WithLogger(o.log())}, o.customize...)
}

func (o *options) log() log.Logger {
	if o.logger == nil {
		return log.Default()
	}
	return o.logger
}

// request gives the service's container, not started. port is the one of the
// engine's machine that the client port is published on.
func (c *Cluster) request(s types.ServiceConfig, port string) testcontainers.CustomizeRequestOption {
	return func(req *testcontainers.GenericContainerRequest) error {
		req.Name = c.containerName(s.Name)
		req.Cmd, req.Entrypoint = s.Command, s.Entrypoint
		req.Env = map[string]string(s.Environment.Resolve(func(string) (string, bool) { return "", false }).ToMapping())
		req.Labels = s.Labels
		req.Networks, req.NetworkAliases = c.attachments(s)
		req.ExposedPorts = []string{clientPort}
		req.ConfigModifier = func(config *container.Config) {
			config.Hostname, config.User = s.Hostname, s.User
			config.StopTimeout = seconds(s.StopGracePeriod)
			// The fixture asks the members itself, and more than a health check
			// does. A process for every member and second adds up in tests.
			config.Healthcheck = &container.HealthConfig{Test: []string{"NONE"}}
		}
		req.HostConfigModifier = func(host *container.HostConfig) {
			host.ReadonlyRootfs, host.CapAdd, host.CapDrop, host.SecurityOpt = s.ReadOnly, s.CapAdd, s.CapDrop, s.SecurityOpt
			host.RestartPolicy = container.RestartPolicy{Name: container.RestartPolicyMode(s.Restart)}
			if s.Logging != nil {
				host.LogConfig = container.LogConfig{Type: s.Logging.Driver, Config: s.Logging.Options}
			}
			host.Mounts = c.mounts(s)
			host.PortBindings = network.PortMap{
				network.MustParsePort(clientPort): {{HostIP: c.publishAddress(), HostPort: port}},
			}
		}
		return nil
	}
}

// containerName is the one that Compose would give, which the certificates
// are for as well.
func (c *Cluster) containerName(service string) string {
	return strings.Join([]string{c.Name, service, "1"}, "-")
}

// attachments are the service's networks. On the stack's own it answers to its
// name. On the caller's it answers to its container's name, which is unique:
// two clusters on one network must not take each other's etcd1 for their own.
func (c *Cluster) attachments(s types.ServiceConfig) (names []string, aliases map[string][]string) {
	aliases = map[string][]string{}
	for _, key := range s.NetworksByPriority() {
		name := c.project.Networks[key].Name
		names = append(names, name)
		aliases[name] = []string{s.Name}
	}
	return append(names, c.options.networks...), aliases
}

func (c *Cluster) mounts(s types.ServiceConfig) []mount.Mount {
	var all []mount.Mount
	for _, v := range s.Volumes {
		m := mount.Mount{Type: mount.Type(v.Type), Target: v.Target, ReadOnly: v.ReadOnly}
		switch v.Type {
		case types.VolumeTypeVolume:
			m.Source = c.project.Volumes[v.Source].Name
		case types.VolumeTypeBind:
			m.Type, m.Source = mount.TypeVolume, c.files[v.Source]
		}
		all = append(all, m)
	}
	return all
}

func seconds(d *types.Duration) *int {
	if d == nil {
		return nil
	}
	s := int(time.Duration(*d).Seconds())
	return &s
}
