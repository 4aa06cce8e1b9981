package swarm

import (
	"fmt"
	"maps"
	"net/netip"
	"os"
	"slices"
	"strings"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/api/types/swarm"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/compose"
)

// This file says what the service of a member is. What compose puts into a stack file
// is here as Swarm's own, with what a stack file can't say.

const (
	// imageLabel names the image as the description does, where the service has its
	// digest.
	imageLabel = "io.etcdctr.image"
	// stoppedLabel is on a service that was asked to stop.
	stoppedLabel = "io.etcdctr.stopped"
	// nowhere is a node that there is not: what a stopped service is bound to besides.
	nowhere = "node.labels.io.etcdctr.stopped==false"
)

// file is a member's file, with what it is in the swarm.
type file struct {
	compose.IdentityFile
	object string // name of the secret or config
	id     string // its ID; empty: it is not there yet
	data   []byte
}

// member is all that the service of a member is made of.
type member struct {
	cluster.Member
	image string // by digest or ID
	ref   string // as it was named
	store place  // no volume for memory
	node  string // ID
	files []file
}

// service gives the spec of a member's service, which runs.
func (t *target) specOf(m member) swarm.ServiceSpec {
	one := uint64(1)
	task := t.task(m)
	return swarm.ServiceSpec{
		Annotations:  swarm.Annotations{Name: serviceName(t.cluster.Name, m.Name), Labels: t.labels(m)},
		TaskTemplate: task,
		Mode:         swarm.ServiceMode{Replicated: &swarm.ReplicatedService{Replicas: &one}},
		UpdateConfig: &swarm.UpdateConfig{
			Parallelism: 1, Order: swarm.UpdateOrderStopFirst, FailureAction: swarm.UpdateFailureActionContinue, Monitor: monitor,
		},
		EndpointSpec: &swarm.EndpointSpec{Mode: swarm.ResolutionModeDNSRR},
	}
}

func (t *target) labels(m member) map[string]string {
	labels := map[string]string{
		stackLabel: t.cluster.Name, "com.docker.stack.image": m.ref,
		compose.RoleLabel: compose.RoleMember, compose.ClusterLabel: t.cluster.Name, compose.ReleaseLabel: t.cluster.Etcd.String(),
		imageLabel: m.ref,
	}
	if wish := t.cluster.Spec.Wish(); wish != "" {
		labels[wishLabel] = wish
	}
	return labels
}

func (t *target) task(m member) swarm.TaskSpec {
	delay := compose.RestartDelay
	return swarm.TaskSpec{
		ContainerSpec: t.container(m),
		RestartPolicy: &swarm.RestartPolicy{
			Condition: swarm.RestartPolicyCondition(compose.RestartCondition(t.cluster.Upkeep.Restart)), Delay: &delay,
		},
		Placement: &swarm.Placement{Constraints: []string{"node.id==" + m.node}},
		Networks:  []swarm.NetworkAttachmentConfig{{Target: t.network, Aliases: []string{m.Name}}},
		LogDriver: &swarm.Driver{Name: "json-file", Options: map[string]string{"max-size": "10m", "max-file": "3"}},
	}
}

func (t *target) container(m member) *swarm.ContainerSpec {
	grace := t.cluster.Upkeep.StopGrace
	c := &swarm.ContainerSpec{
		Image: m.image, Hostname: m.Name, Env: variables(m.Member), ReadOnly: true,
		Labels:          map[string]string{stackLabel: t.cluster.Name, compose.RoleLabel: compose.RoleMember},
		Privileges:      t.privileges(),
		CapabilityDrop:  []string{"ALL"},
		StopGracePeriod: &grace,
		Healthcheck:     &container.HealthConfig{Test: []string{"NONE"}}, // see doc.go
		Mounts:          []mount.Mount{dataMount(m)},
		DNSConfig: &swarm.DNSConfig{ // no names are looked up but the network's, and at once: see compose
			Nameservers: []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1})}, Search: []string{"."}, Options: []string{"ndots:1"},
		},
	}
	if t.cluster.TLS == cluster.Mutual {
		c.User, c.CapabilityAdd = "0:0", []string{"CAP_DAC_OVERRIDE"}
	}
	for _, f := range m.files {
		target := f.Path(m.Place.CertsDir)
		if f.Private() {
			c.Secrets = append(c.Secrets, &swarm.SecretReference{
				File:     &swarm.SecretReferenceFileTarget{Name: target, UID: "0", GID: "0", Mode: os.FileMode(0o400)},
				SecretID: f.id, SecretName: f.object,
			})
			continue
		}
		c.Configs = append(c.Configs, &swarm.ConfigReference{
			File:     &swarm.ConfigReferenceFileTarget{Name: target, UID: "0", GID: "0", Mode: os.FileMode(0o444)},
			ConfigID: f.id, ConfigName: f.object,
		})
	}
	return c
}

// privileges are those that an engine keeps of what it is told: one before Engine 25
// forgets this, and would be told again and again.
func (t *target) privileges() *swarm.Privileges {
	if !t.confines {
		return nil
	}
	return &swarm.Privileges{NoNewPrivileges: true}
}

// confiningAPI is the first that knows it.
const confiningAPI = "1.44"

func dataMount(m member) mount.Mount {
	if m.store.volume == "" {
		return mount.Mount{Type: mount.TypeTmpfs, Target: cluster.ContainerVolumeDir}
	}
	return mount.Mount{Type: mount.TypeVolume, Source: m.store.volume, Target: cluster.ContainerVolumeDir}
}

// variables are a member's settings and what else it finds in its environment, as
// NAME=value.
func variables(m cluster.Member) []string {
	env := map[string]string{}
	for _, v := range m.Variables() {
		env[v.Name] = v.Value
	}
	maps.Copy(env, m.Environment)
	all := make([]string, 0, len(env)+1)
	for name, value := range env {
		all = append(all, name+"="+value)
	}
	if !slices.ContainsFunc(all, func(x string) bool { return strings.HasPrefix(strings.ToUpper(x), "NO_PROXY=") }) {
		all = append(all, "NO_PROXY=*") // a proxy of the engine's is not for the members' own names
	}
	slices.Sort(all)
	return all
}

// stopped gives a service's spec as it is when it is stopped. See isStopped.
func stopped(spec swarm.ServiceSpec) swarm.ServiceSpec {
	spec.Labels = maps.Clone(spec.Labels)
	spec.Labels[stoppedLabel] = "1"
	spec.TaskTemplate.Placement = &swarm.Placement{Constraints: append(slices.Clone(bound(spec)), nowhere)}
	return spec
}

// begun gives a service's spec as it is when it runs.
func begun(spec swarm.ServiceSpec) swarm.ServiceSpec {
	spec.Labels = maps.Clone(spec.Labels)
	delete(spec.Labels, stoppedLabel)
	spec.TaskTemplate.Placement = &swarm.Placement{Constraints: bound(spec)}
	one := uint64(1)
	spec.Mode = swarm.ServiceMode{Replicated: &swarm.ReplicatedService{Replicas: &one}}
	return spec
}

// bound are a service's constraints but for the one of a stopped service.
func bound(spec swarm.ServiceSpec) []string {
	if spec.TaskTemplate.Placement == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(spec.TaskTemplate.Placement.Constraints), func(c string) bool { return c == nowhere })
}

// isStopped reports whether a service was asked to stop, by this program or by
// `docker service scale`.
func isStopped(s swarm.Service) bool {
	replicas := s.Spec.Mode.Replicated
	return s.Spec.Labels[stoppedLabel] != "" || replicas != nil && replicas.Replicas != nil && *replicas.Replicas == 0
}

// shape is what makes two specs of a service the same. The image of one is compared
// by itself.
func shape(spec swarm.ServiceSpec) string {
	t, c := spec.TaskTemplate, spec.TaskTemplate.ContainerSpec
	var b strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	say("hostname %s user %s read-only %t", c.Hostname, c.User, c.ReadOnly)
	say("privileges %t", c.Privileges != nil && c.Privileges.NoNewPrivileges)
	say("drop %v add %v", c.CapabilityDrop, c.CapabilityAdd)
	say("command %q %q", c.Command, c.Args)
	if c.DNSConfig != nil {
		say("dns %v", *c.DNSConfig)
	}
	if c.Healthcheck != nil {
		say("check %v", c.Healthcheck.Test)
	}
	for _, n := range t.Networks {
		say("aliases %v", n.Aliases)
	}
	if t.LogDriver != nil {
		say("log %v", *t.LogDriver)
	}
	if spec.EndpointSpec != nil {
		say("endpoint %s %v", spec.EndpointSpec.Mode, spec.EndpointSpec.Ports)
	}
	return b.String()
}
