package stack

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/api/types/volume"
	"github.com/moby/moby/client"
	"golang.org/x/sync/errgroup"
)

// State is what an engine holds of one project.
type State struct {
	Project    string
	Containers []Container // by service and number
	Spares     []Container // made to replace one of Containers, which has not happened, or beside one
	Networks   []Network   // by name
	Volumes    []Volume    // by name

	// others are objects with names that the project wants, and not of it.
	others map[string]other
	// files are the digests of copied files, by volume.
	files map[string]string
}

// Container is one container of a project.
type Container struct {
	ID      string
	Name    string // without the engine's leading slash
	Service string
	Number  int // 1 for the first container of a service

	Status  Status
	Healthy Health
	Detail  string // the engine's own words, such as "Exited (1) 3 seconds ago"
	Created time.Time

	Image      string // the reference that it was created from
	ImageID    string // what that was at the time
	ConfigHash string // Compose's hash of the service that it was created from
	Labels     map[string]string
	Addresses  map[string]netip.Addr // by name of the network; only while it runs
	NetworkIDs map[string]string     // by name of the network
	Ports      []Port                // published ones
	Volumes    map[string]string     // name of the volume by folder in the container
}

// Status is a container's state in the engine's word.
type Status = container.ContainerState

// Health is the result of a container's health check in the engine's word.
type Health = container.HealthStatus

// Port is a published port.
type Port struct {
	Address  netip.AddrPort // on the engine's host
	Port     int            // in the container
	Protocol string
}

// Network is one network of a project.
type Network struct {
	ID, Name   string
	Key        string // its name in the Compose file
	ConfigHash string
	Internal   bool
	Subnets    []netip.Prefix
	Gateways   []netip.Addr // addresses of the engine's host on the network
	Created    time.Time
	Labels     map[string]string
}

// Volume is one volume of a project.
type Volume struct {
	Name       string
	Key        string // its name in the Compose file
	ConfigHash string
	Labels     map[string]string
	Created    time.Time
}

// Protected tells that Docker Compose does not know the volume for its project's.
func (v Volume) Protected() bool { return v.Labels[protectedLabel] != "" }

// Running reports whether the container's process lives, frozen or not.
func (c Container) Running() bool {
	return c.Status == container.StateRunning || c.Status == container.StatePaused
}

// exitedWell reports whether the container's process ended with code 0. A list
// tells it nowhere but in the text for people.
func (c Container) exitedWell() bool { return strings.HasPrefix(c.Detail, "Exited (0)") }

// Member reports whether the container is a member of the cluster that the
// project is about.
func (c Container) Member() bool { return c.Labels[RoleLabel] == Member }

// WorkingDir is the folder that the project was started in, as whoever did it
// has noted; empty if nobody has.
func (c Container) WorkingDir() string { return c.Labels[workingDirLabel] }

// Service gives the container of a service, and false when there is none.
func (s *State) Service(name string) (Container, bool) {
	i := slices.IndexFunc(s.Containers, func(c Container) bool { return c.Service == name })
	if i < 0 {
		return Container{}, false
	}
	return s.Containers[i], true
}

// Servers gives the containers of the services, one of each, by service: not what
// `docker compose run` has made beside it, nor a further one of the same service.
func (s *State) Servers() []Container {
	all := slices.DeleteFunc(slices.Clone(s.Containers), func(c Container) bool { return c.Labels[oneoffLabel] == "True" })
	all = inOrder(all, func(a, b Container) int {
		return cmp.Or(strings.Compare(a.Service, b.Service), cmp.Compare(a.Number, b.Number), compareNames(a, b))
	})
	return slices.CompactFunc(all, func(a, b Container) bool { return a.Service == b.Service })
}

// Members gives the containers that are members.
func (s *State) Members() []Container {
	var members []Container
	for _, c := range s.Containers {
		if c.Member() {
			members = append(members, c)
		}
	}
	return members
}

// Empty reports whether the engine holds nothing of the project.
func (s *State) Empty() bool {
	return len(s.Containers)+len(s.Spares)+len(s.Networks)+len(s.Volumes) == 0
}

// NetworkOf gives the network of a project by its name in the Compose file. Where another
// file of the project has one of that name too, it is the one that Compose names so.
func NetworkOf(all []Network, key string) (n Network, ok bool) {
	for _, x := range all {
		if x.Key == key && (!ok || x.Name == x.Labels[projectLabel]+"_"+key) {
			n, ok = x, true
		}
	}
	return n, ok
}

// IsNetwork reports whether labels are those of a project's network, by its name
// in the Compose file.
func IsNetwork(labels map[string]string, project, key string) bool {
	return labels[projectLabel] == project && labels[networkLabel] == key
}

// IsOfProject reports whether labels are those of something of a project.
func IsOfProject(labels map[string]string, project string) bool {
	return labels[projectLabel] == project
}

// Observe asks the engine what it holds of a project, running or not, whether
// this package or Docker Compose made it.
func Observe(ctx context.Context, e Observer, project string) (*State, error) {
	h, err := held(ctx, e, "="+project)
	if err != nil {
		return nil, fmt.Errorf("ask the engine what it holds of %s: %w", project, err)
	}
	return h.of(project), nil
}

// ObserveAll is Observe for each project, by name, that has a member on the engine or a
// volume that was made for one. The engine goes through all that it has to answer for one
// project, and is asked no more often for all of them.
func ObserveAll(ctx context.Context, e Observer) ([]*State, error) {
	h, err := held(ctx, e, "")
	if err != nil {
		return nil, fmt.Errorf("ask the engine for its stacks: %w", err)
	}
	var all []*State
	for _, project := range h.projects() {
		all = append(all, h.of(project))
	}
	return all, nil
}

// holding is what an engine says of one project or of all.
type holding struct {
	containers []container.Summary
	networks   []network.Summary
	volumes    []volume.Volume
}

// held asks for what has a label of a project; which is "=" and a project, or empty.
func held(ctx context.Context, e Observer, which string) (holding, error) {
	var h holding
	var protected []volume.Volume
	mine := make(client.Filters).Add("label", projectLabel+which)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		r, err := e.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: mine})
		h.containers = r.Items
		return err
	})
	g.Go(func() error {
		r, err := e.NetworkList(ctx, client.NetworkListOptions{Filters: mine})
		h.networks = r.Items
		return err
	})
	g.Go(func() error {
		r, err := e.VolumeList(ctx, client.VolumeListOptions{Filters: mine})
		h.volumes = r.Items
		return err
	})
	g.Go(func() error {
		r, err := e.VolumeList(ctx, client.VolumeListOptions{Filters: make(client.Filters).Add("label", protectedLabel+which)})
		protected = r.Items
		return err
	})
	err := g.Wait()
	h.volumes = slices.Concat(h.volumes, protected)
	return h, err
}

// projects are those with a member or a volume of their own.
func (h holding) projects() []string {
	there := map[string]bool{}
	for _, c := range h.containers {
		if c.Labels[RoleLabel] == Member {
			there[c.Labels[projectLabel]] = true
		}
	}
	for _, v := range h.volumes {
		if _, own := v.Labels[ownLabel]; own {
			there[projectOf(v)] = true
		}
	}
	return slices.Sorted(maps.Keys(there))
}

func projectOf(v volume.Volume) string {
	return cmp.Or(v.Labels[projectLabel], v.Labels[protectedLabel])
}

// of gives what is of a project.
func (h holding) of(project string) *State {
	s := &State{Project: project}
	s.Containers, s.Spares = split(keep(h.containers, func(c container.Summary) bool { return c.Labels[projectLabel] == project }))
	s.Networks = toNetworks(keep(h.networks, func(n network.Summary) bool { return n.Labels[projectLabel] == project }))
	volumes := observed(keep(h.volumes, func(v volume.Volume) bool {
		return v.Labels[projectLabel] == project || v.Labels[protectedLabel] == project
	}), toVolume)
	volumes = inOrder(volumes, func(a, b Volume) int { return strings.Compare(a.Name, b.Name) })
	s.Volumes = slices.CompactFunc(volumes, func(a, b Volume) bool { return a.Name == b.Name }) // one may have both labels
	return s
}

func keep[T any](all []T, that func(T) bool) []T {
	return slices.DeleteFunc(slices.Clone(all), func(x T) bool { return !that(x) })
}

func observeNetworks(ctx context.Context, e Observer, project string) ([]Network, error) {
	r, err := e.NetworkList(ctx, client.NetworkListOptions{Filters: make(client.Filters).Add("label", projectLabel+"="+project)})
	if err != nil {
		return nil, fmt.Errorf("ask the engine for the networks of %s: %w", project, err)
	}
	return toNetworks(r.Items), nil
}

func toNetworks(items []network.Summary) []Network {
	return inOrder(observed(items, toNetwork), func(a, b Network) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), a.Created.Compare(b.Created))
	})
}

// split gives the containers of a list, and apart from them those that an
// interrupted replacement has left beside the one in use, which Docker Compose marks in the
// same way, and further ones of a member, as `--scale` makes them: all have one volume, and
// each waits until the other lets go of it.
func split(items []container.Summary) (used, spare []Container) {
	all := inOrder(observed(items, toContainer), compareContainers)
	for _, c := range all {
		if c.replacement() && slices.ContainsFunc(all, c.isBeside) || c.Member() && slices.ContainsFunc(all, c.isFurther) {
			spare = append(spare, c)
		} else {
			used = append(used, c)
		}
	}
	return used, spare
}

// replacement: it was made to take another's place, and has never run. It may have
// taken it by now.
func (c Container) replacement() bool {
	return c.Labels[replaceLabel] != "" && c.Status == container.StateCreated
}

// isBeside reports whether a replacement does not have the place that it was made for:
// another container has it. Of two replacements it is the first by name.
func (c Container) isBeside(o Container) bool {
	if o.ID == c.ID || o.Service != c.Service || o.Number != c.Number || o.Labels[projectLabel] != c.Labels[projectLabel] {
		return false
	}
	return !o.replacement() || compareNames(o, c) < 0
}

// isFurther reports whether another container is the service's, and this one is one too many.
func (c Container) isFurther(o Container) bool {
	once := c.Labels[oneoffLabel] == "True" || o.Labels[oneoffLabel] == "True"
	return !once && o.Service == c.Service && o.Number < c.Number && o.Labels[projectLabel] == c.Labels[projectLabel]
}

// compareNames puts what has the name of its service before what has something before
// that name: see spareName.
func compareNames(a, b Container) int {
	return cmp.Or(cmp.Compare(len(a.Name), len(b.Name)), strings.Compare(a.Name, b.Name))
}

func observed[A, B any](items []A, convert func(A) B) []B {
	var out []B
	for _, item := range items {
		out = append(out, convert(item))
	}
	return out
}

func inOrder[T any](items []T, compare func(a, b T) int) []T {
	slices.SortFunc(items, compare)
	return items
}

func compareContainers(a, b Container) int {
	return cmp.Or(strings.Compare(a.Service, b.Service), cmp.Compare(a.Number, b.Number), strings.Compare(a.Name, b.Name))
}

func toContainer(s container.Summary) Container {
	c := Container{
		ID: s.ID, Service: s.Labels[serviceLabel],
		Status: AsDocker(s.State), Healthy: health(s), Detail: s.Status, Created: time.Unix(s.Created, 0),
		Image: s.Image, ImageID: cmp.Or(s.Labels[imageLabel], s.ImageID), ConfigHash: s.Labels[configHashLabel], Labels: s.Labels,
		Addresses: map[string]netip.Addr{}, NetworkIDs: map[string]string{}, Volumes: map[string]string{},
	}
	if len(s.Names) > 0 {
		c.Name = strings.TrimPrefix(s.Names[0], "/")
	}
	c.Number, _ = strconv.Atoi(s.Labels[numberLabel]) // 0 when somebody else made it
	if s.NetworkSettings != nil {
		for name, endpoint := range s.NetworkSettings.Networks {
			c.NetworkIDs[name] = endpoint.NetworkID
			if endpoint.IPAddress.IsValid() {
				c.Addresses[name] = endpoint.IPAddress
			}
		}
	}
	for _, p := range s.Ports {
		if p.PublicPort != 0 {
			c.Ports = append(c.Ports, Port{netip.AddrPortFrom(p.IP, p.PublicPort), int(p.PrivatePort), p.Type})
		}
	}
	for _, m := range s.Mounts {
		if m.Type == mount.TypeVolume {
			c.Volumes[m.Destination] = m.Name
		}
	}
	return c
}

// health falls back to the text that people read: engines before API 1.52 say
// it nowhere else in a list.
func health(s container.Summary) Health {
	if s.Health != nil {
		return s.Health.Status
	}
	for _, h := range []Health{container.Unhealthy, container.Healthy, container.Starting} {
		if strings.HasSuffix(s.Status, "("+string(h)+")") || strings.HasSuffix(s.Status, "(health: "+string(h)+")") {
			return h
		}
	}
	return container.NoHealthcheck
}

func toNetwork(s network.Summary) Network {
	n := Network{
		ID: s.ID, Name: s.Name, Key: s.Labels[networkLabel], ConfigHash: s.Labels[configHashLabel],
		Internal: s.Internal, Created: s.Created, Labels: s.Labels,
	}
	for _, c := range s.IPAM.Config {
		if c.Subnet.IsValid() {
			n.Subnets = append(n.Subnets, c.Subnet)
		}
		if c.Gateway.IsValid() {
			n.Gateways = append(n.Gateways, c.Gateway)
		}
	}
	return n
}

func toVolume(v volume.Volume) Volume {
	created, _ := time.Parse(time.RFC3339, v.CreatedAt) // which a driver need not tell
	return Volume{Name: v.Name, Key: cmp.Or(v.Labels[volumeLabel], v.Labels[protectedKeyLabel]), ConfigHash: v.Labels[configHashLabel], Labels: v.Labels, Created: created}
}
