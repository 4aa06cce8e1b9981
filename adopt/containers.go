package adopt

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/compose"
	"github.com/etcdctr/etcdctr/internal/tarfolder"
	"github.com/etcdctr/etcdctr/lint"
	"github.com/etcdctr/etcdctr/runtime"
)

// Engine is what a Docker Engine is asked for; *client.Client is one.
type Engine interface {
	ContainerList(ctx context.Context, o client.ContainerListOptions) (client.ContainerListResult, error)
	ContainerInspect(ctx context.Context, container string, o client.ContainerInspectOptions) (client.ContainerInspectResult, error)
	ContainerStart(ctx context.Context, container string, o client.ContainerStartOptions) (client.ContainerStartResult, error)
	ContainerStop(ctx context.Context, container string, o client.ContainerStopOptions) (client.ContainerStopResult, error)
	ContainerUpdate(ctx context.Context, container string, o client.ContainerUpdateOptions) (client.ContainerUpdateResult, error)
	ContainerRename(ctx context.Context, container string, o client.ContainerRenameOptions) (client.ContainerRenameResult, error)
	ContainerRemove(ctx context.Context, container string, o client.ContainerRemoveOptions) (client.ContainerRemoveResult, error)
	ContainerLogs(ctx context.Context, container string, o client.ContainerLogsOptions) (client.ContainerLogsResult, error)
	ContainerStatPath(ctx context.Context, container string, o client.ContainerStatPathOptions) (client.ContainerStatPathResult, error)
	CopyFromContainer(ctx context.Context, container string, o client.CopyFromContainerOptions) (client.CopyFromContainerResult, error)
	ImageInspect(ctx context.Context, image string, o ...client.ImageInspectOption) (client.ImageInspectResult, error)
	NetworkConnect(ctx context.Context, network string, o client.NetworkConnectOptions) (client.NetworkConnectResult, error)
	NetworkDisconnect(ctx context.Context, network string, o client.NetworkDisconnectOptions) (client.NetworkDisconnectResult, error)
	VolumeRemove(ctx context.Context, volume string, o client.VolumeRemoveOptions) (client.VolumeRemoveResult, error)
}

// Labels by which Docker Compose knows its own.
const (
	projectLabel = "com.docker.compose.project"
	oneoffLabel  = "com.docker.compose.oneoff"
)

// Containers are members in containers of an engine.
type Containers struct {
	Engine Engine
	// Names are those of Compose projects and containers.
	Names []string
	// Answers, if it is not nil, says why the engine is not there to be asked.
	Answers func(context.Context) error
}

var _ Foreign = (*Containers)(nil)

// Look inspects the containers, and reads of them what members they run.
func (c *Containers) Look(ctx context.Context) (*Stack, error) {
	found, err := c.inspect(ctx)
	if err != nil {
		return nil, err
	}
	s := &Stack{Name: strings.Join(c.Names, ","), Runtime: cluster.Docker}
	if len(found) == 0 {
		return nil, fmt.Errorf("%s: %w, nor a Compose project or container of this name on the engine", s.Name, ErrNothing)
	}
	data, err := json.Marshal(found)
	if err != nil {
		return nil, err
	}
	if s.Described, err = readLive(s.Name, data); err != nil {
		return nil, err
	}
	for _, described := range s.Described {
		for _, m := range described.Members {
			i := slices.IndexFunc(found, func(in container.InspectResponse) bool { return bare(in.Name) == m.Container.ContainerName })
			if i < 0 || m.Ours {
				continue
			}
			one, err := c.member(ctx, m, found[i])
			if err != nil {
				return nil, err
			}
			s.Members = append(s.Members, one)
		}
	}
	s.Projects = projectsOf(found, s.Members)
	found = slices.DeleteFunc(found, func(in container.InspectResponse) bool {
		return !slices.ContainsFunc(s.Members, func(m Member) bool { return m.id == in.ID })
	})
	if s.Neighbors, err = c.neighbors(ctx, found); err != nil {
		return nil, err
	}
	return s, s.check()
}

// readLive reads what an engine says of containers.
func readLive(name string, data []byte) ([]*lint.Stack, error) {
	return lint.Read([]lint.Input{{Name: name, Data: data, Live: true}}, lint.Options{ReadFile: func(string) ([]byte, error) { return nil, os.ErrNotExist }})
}

// bare is a container's name as people write it.
func bare(name string) string { return strings.TrimPrefix(name, "/") }

// inspect gives the containers of all names, each once.
func (c *Containers) inspect(ctx context.Context) ([]container.InspectResponse, error) {
	if c.Answers != nil {
		if err := c.Answers(ctx); err != nil {
			return nil, err
		}
	}
	var ids []string
	for _, name := range c.Names {
		list, err := c.Engine.ContainerList(ctx, client.ContainerListOptions{
			All: true, Filters: make(client.Filters).Add("label", projectLabel+"="+name),
		})
		if err != nil {
			return nil, fmt.Errorf("ask the engine for %s: %w", name, err)
		}
		of := []string{name, name + retiredSuffix}
		if len(list.Items) > 0 {
			of = nil
		}
		for _, item := range list.Items {
			if item.Labels[oneoffLabel] != "True" {
				of = append(of, item.ID)
			}
		}
		ids = append(ids, of...)
	}
	var all []container.InspectResponse
	for _, id := range ids {
		in, err := c.Engine.ContainerInspect(ctx, id, client.ContainerInspectOptions{})
		switch {
		case errdefs.IsNotFound(err), slices.ContainsFunc(all, func(o container.InspectResponse) bool { return o.ID == in.Container.ID }):
			continue
		case err != nil:
			return nil, fmt.Errorf("ask the engine about %s: %w", id, err)
		}
		all = append(all, in.Container)
	}
	slices.SortFunc(all, func(a, b container.InspectResponse) int { return strings.Compare(a.Name, b.Name) })
	return all, nil
}

// member says in the words of package runtime what a container is.
func (c *Containers) member(ctx context.Context, m *lint.Member, in container.InspectResponse) (one Member, err error) {
	one = Member{
		Server:  runtime.Server{Name: m.Name(), Role: runtime.Member, Program: in.Config.Image, Settings: m.Effective()},
		Hosts:   append([]string{bare(in.Name)}, m.Container.Names...),
		DataDir: m.DataDir(), id: in.ID, vanishes: in.HostConfig.AutoRemove, user: in.Config.User,
		hasty: in.Config.StopTimeout == nil || *in.Config.StopTimeout == 0,
	}
	if v, ok := m.Release.Version(); ok {
		one.Release = v.String()
	}
	if m.Unread() {
		return one, fmt.Errorf("the settings of %s are in a file of its container that can't be read here: what it is can't be told", one.Name)
	}
	one.DataAt, one.LogDir = keptAt(in, one.DataDir), one.logDir(one.Settings.Get("wal-dir"), cmp.Or(in.Config.WorkingDir, "/"))
	if one.given, err = c.given(ctx, in, one.DataDir, one.LogDir); err != nil {
		return one, err
	}
	one.describe(bare(in.Name))
	if mode := in.HostConfig.NetworkMode; mode.IsHost() || mode.IsNone() || mode.IsContainer() {
		one.Apart = "it has no network of its own"
	}
	one.Published, one.ClientPort = publishedPorts(in), publishedAt(in, one.ClientURL())
	one.Status, one.Since = status(in.State)
	one.Detail = string(in.State.Status)
	one.Restarts, one.ExitCode, one.OutOfMemory, one.Error = in.RestartCount, in.State.ExitCode, in.State.OOMKilled, in.State.Error
	one.Retired, one.Wakes = !one.Active() && strings.HasSuffix(in.Name, retiredSuffix), in.HostConfig.RestartPolicy.IsAlways()
	if one.Runs() {
		return one, nil
	}
	one.Data, err = c.data(ctx, in.ID, cmp.Or(one.LogDir, path.Join(one.DataDir, "member", "wal")))
	if err != nil {
		return one, fmt.Errorf("look for the data of %s: %w", one.Name, err)
	}
	return one, nil
}

// data looks for etcd's log in a container that does not run. An engine that can't look
// into one, for a folder that it mounts is gone, finds not even its root, and tells which
// folder that is when the container is started.
func (c *Containers) data(ctx context.Context, container, log string) (runtime.Data, error) {
	for _, at := range []string{log, "/"} {
		_, err := c.Engine.ContainerStatPath(ctx, container, client.ContainerStatPathOptions{Path: at})
		switch {
		case errdefs.IsNotFound(err):
		case err != nil:
			return runtime.Unknown, err
		case at == log:
			return runtime.Kept, nil
		default:
			return runtime.None, nil
		}
	}
	return runtime.Unknown, nil
}

// given is what a container was given. An image that is gone says nothing any more.
func (c *Containers) given(ctx context.Context, in container.InspectResponse, data, log string) ([]given, error) {
	d := inspected{InspectResponse: in, data: data, log: log}
	image, err := c.Engine.ImageInspect(ctx, in.Image)
	if err != nil && !errdefs.IsNotFound(err) {
		return nil, fmt.Errorf("look for the image of %s: %w", bare(in.Name), err)
	}
	if image.Config != nil {
		d.image = *image.Config
	}
	return d.givens(), nil
}

// publishedPorts are the ports of a container on the host.
func publishedPorts(in container.InspectResponse) []string {
	var all []string
	for _, bindings := range in.HostConfig.PortBindings {
		for _, b := range bindings {
			host := "0.0.0.0"
			if b.HostIP.IsValid() {
				host = b.HostIP.String()
			}
			all = append(all, net.JoinHostPort(host, b.HostPort))
		}
	}
	slices.Sort(all)
	return all
}

// publishedAt is the port of the host that leads to what a URL has for its port: one on
// loopback before others, as there it stays.
func publishedAt(in container.InspectResponse, url string) string {
	_, port, err := net.SplitHostPort(addressOf(url))
	if err != nil {
		return ""
	}
	var all []network.PortBinding
	for target, bindings := range in.HostConfig.PortBindings {
		if target.Port() == port {
			all = append(all, bindings...)
		}
	}
	all = slices.DeleteFunc(all, func(b network.PortBinding) bool { return b.HostPort == "" || b.HostPort == "0" })
	if len(all) == 0 {
		return ""
	}
	slices.SortFunc(all, func(a, b network.PortBinding) int {
		return cmp.Or(a.HostIP.Compare(b.HostIP), strings.Compare(a.HostPort, b.HostPort))
	})
	i := max(0, slices.IndexFunc(all, func(b network.PortBinding) bool { return b.HostIP.IsLoopback() }))
	return all[i].HostPort
}

// keptAt is the volume or folder that a path is in; empty for the container itself.
func keptAt(in container.InspectResponse, dir string) string {
	m := keptIn(in, dir)
	if m.Type == mount.TypeVolume {
		return m.Name
	}
	return m.Source
}

// keptIn is the mount that a path is in; the zero one for the container itself.
func keptIn(in container.InspectResponse, dir string) (best container.MountPoint) {
	for _, m := range in.Mounts {
		target := path.Clean(m.Destination)
		if (dir == target || strings.HasPrefix(dir, target+"/")) && len(target) > len(best.Destination) {
			best = m
		}
	}
	return best
}

func status(s *container.State) (runtime.Status, time.Time) {
	since := func(text string) time.Time {
		t, err := time.Parse(time.RFC3339Nano, text)
		if err != nil || t.Year() <= 1 {
			return time.Time{}
		}
		return t
	}
	switch s.Status {
	case container.StateRunning:
		return runtime.Running, since(s.StartedAt)
	case container.StatePaused:
		return runtime.Paused, since(s.StartedAt)
	case container.StateRestarting:
		return runtime.Restarting, since(s.FinishedAt)
	case container.StateCreated:
		return runtime.Created, time.Time{}
	}
	return runtime.Stopped, since(s.FinishedAt)
}

// meeting is the network of a cluster of ours that a container was put on to be
// adopted.
func meeting(in container.InspectResponse) (string, bool) {
	for name := range in.NetworkSettings.Networks {
		if slices.Contains(in.NetworkSettings.Networks[name].Aliases, metAlias) {
			return name, true
		}
	}
	return "", false
}

// metAlias is one more name of a container on the network where it meets its
// successors, by which that is recognised as such.
const metAlias = "to-be-adopted"

// Dial connects to a container at one of its addresses, or where these don't lead from here
// at what it publishes on this machine.
func (c *Containers) Dial(ctx context.Context, m Member, url string) (net.Conn, error) {
	_, port, err := net.SplitHostPort(addressOf(url))
	if err != nil {
		return nil, fmt.Errorf("%s says of no port that it is reached at: %w", m.Name, err)
	}
	in, err := c.Engine.ContainerInspect(ctx, m.id, client.ContainerInspectOptions{})
	if err != nil {
		return nil, fmt.Errorf("ask the engine where %s is: %w", m.Name, err)
	}
	return c.dialAny(ctx, in.Container, m.Name, port)
}

// Meet puts members on the network of the cluster, where they keep the names that
// their peers know them by.
func (c *Containers) Meet(ctx context.Context, name string, members []Member) error {
	for _, m := range members {
		in, err := c.Engine.ContainerInspect(ctx, m.id, client.ContainerInspectOptions{})
		if err != nil {
			return fmt.Errorf("ask the engine about %s: %w", m.Name, err)
		}
		if _, there := meeting(in.Container); there {
			continue
		}
		_, err = c.Engine.NetworkConnect(ctx, compose.NetworkOf(name), client.NetworkConnectOptions{
			Container: m.id, EndpointConfig: &network.EndpointSettings{Aliases: append(m.advertised(), metAlias)},
		})
		if err != nil {
			return fmt.Errorf("put %s on the network of %s: %w", m.Name, name, err)
		}
	}
	return nil
}

// Start starts a container.
func (c *Containers) Start(ctx context.Context, m Member) error {
	if _, err := c.Engine.ContainerStart(ctx, m.id, client.ContainerStartOptions{}); err != nil {
		return fmt.Errorf("start %s: %w", m.Name, err)
	}
	return nil
}

// Stop stops a container.
func (c *Containers) Stop(ctx context.Context, m Member, grace time.Duration) error {
	var o client.ContainerStopOptions
	if grace == 0 && m.hasty {
		grace = usualGrace
	}
	if grace > 0 {
		seconds := max(1, int(grace.Seconds()))
		o.Timeout = &seconds
	}
	if _, err := c.Engine.ContainerStop(ctx, m.id, o); err != nil {
		return fmt.Errorf("stop %s: %w", m.Name, err)
	}
	return nil
}

// Data copies what a member has out of its container, wherever it is mounted from.
func (c *Containers) Data(ctx context.Context, m Member) (io.ReadCloser, error) {
	data, err := c.folder(ctx, m, path.Join(m.DataDir, "member"))
	if err != nil || m.LogDir == "" {
		return data, err
	}
	log, err := c.folder(ctx, m, m.LogDir)
	if err != nil {
		return nil, errors.Join(err, data.Close())
	}
	return tarfolder.Graft(data, "member/wal", log), nil
}

func (c *Containers) folder(ctx context.Context, m Member, dir string) (io.ReadCloser, error) {
	copied, err := c.Engine.CopyFromContainer(ctx, m.id, client.CopyFromContainerOptions{SourcePath: dir})
	if err != nil {
		return nil, fmt.Errorf("copy the data of %s: %w", m.Name, err)
	}
	return copied.Content, nil
}

// programPaths are where images have etcd.
var programPaths = []string{"/usr/local/bin/etcd", "/opt/bitnami/etcd/bin/etcd", "/usr/bin/etcd", "/bin/etcd", "/etcd"}

// Program copies etcd out of a container.
func (c *Containers) Program(ctx context.Context, m Member, dir string) (string, error) {
	for _, p := range programPaths {
		copied, err := c.Engine.CopyFromContainer(ctx, m.id, client.CopyFromContainerOptions{SourcePath: p})
		if errdefs.IsNotFound(err) {
			continue
		}
		if err != nil {
			return "", fmt.Errorf("copy etcd from %s: %w", m.Name, err)
		}
		file := filepath.Join(dir, "etcd")
		is, err := tarfolder.File(file, copied.Content)
		if err = errors.Join(err, copied.Content.Close()); err != nil || is {
			return file, err
		}
	}
	return "", nil
}

// Forget removes containers with the volumes of theirs, and leaves folders of the
// host.
func (c *Containers) Forget(ctx context.Context, members []Member) ([]string, error) {
	var left []string
	for _, m := range members {
		in, err := c.Engine.ContainerInspect(ctx, m.id, client.ContainerInspectOptions{})
		if err == nil {
			// Nameless volumes go with it, and one of those may be where the cluster goes on.
			_, err = c.Engine.ContainerRemove(ctx, m.id, client.ContainerRemoveOptions{RemoveVolumes: !m.inUse})
		}
		if err != nil {
			return left, fmt.Errorf("remove %s: %w", m.Name, err)
		}
		for _, mounted := range in.Container.Mounts {
			switch at := keptAt(in.Container, m.DataDir); {
			case mounted.Type == mount.TypeVolume && mounted.Name == at && m.inUse:
				left = append(left, fmt.Sprintf("the volume %s, which the cluster goes on in", at))
			case mounted.Type == mount.TypeVolume && mounted.Name == at:
				_, err := c.Engine.VolumeRemove(ctx, at, client.VolumeRemoveOptions{})
				if err != nil && !errdefs.IsNotFound(err) { // it went with the container
					left = append(left, fmt.Sprintf("the volume %s, which something else has", at))
				}
			case mounted.Type == mount.TypeBind && mounted.Source == at:
				left = append(left, "the folder "+at)
			}
		}
	}
	return left, nil
}
