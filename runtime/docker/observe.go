package docker

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/distribution/reference"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/client"
	"golang.org/x/sync/errgroup"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/compose"
	"github.com/etcdctr/etcdctr/internal/unlinked"
	"github.com/etcdctr/etcdctr/runtime"
	"github.com/etcdctr/etcdctr/stack"
)

// found is what an engine holds of a cluster, divided into what is the cluster's
// and what is not, with all that is to be known of its containers.
type found struct {
	stack.Belongings
	project string
	state   *stack.State                         // with what is not the cluster's
	note    *stack.Volume                        // nil when there is none
	begun   []string                             // volumes in which nothing is, by their names in the Compose file
	details map[string]container.InspectResponse // by ID
	lent    map[string]cluster.Store             // what somebody else has made for servers' data
	dated   bool                                 // the engine says truly when volumes were made
	gone    map[string][]string                  // what is noted of servers and is there no more: see goneAside
}

// find looks at a project. Its error is runtime.ErrNotFound where nothing of it
// is the cluster's.
func (r *Runtime) find(ctx context.Context, name string) (*found, error) {
	if err := r.answers(ctx); err != nil {
		return nil, err
	}
	s, err := stack.Observe(ctx, r.engine, name)
	if err != nil {
		return nil, unavailable(err)
	}
	return r.foundIn(ctx, s)
}

// foundIn is find where somebody has asked the engine.
func (r *Runtime) foundIn(ctx context.Context, s *stack.State) (*found, error) {
	if err := s.DropLeft(ctx, r.engine, r.o.Now()); err != nil {
		return nil, err
	}
	names := named(s)
	holding, begun, err := r.leftByCompose(ctx, s, names.Volumes)
	if err != nil {
		return nil, err
	}
	names.Volumes = append(names.Volumes, holding...)
	if len(stack.DivideContainers(s).Own.Containers) > 0 { // else nothing tells of a cluster
		names.Volumes = append(names.Volumes, begun...)
	}
	b, err := stack.Divide(ctx, r.engine, s, names)
	if err != nil {
		return nil, err
	}
	if err := b.Foreign(); err != nil {
		return nil, &ForeignError{err}
	}
	f := &found{Belongings: *b, project: s.Project, state: s, begun: begun, lent: r.lentTo(s.Project), dated: r.datesVolumes()}
	f.note = f.noteOf(noteKey)
	if rest := *b.Own; !slices.ContainsFunc(rest.Volumes, func(v stack.Volume) bool { return !isNote(v) }) {
		rest.Volumes = nil // a note of what is gone is no cluster
		b.Own = &rest
	}
	if b.Own.Empty() {
		return nil, &runtime.NotFoundError{Name: s.Project}
	}
	f.details, err = r.inspect(ctx, b.Own.Containers)
	if err == nil {
		f.gone = r.goneAside(ctx, f)
	}
	return f, err
}

// ForeignError is about a Compose project of a cluster's name that holds nothing
// of a cluster: there is none of this name.
type ForeignError struct{ Err error }

func (e *ForeignError) Error() string { return e.Err.Error() }

func (e *ForeignError) Unwrap() error { return e.Err }

// RunsEtcd tells whether, by the name of its image, a container of it is etcd's.
func (e *ForeignError) RunsEtcd() bool {
	foreign := (*stack.ForeignError)(nil)
	return errors.As(e.Err, &foreign) && slices.ContainsFunc(foreign.Images, func(image string) bool {
		named, err := reference.ParseNormalizedNamed(image)
		return err == nil && strings.Contains(path.Base(reference.Path(named)), "etcd")
	})
}

// Is makes it runtime.ErrNotFound.
func (e *ForeignError) Is(target error) bool { return target == runtime.ErrNotFound }

// unavailable marks what tells that the engine does not answer.
func unavailable(err error) error {
	if client.IsErrConnectionFailed(err) {
		return errors.Join(runtime.ErrUnavailable, err)
	}
	return err
}

// named are the volumes and networks that are the cluster's by their names: what
// Docker Compose makes of the file is labelled for the project alone.
func named(s *stack.State) stack.Names {
	names := stack.Names{Networks: compose.NetworkNames(), Volumes: notedVolumes(s.Volumes)}
	for _, c := range s.Containers {
		if c.Own() {
			names.Volumes = append(names.Volumes, compose.VolumeName(c.Service))
		}
	}
	return names
}

// inspect asks for all that the engine knows of containers, at the same time.
// One that is gone by now is left out.
func (r *Runtime) inspect(ctx context.Context, containers []stack.Container) (map[string]container.InspectResponse, error) {
	answers := make([]*container.InspectResponse, len(containers))
	g, ctx := errgroup.WithContext(ctx)
	for i, c := range containers {
		g.Go(func() error {
			in, err := stack.Inspect(ctx, r.engine, c.ID)
			if errdefs.IsNotFound(err) {
				return nil
			}
			if err != nil {
				return fmt.Errorf("ask the engine about %s: %w", c.Name, err)
			}
			answers[i] = &in.Container
			return nil
		})
	}
	err := g.Wait()
	details := map[string]container.InspectResponse{}
	for _, in := range answers {
		if in != nil {
			details[in.ID] = *in
		}
	}
	return details, err
}

// Observe tells what the engine holds of a cluster.
func (r *Runtime) Observe(ctx context.Context, name string) (*runtime.State, error) {
	f, err := r.find(ctx, name)
	if err != nil {
		return nil, err
	}
	return r.stateOf(ctx, f)
}

func (r *Runtime) stateOf(ctx context.Context, f *found) (*runtime.State, error) {
	s := r.describe(f)
	s.Seen = f
	if s.CertsDir != "" { // else the engine need not be asked where it runs
		local, err := r.seesFiles(ctx)
		if err != nil {
			return nil, err
		}
		if !local {
			s.CertsDir = ""
		}
	}
	return s, r.addLent(ctx, s)
}

// seen is what was found when a state was observed; without one it is asked for.
func (r *Runtime) seen(ctx context.Context, project string, have *runtime.State) (*stack.State, map[string]container.InspectResponse, error) {
	if have != nil {
		if f, ok := have.Seen.(*found); ok && f.project == project {
			return f.state, f.details, nil
		}
	}
	s, err := stack.Observe(ctx, r.engine, project)
	if err != nil {
		return nil, nil, err
	}
	details, err := r.inspect(ctx, stack.DivideContainers(s).Own.Containers)
	return s, details, err
}

// List observes each cluster with a member on the engine, running or not, or with the
// data of one.
func (r *Runtime) List(ctx context.Context) ([]runtime.State, error) {
	if err := r.answers(ctx); err != nil {
		return nil, err
	}
	projects, err := stack.ObserveAll(ctx, r.engine)
	if err != nil {
		return nil, unavailable(err)
	}
	states := make([]*runtime.State, len(projects))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	for i, p := range projects {
		g.Go(func() error {
			f, err := r.foundIn(ctx, p)
			if errors.Is(err, runtime.ErrNotFound) {
				return nil
			}
			if err == nil {
				states[i], err = r.stateOf(ctx, f)
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	var all []runtime.State
	for _, s := range states {
		if s != nil && len(s.Members()) > 0 {
			all = append(all, *s)
		}
	}
	return all, nil
}

// atOnce is how many clusters an engine is asked about at the same time.
const atOnce = 8

// describe says in the words of package runtime what was found.
func (r *Runtime) describe(f *found) *runtime.State {
	was := f.wish()
	s := &runtime.State{Name: f.project, Runtime: Name, Folder: was.folder, Wish: was.text, Others: f.Others}
	for _, c := range f.Own.Spares {
		s.Leftovers = append(s.Leftovers, c.Name)
	}
	var newest time.Time
	for _, c := range f.servers() {
		in, there := f.details[c.ID]
		if !there {
			continue
		}
		x := server(c, in)
		x.Host = r.host()
		x.DataAt, x.Lent = f.dataAt(c, in)
		x.Protected = f.protects(x.DataAt)
		x.Off = off(f.state.Networks, c, in)
		x.Unlinked = c.Member() && x.Host == "" && x.Runs() && x.Data != runtime.Volatile && unlinked.Log(in.State.Pid)
		s.Servers = append(s.Servers, x)
		if c.Member() && !c.Created.Before(newest) {
			newest, s.CertsDir = c.Created, certsDir(in)
		}
	}
	s.Servers = append(s.Servers, f.absent(s)...)
	slices.SortFunc(s.Servers, func(a, b runtime.Server) int { return strings.Compare(a.Name, b.Name) })
	s.Aside = f.asideTold()
	return s
}

// servers are the containers that are servers: not those that do something once,
// or for somebody.
func (f *found) servers() []stack.Container {
	return slices.DeleteFunc(f.Own.Servers(), func(c stack.Container) bool { return !isServer(c.Labels[stack.RoleLabel]) })
}

func isServer(role string) bool {
	switch role {
	case compose.RoleMember, compose.RoleDiscovery, compose.RoleDNS, compose.RoleGuard, compose.RoleMonitoring, compose.RoleBackup:
		return true
	}
	return false
}

// isLate tells the servers that wait until all members are healthy.
func isLate(role string) bool { return role == compose.RoleGuard }

// runsEtcd tells the servers whose images are etcd's, and whose tags its releases.
func runsEtcd(role string) bool {
	return role == compose.RoleMember || role == compose.RoleDiscovery || role == compose.RoleGuard
}

// absent are the servers that have nothing but their data.
func (f *found) absent(s *runtime.State) []runtime.Server {
	var all []runtime.Server
	for _, v := range f.Own.Volumes {
		name, ok := strings.CutSuffix(v.Key, compose.VolumeName(""))
		if _, there := s.Server(name); !ok || there || slices.Contains(f.begun, v.Key) {
			continue
		}
		role := runtime.Member
		if name == cluster.DiscoveryServerName || name == cluster.PrometheusName {
			role = runtime.Service
		}
		all = append(all, runtime.Server{Name: name, Role: role, Status: runtime.Absent, DataAt: v.Name, Protected: v.Protected(), Detail: "data in volume " + v.Name})
	}
	return all
}

func server(c stack.Container, in container.InspectResponse) runtime.Server {
	x := runtime.Server{
		Name: c.Service, Role: runtime.Service, Detail: c.Detail, Restarts: in.RestartCount,
		Settings: cluster.SettingsIn(in.Config.Env), Program: imageOf(c, in), Published: clientAddresses(in),
	}
	if c.Member() {
		x.Role = runtime.Member
	}
	role := c.Labels[stack.RoleLabel]
	x.Late = isLate(role)
	if runsEtcd(role) {
		x.Release = release(c, in)
	}
	if in.State != nil {
		x.Status, x.Since = status(c, *in.State)
		if in.State.Status == container.StateExited { // the engine says when, too, and that is Since
			x.Detail = fmt.Sprintf("exited with code %d", in.State.ExitCode)
		}
		x.ExitCode, x.OutOfMemory, x.Error = in.State.ExitCode, in.State.OOMKilled, in.State.Error
	}
	if !keeps(in) && (role == compose.RoleMember || role == compose.RoleDiscovery) {
		x.Data = runtime.Volatile
	}
	return x
}

// status says what a container is doing and since when. An engine does not tell
// whether a container was asked to end. It starts one anew that was not, unless
// its policy is another; and etcd ends with code 0 when it is asked as the first
// process of a container, with 143 as any other, and is killed with 137.
func status(c stack.Container, s container.State) (runtime.Status, time.Time) {
	started, ended := moment(s.StartedAt), moment(s.FinishedAt)
	switch stack.AsDocker(s.Status) {
	case container.StateRunning:
		return runtime.Running, started
	case container.StatePaused:
		return runtime.Paused, started
	case container.StateRestarting:
		return runtime.Restarting, ended
	case container.StateCreated:
		if c.Created.Unix() == 0 {
			return runtime.Created, time.Time{} // not told
		}
		return runtime.Created, c.Created
	}
	switch {
	case s.OOMKilled:
		return runtime.Failed, ended
	case slices.Contains([]int{0, 128 + 9, 128 + 15}, s.ExitCode):
		return runtime.Stopped, ended
	}
	return runtime.Failed, ended
}

// moment reads the engine's time; its zero is the zero time.
func moment(text string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil || t.Year() <= 1 {
		return time.Time{}
	}
	return t
}

// release is what an image says of itself, by its label or its tag.
func release(c stack.Container, in container.InspectResponse) string {
	for _, text := range []string{in.Config.Labels[versionLabel], tag(c.Image)} {
		if v, err := cluster.ParseVersion(text); err == nil {
			return v.String()
		}
	}
	return ""
}

func tag(image string) string {
	ref, err := reference.ParseNormalizedNamed(image)
	if err != nil {
		return ""
	}
	if tagged, ok := ref.(reference.Tagged); ok {
		return tagged.Tag()
	}
	return ""
}

// clientAddresses are those on the host of a container's client port. Podman
// gives none for a container that publishes nothing.
func clientAddresses(in container.InspectResponse) []string {
	if in.HostConfig == nil {
		return nil
	}
	var all []string
	for port, bindings := range in.HostConfig.PortBindings {
		for _, b := range bindings {
			if n, err := netip.ParseAddrPort(b.HostIP.String() + ":" + b.HostPort); err == nil && !isPeerPort(in, int(port.Num())) {
				all = append(all, n.String())
			}
		}
	}
	slices.Sort(all)
	return all
}

func isPeerPort(in container.InspectResponse, port int) bool {
	urls := cluster.SettingsIn(in.Config.Env).Get("listen-peer-urls")
	return strings.HasSuffix(urls, fmt.Sprintf(":%d", port))
}

// keeps reports whether what is written where a server has its data outlives its
// container.
func keeps(in container.InspectResponse) bool { return storeOf(in).Given() }

// storeOf is the volume or folder that a server's data is in; not given if it is in
// none.
func storeOf(in container.InspectResponse) cluster.Store {
	for _, m := range in.Mounts {
		switch {
		case m.Destination != cluster.ContainerVolumeDir:
		case m.Type == mount.TypeVolume:
			return cluster.Store{Volume: m.Name}
		case m.Type == mount.TypeBind:
			return cluster.Store{Folder: m.Source}
		}
	}
	return cluster.Store{}
}

// dataAt is the volume or folder that a server's data is in, whether its container
// mounts it or a volume only has its name, and whether it is somebody else's; empty
// if there is none.
func (f *found) dataAt(c stack.Container, in container.InspectResponse) (at string, lent bool) {
	s := storeOf(in)
	for _, v := range f.Own.Volumes {
		if s.Volume == v.Name || !s.Given() && v.Key == compose.VolumeName(c.Service) {
			return v.Name, false
		}
	}
	return s.Place(), s.Given()
}

// protects tells whether a volume is protected.
func (f *found) protects(volume string) bool {
	return slices.ContainsFunc(f.Own.Volumes, func(v stack.Volume) bool { return v.Name == volume && v.Protected() })
}

// certsDir is the folder of the cluster's certificates, of which a container
// mounts its own.
func certsDir(in container.InspectResponse) string {
	source := certsSource(in)
	if source == "" || path.Base(path.Dir(filepath.ToSlash(source))) != "members" {
		return ""
	}
	return filepath.Dir(filepath.Dir(source))
}

// certsSource is the folder that a container sees as its certificates; empty
// where they are copies.
func certsSource(in container.InspectResponse) string {
	for _, m := range in.Mounts {
		if m.Type == mount.TypeBind && m.Destination == cluster.ContainerCertsDir {
			return m.Source
		}
	}
	return ""
}
