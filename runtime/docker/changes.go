package docker

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/moby/moby/api/types/container"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/runtime"
	"github.com/etcdctr/etcdctr/stack"
)

// Changes compares what is wanted with what the engine holds now. A server whose
// image would only be another one after a pull is as wanted.
func (r *Runtime) Changes(ctx context.Context, want *cluster.Cluster, have *runtime.State) ([]runtime.Change, error) {
	t, err := r.targetBeside(ctx, want, have)
	if err != nil {
		return nil, err
	}
	if err := t.wanted.CheckNames(t.state); err != nil {
		return nil, err
	}
	all, err := r.changes(ctx, t)
	slices.SortFunc(all, func(a, b runtime.Change) int { return strings.Compare(a.Server, b.Server) })
	return all, err
}

func (r *Runtime) changes(ctx context.Context, t *target) ([]runtime.Change, error) {
	outdated, err := stack.Outdated(t.wanted, t.state)
	if err != nil {
		return nil, err
	}
	own := stack.DivideContainers(t.state).Own
	views, err := r.views(ctx, t, own)
	if err != nil {
		return nil, err
	}
	rewritten, err := r.rewritten(t.cluster)
	if err != nil {
		return nil, err
	}
	var all []runtime.Change
	for name, service := range t.wanted.Project.Services {
		if !isServer(service.Labels[stack.RoleLabel]) {
			continue
		}
		c, ok := t.wanted.Current(t.state, name)
		in, known := t.details[c.ID]
		if !ok || !known {
			all = append(all, runtime.Change{Server: name, Kind: runtime.Missing, Late: isLate(service.Labels[stack.RoleLabel])})
			continue
		}
		if change, ok := t.change(name, c, in, outdated, views[name]); ok {
			all = append(all, change)
		} else if rewritten[name] {
			all = append(all, runtime.Change{Server: name, Kind: runtime.Replace, Differences: []runtime.Difference{{Name: runtime.Configuration}}})
		}
	}
	return append(all, t.unwanted(own)...), nil
}

// unwanted are the servers that are there and not asked for.
func (t *target) unwanted(own *stack.State) []runtime.Change {
	var all []runtime.Change
	for _, c := range own.Servers() {
		_, wanted := t.wanted.Project.Services[c.Service]
		if !wanted && isServer(c.Labels[stack.RoleLabel]) {
			all = append(all, runtime.Change{Server: c.Service, Kind: runtime.Leave})
		}
	}
	return all
}

// change tells how a server differs, and false if it doesn't.
func (t *target) change(name string, c stack.Container, in container.InspectResponse, outdated map[string]stack.Reasons, v view) (runtime.Change, bool) {
	change := runtime.Change{Server: name, Kind: runtime.Replace}
	if v == foreign {
		change.Kind = runtime.Foreign
		return change, true
	}
	reasons, differs := outdated[name]
	for _, n := range reasons.Networks {
		change.Whole = true
		change.Differences = append(change.Differences, t.network(n))
	}
	if reasons.Text != "" {
		change.Differences = append(t.differences(name, c, in), change.Differences...)
	}
	if v == blind {
		change.Differences = append(change.Differences, runtime.Difference{Name: runtime.Certificates})
	}
	if differs && len(change.Differences) == 0 {
		change.Differences = []runtime.Difference{{Name: runtime.Configuration}}
	}
	return change, len(change.Differences) > 0
}

// network tells of one that has to be made anew.
func (t *target) network(n stack.Network) runtime.Difference {
	var was, is []string
	for _, s := range n.Subnets {
		was = append(was, s.String())
	}
	for _, pool := range t.wanted.Project.Networks[n.Key].Ipam.Config {
		is = append(is, pool.Subnet)
	}
	if len(was) == 0 || len(is) == 0 || slices.Equal(was, is) {
		return runtime.Difference{Name: runtime.Network}
	}
	return runtime.Difference{Name: runtime.Network, Was: strings.Join(was, ","), Is: strings.Join(is, ",")}
}

// differences are those between a container and its service, settings of etcd
// first, in reading order.
func (t *target) differences(name string, c stack.Container, in container.InspectResponse) []runtime.Difference {
	service := t.wanted.Project.Services[name]
	all := runtime.SettingDifferences(cluster.SettingsIn(in.Config.Env), t.settings(name))
	for _, d := range []runtime.Difference{
		t.image(c, in, service),
		inOrder(runtime.Network, networksOf(in), t.networksOf(service)),
		inOrder(runtime.Volume, volumesOf(in), t.volumesOf(service)),
		inOrder(runtime.Hosts, hostsOf(in), service.ExtraHosts.AsList(":")),
		{Name: runtime.Certificates, Was: certsSource(in), Is: wantedCerts(service)},
		inOrder(runtime.Published, bindings(in), wantedPorts(service)),
		{Name: "restart", Was: restart(in), Is: service.Restart},
		{Name: "stop-grace", Was: grace(in), Is: span(service.StopGracePeriod)},
	} {
		if d.Was != d.Is {
			all = append(all, d)
		}
	}
	if t.wanted.CopyFiles {
		all = slices.DeleteFunc(all, func(d runtime.Difference) bool { return d.Name == runtime.Certificates || d.Name == runtime.Volume })
	}
	if len(all) == 0 {
		all = append(all, runtime.Difference{Name: runtime.Configuration})
	}
	return all
}

// settings are the wanted ones of a server in reading order.
func (t *target) settings(name string) cluster.Settings {
	for _, m := range t.cluster.Servers() {
		if m.Name == name {
			return m.Settings
		}
	}
	return nil
}

// image tells of another image by its reference, or by its ID if that is the
// same.
func (t *target) image(c stack.Container, in container.InspectResponse, service types.ServiceConfig) runtime.Difference {
	is := t.wanted.Images[service.Image]
	if was := imageOf(c, in); was != service.Image {
		return runtime.Difference{Name: runtime.Image, Was: was, Is: service.Image}
	}
	return runtime.Difference{Name: runtime.Image, Was: short(c.ImageID), Is: short(is)}
}

// imageOf is the reference of the image that a container was made of. Where that means
// another image by now, a list of containers has the ID in its place.
func imageOf(c stack.Container, in container.InspectResponse) string {
	if strings.HasPrefix(c.Image, "sha256:") && in.Config != nil && in.Config.Image != "" {
		return in.Config.Image
	}
	return c.Image
}

// short is an image's ID as the docker command lists it.
func short(id string) string {
	const digits = 12
	id = strings.TrimPrefix(id, "sha256:")
	return id[:min(digits, len(id))]
}

func inOrder(name string, was, is []string) runtime.Difference {
	slices.Sort(was)
	slices.Sort(is)
	return runtime.Difference{Name: name, Was: strings.Join(was, ", "), Is: strings.Join(is, ", ")}
}

func hostsOf(in container.InspectResponse) []string {
	if in.HostConfig == nil {
		return nil
	}
	return slices.Clone(in.HostConfig.ExtraHosts)
}

func networksOf(in container.InspectResponse) []string {
	if in.NetworkSettings == nil {
		return nil
	}
	return slices.Collect(maps.Keys(in.NetworkSettings.Networks))
}

func (t *target) networksOf(service types.ServiceConfig) []string {
	var names []string
	for key := range service.Networks {
		names = append(names, t.wanted.Project.Networks[key].Name)
	}
	return names
}

func volumesOf(in container.InspectResponse) []string {
	if s := storeOf(in); s.Given() {
		return []string{s.Place()}
	}
	return nil
}

func (t *target) volumesOf(service types.ServiceConfig) []string {
	for _, v := range service.Volumes {
		switch {
		case v.Target != cluster.ContainerVolumeDir:
		case v.Type == types.VolumeTypeVolume:
			return []string{t.wanted.Project.Volumes[v.Source].Name}
		case v.Type == types.VolumeTypeBind:
			return []string{v.Source}
		}
	}
	return nil
}

func wantedCerts(service types.ServiceConfig) string {
	for _, v := range service.Volumes {
		if v.Type == types.VolumeTypeBind && v.Target == cluster.ContainerCertsDir {
			return v.Source
		}
	}
	return ""
}

func bindings(in container.InspectResponse) []string {
	if in.HostConfig == nil {
		return nil
	}
	var all []string
	for port, list := range in.HostConfig.PortBindings {
		for _, b := range list {
			all = append(all, fmt.Sprintf("%s:%s->%d", b.HostIP, b.HostPort, port.Num()))
		}
	}
	return all
}

func wantedPorts(service types.ServiceConfig) []string {
	var all []string
	for _, p := range service.Ports {
		all = append(all, fmt.Sprintf("%s:%s->%d", p.HostIP, p.Published, p.Target))
	}
	return all
}

func restart(in container.InspectResponse) string {
	if in.HostConfig == nil {
		return ""
	}
	return string(in.HostConfig.RestartPolicy.Name)
}

func grace(in container.InspectResponse) string {
	if in.Config.StopTimeout == nil {
		return ""
	}
	return (time.Duration(*in.Config.StopTimeout) * time.Second).String()
}

func span(d *types.Duration) string {
	if d == nil {
		return ""
	}
	return time.Duration(*d).Truncate(time.Second).String()
}

// certsFile is what tells by whom a member's certificates were signed.
const certsFile = cluster.ContainerCertsDir + "/peer/ca.crt"
