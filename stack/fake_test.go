package stack

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/api/types/volume"
	"github.com/moby/moby/client"
)

// fakeEngine keeps containers, networks and volumes in memory, and refuses
// what a real engine would refuse.
type fakeEngine struct {
	Engine // nil: what is not here must not be called

	mu         sync.Mutex
	containers map[string]*fakeContainer
	networks   map[string]network.Summary
	volumes    map[string]volume.Volume
	next       int

	// before is asked ahead of each change, and may refuse it or act up.
	before func(change string) error
	// after is asked once a change is made, and may fail it.
	after func(change string) error
	// started is told of each container that has just been started.
	started func(*fakeContainer)
	// calls are the changes that were made, as "start p-etcd1-1".
	calls []string
}

type fakeContainer struct {
	id, name string
	status   container.ContainerState
	exit     int
	restarts int
	config   container.Config
	host     container.HostConfig
	networks []string
	log      string
	health   func() *container.Health // of its health checks, if there are any
}

func newFakeEngine() *fakeEngine {
	return &fakeEngine{
		containers: map[string]*fakeContainer{}, networks: map[string]network.Summary{}, volumes: map[string]volume.Volume{},
		before: pass, after: pass, started: func(*fakeContainer) {},
	}
}

// change runs f as one change of the engine.
func (e *fakeEngine) change(ctx context.Context, what string, f func() error) error {
	if err := e.before(what); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := f(); err != nil {
		return err
	}
	e.calls = append(e.calls, what)
	return e.after(what)
}

func (e *fakeEngine) id() string {
	e.next++
	return fmt.Sprintf("%012x%052x", e.next, 0) // what is shown of one is its beginning
}

func (e *fakeEngine) find(name string) (*fakeContainer, error) {
	for _, c := range e.containers {
		if c.id == name || c.name == name {
			return c, nil
		}
	}
	return nil, errdefs.ErrNotFound.WithMessage("No such container: " + name)
}

// has is for before, which the engine's changes do not wait for each other in.
func (e *fakeEngine) has(name string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	_, err := e.find(name)
	return err == nil
}

func (*fakeEngine) ClientVersion() string { return "1.41" }

func (e *fakeEngine) ContainerList(_ context.Context, o client.ContainerListOptions) (client.ContainerListResult, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	var r client.ContainerListResult
	for _, c := range e.containers {
		if matches(o.Filters, c.name, c.config.Labels) && c.uses(o.Filters) {
			r.Items = append(r.Items, c.summary(e))
		}
	}
	return r, nil
}

func (c *fakeContainer) summary(e *fakeEngine) container.Summary {
	s := container.Summary{
		ID: c.id, Names: []string{"/" + c.name}, Image: c.config.Image, Labels: c.config.Labels, State: c.status,
		Status: string(c.status), NetworkSettings: &container.NetworkSettingsSummary{Networks: map[string]*network.EndpointSettings{}},
	}
	if c.status == container.StateExited {
		s.Status = fmt.Sprintf("Exited (%d) a moment ago", c.exit)
	}
	for _, n := range c.networks {
		s.NetworkSettings.Networks[n] = &network.EndpointSettings{NetworkID: e.networks[n].ID}
	}
	for _, m := range c.host.Mounts {
		s.Mounts = append(s.Mounts, container.MountPoint{Type: m.Type, Name: m.Source, Destination: m.Target})
	}
	return s
}

// uses knows the filters for the IDs, networks and volumes of containers.
func (c *fakeContainer) uses(f client.Filters) bool {
	if ids := f["id"]; len(ids) > 0 && !ids[c.id] {
		return false
	}
	for name := range f["network"] {
		if !slices.Contains(c.networks, name) {
			return false
		}
	}
	for name := range f["volume"] {
		if !slices.ContainsFunc(c.host.Mounts, func(m mount.Mount) bool { return m.Source == name }) {
			return false
		}
	}
	return true
}

// matches knows the filters that the package uses: label, and a part of a name.
func matches(f client.Filters, name string, labels map[string]string) bool {
	for label := range f["label"] {
		key, value, exact := strings.Cut(label, "=")
		if got, ok := labels[key]; !ok || exact && got != value {
			return false
		}
	}
	names := slices.Collect(maps.Keys(f["name"]))
	return len(names) == 0 || slices.ContainsFunc(names, func(part string) bool { return strings.Contains(name, part) })
}

func (e *fakeEngine) NetworkList(_ context.Context, o client.NetworkListOptions) (client.NetworkListResult, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	var r client.NetworkListResult
	for _, n := range e.networks {
		if matches(o.Filters, n.Name, n.Labels) {
			r.Items = append(r.Items, n)
		}
	}
	return r, nil
}

func (e *fakeEngine) VolumeList(_ context.Context, o client.VolumeListOptions) (client.VolumeListResult, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	var r client.VolumeListResult
	for _, v := range e.volumes {
		if matches(o.Filters, v.Name, v.Labels) {
			r.Items = append(r.Items, v)
		}
	}
	return r, nil
}

func (e *fakeEngine) ContainerCreate(ctx context.Context, o client.ContainerCreateOptions) (r client.ContainerCreateResult, err error) {
	err = e.change(ctx, "create container "+o.Name, func() error {
		if _, err := e.find(o.Name); err == nil {
			return errdefs.ErrConflict.WithMessage("The container name is already in use: " + o.Name)
		}
		c := &fakeContainer{id: e.id(), name: o.Name, status: container.StateCreated, config: *o.Config, host: *o.HostConfig}
		if o.NetworkingConfig != nil {
			c.networks = slices.Collect(maps.Keys(o.NetworkingConfig.EndpointsConfig))
		}
		for _, n := range c.networks {
			if _, ok := e.networks[n]; !ok {
				return errdefs.ErrNotFound.WithMessage("network " + n + " not found")
			}
		}
		for _, m := range c.host.Mounts {
			if _, ok := e.volumes[m.Source]; m.Type == mount.TypeVolume && !ok {
				return errdefs.ErrNotFound.WithMessage("no such volume: " + m.Source) // stricter than an engine
			}
		}
		e.containers[c.id] = c
		r.ID = c.id
		return nil
	})
	return r, err
}

func (e *fakeEngine) ContainerInspect(_ context.Context, name string, _ client.ContainerInspectOptions) (client.ContainerInspectResult, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	c, err := e.find(name)
	if err != nil {
		return client.ContainerInspectResult{}, err
	}
	config := c.config
	var health *container.Health
	if c.health != nil {
		health = c.health()
	}
	return client.ContainerInspectResult{Container: container.InspectResponse{
		ID: c.id, Name: "/" + c.name, Config: &config, NetworkSettings: &container.NetworkSettings{},
		RestartCount: c.restarts, State: &container.State{Status: c.status, ExitCode: c.exit, Health: health},
	}}, nil
}

// to is a change of a container's status.
func (e *fakeEngine) to(ctx context.Context, what, name string, status container.ContainerState) error {
	e.mu.Lock()
	c, err := e.find(name)
	e.mu.Unlock()
	if err != nil {
		return err
	}
	return e.change(ctx, what+" "+c.name, func() error {
		c.status = status
		if what == "start" {
			e.started(c)
		}
		return nil
	})
}

func (e *fakeEngine) ContainerStart(ctx context.Context, name string, _ client.ContainerStartOptions) (r client.ContainerStartResult, err error) {
	return r, e.to(ctx, "start", name, container.StateRunning)
}

func (e *fakeEngine) ContainerStop(ctx context.Context, name string, _ client.ContainerStopOptions) (r client.ContainerStopResult, err error) {
	return r, e.to(ctx, "stop", name, container.StateExited)
}

func (e *fakeEngine) ContainerUnpause(ctx context.Context, name string, _ client.ContainerUnpauseOptions) (r client.ContainerUnpauseResult, err error) {
	return r, e.to(ctx, "resume", name, container.StateRunning)
}

func (e *fakeEngine) ContainerRename(ctx context.Context, name string, o client.ContainerRenameOptions) (r client.ContainerRenameResult, err error) {
	return r, e.change(ctx, "rename container "+name, func() error {
		c, err := e.find(name)
		if err == nil {
			c.name = o.NewName
		}
		return err
	})
}

func (e *fakeEngine) ContainerRemove(ctx context.Context, name string, _ client.ContainerRemoveOptions) (r client.ContainerRemoveResult, err error) {
	return r, e.change(ctx, "remove container "+name, func() error {
		c, err := e.find(name)
		if err == nil {
			delete(e.containers, c.id)
		}
		return err
	})
}

// ContainerLogs gives the log in the engine's framing: a stream's number and
// the length before each piece.
func (e *fakeEngine) ContainerLogs(_ context.Context, name string, _ client.ContainerLogsOptions) (client.ContainerLogsResult, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	c, err := e.find(name)
	if err != nil {
		return nil, err
	}
	n := len(c.log)
	frame := string([]byte{2, 0, 0, 0, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}) + c.log
	return io.NopCloser(strings.NewReader(frame)), nil
}

func (e *fakeEngine) NetworkCreate(ctx context.Context, name string, o client.NetworkCreateOptions) (r client.NetworkCreateResult, err error) {
	return r, e.change(ctx, "create network "+name, func() error {
		r.ID = e.id()
		e.networks[name] = network.Summary{Network: network.Network{ID: r.ID, Name: name, Labels: o.Labels, Internal: o.Internal, Created: time.Unix(int64(e.next), 0)}}
		return nil
	})
}

func (e *fakeEngine) NetworkRemove(ctx context.Context, id string, _ client.NetworkRemoveOptions) (r client.NetworkRemoveResult, err error) {
	return r, e.change(ctx, "remove network "+id, func() error {
		for name, n := range e.networks {
			if n.ID == id || name == id {
				delete(e.networks, name)
			}
		}
		return nil
	})
}

func (e *fakeEngine) NetworkConnect(ctx context.Context, name string, o client.NetworkConnectOptions) (r client.NetworkConnectResult, err error) {
	return r, e.change(ctx, "connect network "+name, func() error {
		c, err := e.find(o.Container)
		if err == nil {
			c.networks = append(c.networks, name)
		}
		return err
	})
}

func (e *fakeEngine) VolumeCreate(ctx context.Context, o client.VolumeCreateOptions) (r client.VolumeCreateResult, err error) {
	return r, e.change(ctx, "create volume "+o.Name, func() error {
		e.volumes[o.Name] = volume.Volume{Name: o.Name, Labels: o.Labels}
		return nil
	})
}

func (e *fakeEngine) VolumeRemove(ctx context.Context, name string, _ client.VolumeRemoveOptions) (r client.VolumeRemoveResult, err error) {
	return r, e.change(ctx, "remove volume "+name, func() error {
		delete(e.volumes, name)
		return nil
	})
}

// empty reports whether nothing is left.
func (e *fakeEngine) empty() bool {
	return len(e.containers)+len(e.networks)+len(e.volumes) == 0
}
