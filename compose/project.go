package compose

import (
	"net/netip"
	"path"
	"path/filepath"
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
	// LoopbackNetwork exists only where something is published on loopback: client
	// ports with publish, Prometheus with prometheus-port. Engines discard
	// published ports on internal networks without a word (moby#36174), so
	// publishing takes a second one.
	LoopbackNetwork = "loopback"
	// MachineNetwork takes the place of both on a machine that runs one member
	// of a cluster of several machines.
	MachineNetwork = "machine"
	// BackupNetwork leads out of the stack, for backups in a bucket.
	BackupNetwork = "backup"
	// DiscoveryNetwork is where members reach an existing discovery service.
	DiscoveryNetwork = "discovery"
)

// NetworkOf is the name on an engine, or in a swarm, of the network that a stack's
// members are on.
func NetworkOf(stack string) string { return stack + "_" + ClusterNetwork }

// RoleLabel tells what a service of a stack is for; see the roles.
const RoleLabel = "io.etcdctr.role"

// The roles of services.
const (
	RoleMember     = "member"
	RoleDiscovery  = "discovery"  // a discovery service
	RoleDNS        = "dns"        // a DNS server
	RoleTask       = "task"       // runs to its end at each start of the stack
	RoleGuard      = "guard"      // keeps a token from being used again
	RoleMonitoring = "monitoring" // Prometheus
	RoleBackup     = "backup"     // takes backups at their times
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
	// DNSDir holds what package dns writes for the stack's DNS server.
	DNSDir string
	// MonitoringDir holds what package monitoring writes for the stack's
	// Prometheus.
	MonitoringDir string
	// Credentials are the files that members show an existing discovery
	// service.
	Credentials cluster.DiscoveryCredentials
	// Contents are those of the members' certificates and keys, by their paths in
	// CertsDir: in a swarm they are called by what is in them. Unused elsewhere.
	Contents map[string][]byte
	// Backups is what backups go into: a folder, which must begin as CertsDir does, or
	// a bucket. Without it the stack has no service that takes them.
	Backups string
}

// Of gives the options of a cluster whose files are as its description says and in these
// folders, of which DNSDir and MonitoringDir hold a folder for each cluster. At gives each
// path as Compose is to see it.
func (o Options) Of(c *cluster.Cluster, at func(path string) string) Options {
	o.CertsDir, o.EnvDir = at(o.CertsDir), at(o.EnvDir)
	o.DNSDir, o.MonitoringDir = at(filepath.Join(o.DNSDir, c.Name)), at(filepath.Join(o.MonitoringDir, c.Name))
	if c.Backup != nil {
		o.Backups = c.Backup.Destination
		if c.Backup.InFolder() {
			o.Backups = at(o.Backups)
		}
	}
	if c.Discovery != nil {
		files := c.Discovery.Credentials
		o.Credentials = cluster.DiscoveryCredentials{CACert: at(files.CACert), Cert: at(files.Cert), Key: at(files.Key)}
	}
	return o
}

// Project gives the Compose project of a cluster. Of a cluster that spans
// machines it is one machine's part: see cluster.Cluster.Only. With runtime: swarm
// it is a stack, for `docker stack deploy`.
func Project(c *cluster.Cluster, o Options) *types.Project {
	if c.Runtime == cluster.Swarm {
		return swarmStack(c, o)
	}
	p := &types.Project{
		Name:     c.Name,
		Services: types.Services{},
		Networks: networks(c),
		Volumes:  types.Volumes{},
	}
	for _, m := range c.Members {
		p.Services[m.Name] = memberService(c, m, o)
		if c.Data == cluster.Volume && m.Store.Folder == "" {
			p.Volumes[volumeName(m)] = volume(c, volumeName(m))
			if m.Store.Volume != "" {
				p.Volumes[volumeName(m)] = types.VolumeConfig{Name: m.Store.Volume, External: true}
			}
		}
	}
	if c.Discovery != nil {
		addDiscovery(p, c, o)
	}
	if c.Backup != nil && c.Backup.Service && o.Backups != "" {
		p.Services[cluster.BackupName] = backupService(c, o)
		if !c.Backup.InFolder() {
			p.Networks[BackupNetwork] = types.NetworkConfig{}
		}
	}
	if c.DNS != nil && len(c.DNS.Addresses) > 0 {
		p.Services[cluster.DNSServerName] = dnsService(c, o)
	}
	if c.Monitoring != nil {
		p.Services[cluster.PrometheusName] = prometheusService(c, o)
		if c.Data == cluster.Volume {
			p.Volumes[VolumeName(cluster.PrometheusName)] = types.VolumeConfig{}
		}
	}
	return p
}

func networks(c *cluster.Cluster) types.Networks {
	if c.SpansMachines() {
		return types.Networks{MachineNetwork: machineNetwork(c.Members[0].Host)}
	}
	n := types.Networks{ClusterNetwork: clusterNetwork(c.Subnets)}
	if c.Discovery != nil && c.Discovery.ByMembers() {
		n[DiscoveryNetwork] = discoveryNetwork(c.Discovery)
	}
	if c.Publish.Opens() || c.Monitoring != nil && c.Monitoring.Port != 0 {
		n[LoopbackNetwork] = loopbackNetwork()
	}
	return n
}

// clusterNetwork has the engine choose addresses, or with fixed ones keeps it
// to the other half of the subnets.
func clusterNetwork(subnets []netip.Prefix) types.NetworkConfig {
	n := types.NetworkConfig{Internal: true}
	for _, s := range subnets {
		n.Ipam.Config = append(n.Ipam.Config, &types.IPAMPool{
			Subnet: s.String(), IPRange: cluster.Dynamic(s).String(), Gateway: s.Addr().Next().String(),
		})
		if s.Addr().Is6() {
			on := true
			n.EnableIPv6 = &on
		}
	}
	return n
}

// at gives a service its fixed addresses on the members' network, if any.
func at(addresses []netip.Addr) *types.ServiceNetworkConfig {
	if len(addresses) == 0 {
		return nil
	}
	n := &types.ServiceNetworkConfig{}
	for _, a := range addresses {
		if a.Is4() {
			n.Ipv4Address = a.String()
		} else {
			n.Ipv6Address = a.String()
		}
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
	return types.NetworkConfig{DriverOpts: types.Options{masquerade: "false"}}
}

// masquerade is the option of an engine's network by which what it sends to elsewhere
// has the machine's address.
const masquerade = "com.docker.network.bridge.enable_ip_masquerade"

// LeadsOut reports whether who is on a network gets answers from beyond it.
func LeadsOut(n types.NetworkConfig) bool {
	return !bool(n.Internal) && n.DriverOpts[masquerade] != "false"
}

// volume is a volume of members. A protected one is not Compose's to delete, and so
// not to make either.
func volume(c *cluster.Cluster, key string) types.VolumeConfig {
	if !c.Protect {
		return types.VolumeConfig{}
	}
	return types.VolumeConfig{Name: c.Name + "_" + key, External: true}
}

func volumeName(m cluster.Member) string { return VolumeName(m.Name) }

// VolumeName is the name of the volume, in the Compose file, that holds the data
// of a service.
func VolumeName(service string) string { return service + "-data" }

// NetworkNames are all the networks that a project may have, by their names in the
// Compose file.
func NetworkNames() []string {
	return []string{ClusterNetwork, LoopbackNetwork, MachineNetwork, DiscoveryNetwork, BackupNetwork}
}

// container is what all containers of a stack have in common.
func container(c *cluster.Cluster, name, role string) types.ServiceConfig {
	s := types.ServiceConfig{Name: name}
	s.Image = c.Image
	s.Labels = types.Labels{RoleLabel: role}
	s.Logging = logging()
	s.Networks = map[string]*types.ServiceNetworkConfig{ClusterNetwork: nil}
	if !looksOutside(c) {
		keepLookupsInside(&s)
	}
	s.ExtraHosts = hostsFile(c)
	confine(&s)
	return s
}

// nowhere is a DNS server that nobody is: a port of the container itself.
const nowhere = "127.0.0.1"

// keepLookupsInside has the engine's DNS server know the stack's names and no
// others. It would ask the machine's servers, which older engines do even from
// an internal network (CVE-2024-29018). And of a member that is not there yet, or
// no more, it says so at once: with ndots set, it forwards no name without a dot.
// Where the machine's servers do not answer, as in a closed network, the question
// would cost a start seconds, and hold up the end of a container for 4 s.
// Source: libnetwork/resolver.go of github.com/moby/moby.
func keepLookupsInside(s *types.ServiceConfig) {
	s.DNS = types.StringList{nowhere}
	s.DNSSearch = types.StringList{"."} // none, or the machine's would come first
	s.DNSOpts = []string{"ndots:1"}
}

// hostsFile are the names that a container is told of the stack.
func hostsFile(c *cluster.Cluster) types.HostsList {
	var hosts types.HostsList
	for _, h := range c.HostsFile() {
		for _, a := range h.Addresses {
			if hosts == nil {
				hosts = types.HostsList{}
			}
			hosts[h.Name] = append(hosts[h.Name], a.String())
		}
	}
	return hosts
}

// looksOutside tells whether a stack knows something by a name that is not of
// the stack.
func looksOutside(c *cluster.Cluster) bool {
	foreignDNS := c.DNS != nil && len(c.DNS.Addresses) == 0
	foreignDiscovery := c.Discovery != nil && c.Discovery.Server == nil
	return foreignDNS || foreignDiscovery || c.SpansMachines()
}

// server is a container that runs etcd.
func server(c *cluster.Cluster, m cluster.Member, role string, o Options) types.ServiceConfig {
	s := container(c, m.Name, role)
	s.Hostname = m.Name
	if m.Place.Known {
		s.Networks[ClusterNetwork] = at(m.Place.Addresses)
	}
	s.Restart = c.Upkeep.Restart
	s.StopGracePeriod = span(c.Upkeep.StopGrace)
	s.HealthCheck = healthCheck(c, "endpoint", "health")
	s.Environment = environment(m.Variables())
	passProxiesBy(&s, m.Environment, c)
	s.Volumes = []types.ServiceVolumeConfig{dataVolume(c, m)}
	if c.TLS == cluster.Mutual || m.Store.Given() {
		readAnyOwners(&s)
	}
	if c.TLS == cluster.Mutual {
		s.Volumes = append(s.Volumes, certsVolume(m.Name, m.Place.CertsDir, o))
	}
	return s
}

// memberService gives one member's service.
func memberService(c *cluster.Cluster, m cluster.Member, o Options) types.ServiceConfig {
	s := server(c, m, RoleMember, o)
	s.Networks = map[string]*types.ServiceNetworkConfig{}
	for name := range networks(c) {
		if name != LoopbackNetwork || c.Publish.Opens() {
			s.Networks[name] = nil
		}
	}
	if len(c.Subnets) > 0 {
		s.Networks[ClusterNetwork] = at(m.Place.Addresses)
	}
	s.Ports = ports(m)
	if c.Discovery != nil {
		discover(&s, c, o)
	}
	if c.DNS != nil {
		lookUp(&s, c)
	}
	if o.EnvDir != "" {
		readEnvFile(&s, m, c, o)
	}
	return s
}

// readEnvFile has a service read what it would spell out.
func readEnvFile(s *types.ServiceConfig, m cluster.Member, c *cluster.Cluster, o Options) {
	s.Environment = nil
	passProxiesBy(s, m.Environment, c)
	s.EnvFiles = []types.EnvFile{{Path: path.Join(o.EnvDir, EnvFileName(m)), Required: true}}
}

// confine takes from a container what etcd does not need.
func confine(s *types.ServiceConfig) {
	s.ReadOnly = true
	s.CapDrop = []string{"ALL"}
	s.SecurityOpt = []string{"no-new-privileges:true"}
}

// readAnyOwners makes a key readable that only its owner on the host may read,
// and data that somebody else has begun, whoever that is and whatever user the
// image names: root reads it by DAC_OVERRIDE, which is one of the capabilities that
// every container has unless they are dropped. Making the key readable for more
// users of the host would be the alternative.
func readAnyOwners(s *types.ServiceConfig) {
	s.User = "0:0"
	s.CapAdd = []string{"DAC_OVERRIDE"}
}

// Etcdctl is where the official image has etcdctl.
const Etcdctl = "/usr/local/bin/etcdctl"

// healthCheck runs etcdctl in the container, in exec form: the official image
// has no shell. etcdctl's default endpoint is the member itself, and its
// certificate comes from the environment (see cluster.Member.Variables).
//
// A machine's part has no start interval: nobody waits there, and what engine the machine
// has is not known.
func healthCheck(c *cluster.Cluster, args ...string) *types.HealthCheckConfig {
	h := c.Upkeep.Health
	retries := uint64(h.Retries)
	check := &types.HealthCheckConfig{
		Test:        append(types.HealthCheckTest{"CMD", Etcdctl}, args...),
		Interval:    span(h.Interval),
		Timeout:     span(h.Timeout),
		Retries:     &retries,
		StartPeriod: span(h.StartPeriod),
	}
	if !h.NoStartInterval && !c.SpansMachines() {
		check.StartInterval = span(h.StartInterval)
	}
	return check
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
	if m.Store.Folder != "" {
		return types.ServiceVolumeConfig{
			Type: types.VolumeTypeBind, Source: m.Store.Folder, Target: cluster.ContainerVolumeDir,
			Bind: &types.ServiceVolumeBind{CreateHostPath: types.OptOut(false)}, // a disk that is not mounted is no empty folder
		}
	}
	return types.ServiceVolumeConfig{
		Type: types.VolumeTypeVolume, Source: volumeName(m), Target: cluster.ContainerVolumeDir,
		Volume: &types.ServiceVolumeVolume{},
	}
}

// certsVolume mounts a member's own certificates. The folder is mounted, not
// its files, so that a renewed certificate is seen: etcd reads it again at the
// next handshake.
func certsVolume(member, target string, o Options) types.ServiceVolumeConfig {
	return bind(o.CertsDir+"/members/"+member, target)
}

// bind mounts a file or folder of the host, to be read.
func bind(source, target string) types.ServiceVolumeConfig {
	return types.ServiceVolumeConfig{
		Type:     types.VolumeTypeBind,
		Source:   source,
		Target:   target,
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
	if on := m.Published(); on.IsValid() {
		return []types.ServicePortConfig{port(on.Addr().String(), m.PublishedPort, m.Place.ClientPort)}
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

func environment(vars []cluster.Variable) types.MappingWithEquals {
	env := types.MappingWithEquals{}
	for _, v := range vars {
		env[v.Name] = &v.Value
	}
	return env
}

func span(d time.Duration) *types.Duration {
	x := types.Duration(d)
	return &x
}
