package compose

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
	"go.yaml.in/yaml/v3"

	"github.com/etcdctr/etcdctr/cluster"
)

// This file renders a cluster as a stack of a Docker Swarm. `docker stack deploy`
// reads an older form of the Compose file: what that can't say is left out, and named
// in the file's header.

// Labels of a service of a swarm, besides RoleLabel.
const (
	ClusterLabel = "io.etcdctr.cluster" // the cluster's name
	ReleaseLabel = "io.etcdctr.etcd"    // the release that the service is said to run
)

// IdentityFile is a file of a member's certificates, which a service of a swarm is
// given by itself: as a secret where it is private, and as a config otherwise.
type IdentityFile struct {
	Profile string // the folder: server or peer
	Name    string
}

// IdentityFiles are those of a member.
func IdentityFiles() []IdentityFile {
	var all []IdentityFile
	for _, profile := range []string{"server", "peer"} {
		for _, name := range []string{"ca.crt", "tls.crt", privateKey, "crl.der"} {
			all = append(all, IdentityFile{profile, name})
		}
	}
	return all
}

const privateKey = "tls.key"

// Private reports whether nobody else may read it.
func (f IdentityFile) Private() bool { return f.Name == privateKey }

// Path is where the file is in a folder of a member's certificates.
func (f IdentityFile) Path(dir string) string { return path.Join(dir, f.Profile, f.Name) }

// Of is where the file of a member is in the folder of a cluster's certificates.
func (f IdentityFile) Of(member string) string { return f.Path(path.Join("members", member)) }

// kind is what the file is, in a word: ca, crt, key or crl.
func (f IdentityFile) kind() string {
	first, last, _ := strings.Cut(f.Name, ".")
	if first == "tls" {
		return last
	}
	return first
}

// ObjectName is what a file with some content is called in a swarm, where a secret or
// config never changes: another content is another object.
func (f IdentityFile) ObjectName(clusterName string, content []byte) string {
	const digits = 16 // with the longest name of a cluster, still a name that Swarm takes
	sum := sha256.Sum256(content)
	return fmt.Sprintf("%s_%s-%s", clusterName, f.kind(), hex.EncodeToString(sum[:])[:digits])
}

// swarmStack gives the stack of a cluster.
func swarmStack(c *cluster.Cluster, o Options) *types.Project {
	p := &types.Project{
		Name:     c.Name,
		Services: types.Services{},
		Networks: types.Networks{ClusterNetwork: {Driver: "overlay", Internal: true, Attachable: true}},
		Volumes:  types.Volumes{},
		Secrets:  types.Secrets{},
		Configs:  types.Configs{},
	}
	for _, m := range c.Members {
		s := swarmService(c, m, o)
		if c.Data == cluster.Volume {
			p.Volumes[volumeName(m)] = types.VolumeConfig{}
		}
		if c.TLS == cluster.Mutual {
			readAnyOwners(&s)
			giveIdentity(p, &s, m, o)
		}
		p.Services[m.Name] = s
	}
	return p
}

// swarmService has no health check: Swarm gives a task no name before its check
// passes, and a member without a name never has a quorum.
func swarmService(c *cluster.Cluster, m cluster.Member, o Options) types.ServiceConfig {
	s := container(c, m.Name, RoleMember)
	s.Hostname = m.Name
	s.SecurityOpt, s.DNSOpts = nil, nil
	s.StopGracePeriod = span(c.Upkeep.StopGrace)
	s.HealthCheck = &types.HealthCheckConfig{Disable: true}
	s.Environment = environment(m.Variables())
	passProxiesBy(&s, m.Environment, c)
	if o.EnvDir != "" {
		readEnvFile(&s, m, c, o)
	}
	s.Volumes = []types.ServiceVolumeConfig{dataVolume(c, m)}
	one := uint64(1)
	delay := types.Duration(RestartDelay)
	s.Deploy = &types.DeployConfig{
		Labels:        types.Labels{RoleLabel: RoleMember, ClusterLabel: c.Name, ReleaseLabel: c.Etcd.String()},
		EndpointMode:  "dnsrr",
		Placement:     types.Placement{Constraints: []string{cluster.NodeConstraint(m.Node)}},
		UpdateConfig:  &types.UpdateConfig{Parallelism: &one, Order: "stop-first"},
		RestartPolicy: &types.RestartPolicy{Condition: RestartCondition(c.Upkeep.Restart), Delay: &delay},
	}
	return s
}

// RestartDelay is how long a task that has ended is left alone.
const RestartDelay = 2 * time.Second

// RestartCondition is when Swarm starts a service's task again, for Compose's word. A
// node that is shut down ends its tasks in order, so it has to be any condition.
func RestartCondition(restart string) string {
	switch restart {
	case "no":
		return "none"
	case "on-failure":
		return "on-failure"
	}
	return "any"
}

// giveIdentity gives a service the member's certificates.
func giveIdentity(p *types.Project, s *types.ServiceConfig, m cluster.Member, o Options) {
	for _, f := range IdentityFiles() {
		object := types.FileObjectConfig{
			Name: f.ObjectName(p.Name, o.Contents[f.Of(m.Name)]), File: path.Join(o.CertsDir, f.Of(m.Name)),
		}
		if !strings.HasPrefix(object.File, "/") && !strings.HasPrefix(object.File, "../") {
			object.File = "./" + object.File
		}
		target := f.Path(m.Place.CertsDir)
		if f.Private() {
			mode := types.FileMode(0o400)
			key := m.Name + "-" + f.Profile + "-key"
			p.Secrets[key] = types.SecretConfig(object)
			s.Secrets = append(s.Secrets, types.ServiceSecretConfig{Source: key, Target: target, UID: "0", GID: "0", Mode: &mode})
			continue
		}
		key := f.Profile + "-" + f.kind()
		if had, ok := p.Configs[key]; ok && had.Name != object.Name || f.kind() == "crt" {
			key = m.Name + "-" + key
		}
		if _, ok := p.Configs[key]; !ok {
			p.Configs[key] = types.ConfigObjConfig(object)
		}
		s.Configs = append(s.Configs, types.ServiceConfigObjConfig{Source: key, Target: target})
	}
}

// forStack makes a marshalled project one that `docker stack deploy` takes: without a
// name, and with modes that are numbers.
func forStack(root *yaml.Node) {
	remove(root, "name")
	for _, s := range values(get(root, "services")) {
		for _, secret := range items(get(s, "secrets")) {
			if mode := get(secret, "mode"); mode != nil {
				mode.Tag, mode.Style = "!!int", 0
			}
		}
	}
}

func items(list *yaml.Node) []*yaml.Node {
	if list == nil {
		return nil
	}
	return list.Content
}

// stackHeader tells what the file is, and what it can't say.
func stackHeader(c *cluster.Cluster) string {
	var nodes []string
	for _, m := range c.Members {
		if !slices.Contains(nodes, m.Node) {
			nodes = append(nodes, m.Node)
		}
	}
	size, on := fmt.Sprintf("%d members", len(c.Members)), "nodes"
	if len(c.Members) == 1 {
		size = "1 member"
	}
	if len(nodes) == 1 {
		on = "node"
	}
	return fmt.Sprintf(`# etcd %[1]s, %[2]s on the %[3]s %[4]s of a swarm: %[5]s, no port is published.
#
#   docker stack deploy --compose-file THIS-FILE %[6]s
#   docker service logs %[6]s_%[7]s
#
# What a stack file can't say, and `+"`etcdctr up`"+` with runtime: swarm does:
#   name            the stack is called %[6]s by the command above
#   security_opt    no-new-privileges is left out: Swarm would ignore it
#   dns_opt         ndots is left out: a name that is not there is looked up in vain
#   restart         is deploy.restart_policy here
#   depends_on      Swarm starts services in no order, and members wait for each other
#   ipv4_address    there are no fixed addresses: members know each other by their names
#   127.0.0.1:2379  among ports would open on every address of every node
# It has no health check either: Swarm gives a task no name before its check passes, so
# members that ask for a quorum would never find each other. And where several services
# change, stack deploy updates all at once, which takes the quorum: `+"`etcdctr up`"+` does
# not.
#
# Made by etcdctr. To change it, change the cluster file or the flags and make it again:
# after a renewal of certificates, too.

`, c.Etcd, size, on, strings.Join(nodes, ", "), tlsWords[c.TLS], c.Name, c.Members[0].Name)
}

// IsObjectName reports whether a secret or config is called as ObjectName calls those
// of a cluster.
func IsObjectName(clusterName, object string) bool {
	rest, ok := strings.CutPrefix(object, clusterName+"_")
	kind, sum, whole := strings.Cut(rest, "-")
	_, err := hex.DecodeString(sum)
	return ok && whole && err == nil && slices.ContainsFunc(IdentityFiles(), func(f IdentityFile) bool { return f.kind() == kind })
}

// IsSecretName tells the secrets among them from the configs.
func IsSecretName(clusterName, object string) bool {
	return strings.HasPrefix(object, clusterName+"_"+IdentityFile{Name: privateKey}.kind()+"-")
}
