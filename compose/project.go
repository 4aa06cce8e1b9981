package compose

import (
	"net/netip"
	"path"
	"strconv"
	"time"

	"github.com/compose-spec/compose-go/v2/types"

	"github.com/etcdctr/etcdctr/cluster"
)

// Names of what a stack is made of besides its members. Compose puts the
// project's name in front of them on the engine.
const (
	// ClusterNetwork connects the members with each other and with clients
	// that are put on it. It is internal: no route leads in or out.
	ClusterNetwork = "cluster"
	// LoopbackNetwork exists with publish: loopback only. Engines discard
	// published ports on internal networks without a word (moby#36174), so
	// publishing takes a second one.
	LoopbackNetwork = "loopback"
	// MachineNetwork takes the place of both on a machine that runs one member
	// of a cluster of several machines.
	MachineNetwork = "machine"
)

// RoleLabel tells what a service of a stack is for; see the roles.
const RoleLabel = "io.etcdctr.role"

// The roles of services.
const (
	RoleMember = "member"
)

// Options are what a project needs to know beyond the cluster: where files
// stand, as seen from the Compose file.
type Options struct {
	// CertsDir holds the cluster's certificates, as package certs lays them
	// out. It must begin with "/", "./" or "../", or Compose would take it
	// for a volume's name. Unused with tls: none.
	CertsDir string
	// EnvDir, if not empty, holds one environment file a member (see
	// EnvFileName), and the services refer to those instead of spelling the
	// environment out.
	EnvDir string
}

// Project gives the Compose project of a cluster. Of a cluster that spans
// machines it is one machine's part: see cluster.Cluster.Only.
func Project(c *cluster.Cluster, o Options) *types.Project {
	p := &types.Project{
		Name:     c.Name,
		Services: types.Services{},
		Networks: networks(c),
		Volumes:  types.Volumes{},
	}
	for _, m := range c.Members {
		p.Services[m.Name] = service(c, m, o)
		if c.Data == cluster.Volume {
			p.Volumes[volumeName(m)] = types.VolumeConfig{}
		}
	}
	return p
}

func networks(c *cluster.Cluster) types.Networks {
	if c.SpansMachines() {
		return types.Networks{MachineNetwork: machineNetwork(c.Members[0].Host)}
	}
	n := types.Networks{ClusterNetwork: {Internal: true}}
	if c.Publish == cluster.PublishLoopback {
		n[LoopbackNetwork] = loopbackNetwork()
	}
	return n
}

// machineNetwork lets a member reach the other machines as coming from its own
// machine's address, on a machine with several as well: etcd compares where a
// peer comes from with the addresses in its certificate.
func machineNetwork(host netip.Addr) types.NetworkConfig {
	if host.Is6() {
		on := true
		return types.NetworkConfig{
			EnableIPv6: &on,
			DriverOpts: types.Options{"com.docker.network.host_ipv6": host.String()},
		}
	}
	return types.NetworkConfig{DriverOpts: types.Options{"com.docker.network.host_ipv4": host.String()}}
}

// loopbackNetwork lets the engine publish ports. Without masquerading, what a
// container sends beyond the host has no address to answer to. Members may
// talk to each other through it as well: their names resolve on both networks.
func loopbackNetwork() types.NetworkConfig {
	return types.NetworkConfig{DriverOpts: types.Options{
		"com.docker.network.bridge.enable_ip_masquerade": "false",
	}}
}

func volumeName(m cluster.Member) string { return m.Name + "-data" }

// service gives one member's service.
func service(c *cluster.Cluster, m cluster.Member, o Options) types.ServiceConfig {
	s := types.ServiceConfig{Name: m.Name}
	s.Image = c.Image
	s.Hostname = m.Name
	s.Labels = types.Labels{RoleLabel: RoleMember}
	s.Restart = c.Upkeep.Restart
	s.StopGracePeriod = span(c.Upkeep.StopGrace)
	s.HealthCheck = healthCheck(c.Upkeep.Health)
	s.Logging = logging()
	s.Networks = map[string]*types.ServiceNetworkConfig{}
	for name := range networks(c) {
		s.Networks[name] = nil
	}
	s.Ports = ports(m)
	s.Volumes = []types.ServiceVolumeConfig{dataVolume(c, m)}
	confine(&s)
	if c.TLS == cluster.Mutual {
		letReadKeys(&s)
		s.Volumes = append(s.Volumes, certsVolume(m, o))
	}
	if o.EnvDir != "" {
		s.EnvFiles = []types.EnvFile{{Path: path.Join(o.EnvDir, EnvFileName(m)), Required: true}}
	} else {
		s.Environment = environment(m)
	}
	return s
}

// confine takes from a container what etcd does not need.
func confine(s *types.ServiceConfig) {
	s.ReadOnly = true
	s.CapDrop = []string{"ALL"}
	s.SecurityOpt = []string{"no-new-privileges:true"}
}

// letReadKeys makes a key readable that only its owner on the host may read,
// whoever that is and whatever user the image names: root reads it by
// DAC_OVERRIDE, which is one of the capabilities that every container has
// unless they are dropped. Making the key readable for more users of the host
// would be the alternative.
func letReadKeys(s *types.ServiceConfig) {
	s.User = "0:0"
	s.CapAdd = []string{"DAC_OVERRIDE"}
}

// healthCheck asks the member through etcdctl, in exec form: the official
// image has no shell. etcdctl's default endpoint is the member itself, and its
// certificate comes from the environment (see cluster.Member.Variables).
func healthCheck(h cluster.HealthCheck) *types.HealthCheckConfig {
	retries := uint64(h.Retries)
	return &types.HealthCheckConfig{
		Test:          types.HealthCheckTest{"CMD", "/usr/local/bin/etcdctl", "endpoint", "health"},
		Interval:      span(h.Interval),
		Timeout:       span(h.Timeout),
		Retries:       &retries,
		StartPeriod:   span(h.StartPeriod),
		StartInterval: span(h.StartInterval),
	}
}

// logging keeps a member from filling the host's disk with its log.
func logging() *types.LoggingConfig {
	return &types.LoggingConfig{
		Driver:  "json-file",
		Options: types.Options{"max-size": "10m", "max-file": "3"},
	}
}

func dataVolume(c *cluster.Cluster, m cluster.Member) types.ServiceVolumeConfig {
	if c.Data == cluster.Memory {
		return types.ServiceVolumeConfig{Type: types.VolumeTypeTmpfs, Target: cluster.ContainerVolumeDir}
	}
	return types.ServiceVolumeConfig{
		Type: types.VolumeTypeVolume, Source: volumeName(m), Target: cluster.ContainerVolumeDir,
		Volume: &types.ServiceVolumeVolume{},
	}
}

// certsVolume mounts the member's own certificates. The folder is mounted, not
// its files, so that a renewed certificate is seen: etcd reads it again at the
// next handshake.
func certsVolume(m cluster.Member, o Options) types.ServiceVolumeConfig {
	return types.ServiceVolumeConfig{
		Type:     types.VolumeTypeBind,
		Source:   o.CertsDir + "/members/" + m.Name,
		Target:   m.Place.CertsDir,
		ReadOnly: true,
		Bind: &types.ServiceVolumeBind{
			SELinux:        "z",                 // where SELinux enforces, let containers read it
			CreateHostPath: types.OptOut(false), // an empty folder in its place would only confuse
		},
	}
}

// ports are what a member publishes, each on one address.
func ports(m cluster.Member) []types.ServicePortConfig {
	if on := m.Place.PublishOn; on.IsValid() {
		return []types.ServicePortConfig{
			port(on.String(), m.Place.ClientPort, m.Place.ClientPort),
			port(on.String(), m.Place.PeerPort, m.Place.PeerPort),
		}
	}
	if m.PublishedPort != 0 {
		return []types.ServicePortConfig{port("127.0.0.1", m.PublishedPort, m.Place.ClientPort)}
	}
	return nil
}

func port(address string, published, target int) types.ServicePortConfig {
	return types.ServicePortConfig{
		Mode:      "ingress",
		HostIP:    address,
		Target:    uint32(target),
		Published: strconv.Itoa(published),
		Protocol:  "tcp",
	}
}

func environment(m cluster.Member) types.MappingWithEquals {
	env := types.MappingWithEquals{}
	for _, v := range m.Variables() {
		env[v.Name] = &v.Value
	}
	return env
}

func span(d time.Duration) *types.Duration {
	x := types.Duration(d)
	return &x
}
