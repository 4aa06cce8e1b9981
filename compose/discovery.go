package compose

import (
	"strconv"

	"github.com/compose-spec/compose-go/v2/types"

	"github.com/etcdctr/etcdctr/cluster"
)

// discoveryNetwork is that of an existing discovery service, or one that leads
// to it out of the stack.
func discoveryNetwork(d *cluster.Discovery) types.NetworkConfig {
	if d.Network != "" {
		return types.NetworkConfig{Name: d.Network, External: true}
	}
	return types.NetworkConfig{}
}

// addDiscovery adds what a stack brings along so that its members discover each
// other once, and no more than once.
func addDiscovery(p *types.Project, c *cluster.Cluster, o Options) {
	d := c.Discovery
	if d.Server != nil {
		p.Services[d.Server.Name] = server(c, *d.Server, RoleDiscovery, o)
		p.Services[cluster.DiscoveryOpenName] = openTask(c, o)
		if c.Data == cluster.Volume {
			p.Volumes[volumeName(*d.Server)] = types.VolumeConfig{}
		}
	}
	if !d.V2() && !d.ByProxy() && !c.SpansMachines() {
		p.Services[cluster.DiscoveryGuardName] = guardService(c, o)
	}
}

// discover has a member wait for a token that is open, and lets it reach an
// existing service.
func discover(s *types.ServiceConfig, c *cluster.Cluster, o Options) {
	switch d := c.Discovery; {
	case d.Server != nil:
		s.DependsOn = types.DependsOnConfig{cluster.DiscoveryOpenName: after(types.ServiceConditionCompletedSuccessfully)}
	case d.ByMembers():
		s.Volumes = append(s.Volumes, credentialVolumes(c, o)...)
		if d.Credentials.Key != "" {
			readAnyOwners(s)
		}
	}
}

// openTask has the stack's own service take as many registrations as the
// cluster had members when it was founded. Doing it again changes nothing.
//
// etcdctl gives up after 5 s, which a busy machine needs, and nobody asks again:
// Compose ends where a task fails.
func openTask(c *cluster.Cluster, o Options) types.ServiceConfig {
	patiently := []string{"--command-timeout=1m", "put"}
	if c.Discovery.V2() {
		patiently = []string{"--timeout=20s", "--total-timeout=1m", "set"}
	}
	s := asker(c, cluster.DiscoveryOpenName, RoleTask, o)
	s.Command = append(append(types.ShellCommand{Etcdctl}, patiently...), c.Discovery.SizeKey(), strconv.Itoa(founders(c)))
	s.Restart = types.RestartPolicyNo
	s.DependsOn = types.DependsOnConfig{cluster.DiscoveryServerName: after(types.ServiceConditionHealthy)}
	return s
}

// founders counts the members that meet at the discovery service: one that joins
// later is told of the others.
func founders(c *cluster.Cluster) int {
	n := 0
	for _, m := range c.Members {
		if m.Settings.Get("initial-cluster-state") != "existing" {
			n++
		}
	}
	return n
}

// guardService closes the token once every member is up, and again whenever
// somebody opens it. A v3 service does not refuse a member that has lost its
// data and registers once more under its old ID; the member then breaks at the
// first entry that it once acknowledged. A closed token refuses it. The first
// closing is the health check's, so that a stack that is up is guarded.
//
// In the stack's own service all of the token goes, as every start opens it
// again; a member that comes then waits for company. In another's only the size
// goes: who has registered stays on record.
//
// A machine with one member of several has no guard: it cannot tell when all
// have registered, and `docker compose up` would wait there for the others.
func guardService(c *cluster.Cluster, o Options) types.ServiceConfig {
	closing := []string{"del", c.Discovery.SizeKey()}
	watching := []string{"watch", c.Discovery.SizeKey()}
	if c.Discovery.Server != nil {
		closing = []string{"del", "--prefix", c.Discovery.TokenPrefix()}
		watching = []string{"watch", "--prefix", c.Discovery.TokenPrefix()}
	}
	s := asker(c, cluster.DiscoveryGuardName, RoleGuard, o)
	s.Command = append(append(append(types.ShellCommand{Etcdctl}, watching...), "--", Etcdctl), closing...)
	s.HealthCheck = healthCheck(c, closing...)
	s.Restart = c.Upkeep.Restart
	s.DependsOn = types.DependsOnConfig{}
	for _, m := range c.Members {
		s.DependsOn[m.Name] = after(types.ServiceConditionHealthy)
	}
	return s
}

// asker is a container that asks the discovery service with etcdctl.
func asker(c *cluster.Cluster, name, role string, o Options) types.ServiceConfig {
	d := c.Discovery
	s := container(c, name, role)
	s.Environment = environment(d.Variables())
	if d.Server != nil || d.Network != "" {
		passProxiesBy(&s, nil, c)
	}
	switch {
	case d.Server == nil:
		s.Networks = map[string]*types.ServiceNetworkConfig{DiscoveryNetwork: nil}
		s.Volumes = credentialVolumes(c, o)
		if d.Credentials.Key != "" {
			readAnyOwners(&s)
		}
	case c.TLS == cluster.Mutual:
		s.Volumes = []types.ServiceVolumeConfig{certsVolume(d.Server.Name, d.Server.Place.CertsDir, o)}
		readAnyOwners(&s)
	}
	return s
}

// credentialVolumes mount what an existing discovery service is shown.
func credentialVolumes(c *cluster.Cluster, o Options) []types.ServiceVolumeConfig {
	inside := c.Discovery.Credentials.In(cluster.ContainerDiscoveryDir)
	var volumes []types.ServiceVolumeConfig
	for _, f := range [][2]string{
		{o.Credentials.CACert, inside.CACert}, {o.Credentials.Cert, inside.Cert}, {o.Credentials.Key, inside.Key},
	} {
		if f[1] != "" {
			volumes = append(volumes, bind(f[0], f[1]))
		}
	}
	return volumes
}

func after(condition string) types.ServiceDependency {
	return types.ServiceDependency{Condition: condition, Required: true}
}
