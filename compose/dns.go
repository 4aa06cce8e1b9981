package compose

import (
	"github.com/compose-spec/compose-go/v2/types"

	"github.com/etcdctr/etcdctr/cluster"
)

// ContainerDNSDir is where the DNS server finds its files.
const ContainerDNSDir = "/etc/coredns"

// dnsService is CoreDNS with the cluster's zone, or etcdctr's own server where there
// is to be no image but etcdctr's. CoreDNS's image has a file
// capability on the program, without which in the bounding set the kernel
// refuses to run it.
func dnsService(c *cluster.Cluster, o Options) types.ServiceConfig {
	s := container(c, cluster.DNSServerName, RoleDNS)
	s.Image = c.DNS.Image
	s.Command = types.ShellCommand{"-conf", ContainerDNSDir + "/Corefile"}
	if s.Image == OwnImage {
		s.Command = types.ShellCommand{DNSProgram, ContainerDNSDir}
	}
	s.CapAdd = []string{"NET_BIND_SERVICE"}
	s.Restart = c.Upkeep.Restart
	s.Networks[ClusterNetwork] = at(c.DNS.Addresses)
	s.Volumes = []types.ServiceVolumeConfig{bind(o.DNSDir, ContainerDNSDir)}
	return s
}

// lookUp has a member ask the stack's DNS server.
func lookUp(s *types.ServiceConfig, c *cluster.Cluster) {
	if len(c.DNS.Addresses) == 0 {
		return
	}
	s.DNS, s.DNSSearch, s.DNSOpts = nil, nil, nil
	for _, a := range c.DNS.Addresses {
		s.DNS = append(s.DNS, a.String())
	}
	s.DependsOn = types.DependsOnConfig{cluster.DNSServerName: after(types.ServiceConditionStarted)}
}
