package swarm

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/api/types/swarm"
	"github.com/moby/moby/client"
	"golang.org/x/sync/errgroup"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/compose"
	"github.com/etcdctr/etcdctr/runtime"
)

// stackLabel is what the docker command finds the parts of a stack by.
const stackLabel = "com.docker.stack.namespace"

// found is what a swarm holds of a cluster.
type found struct {
	name     string
	own      string // the ID of the engine's own node
	services []swarm.Service
	tasks    map[string][]swarm.Task // by service, the newest first
	nodes    nodes
	paused   map[string]bool // containers of tasks on the engine's own node
	configs  []swarm.Config  // of the cluster
	note     note
	others   []string
}

// find looks at what there is of a cluster. Its error is runtime.ErrNotFound where it
// is nothing.
func (r *Runtime) find(ctx context.Context, name string) (*found, error) {
	f, err := r.look(ctx, name)
	if err == nil && len(f.services) == 0 && len(f.note.homes) == 0 && len(f.note.staged) == 0 {
		return nil, &runtime.NotFoundError{Name: name}
	}
	return f, err
}

// look is find, also of nothing.
func (r *Runtime) look(ctx context.Context, name string) (*found, error) {
	in, err := r.manages(ctx)
	if err != nil {
		return nil, err
	}
	f := &found{name: name, own: in.node, tasks: map[string][]swarm.Task{}}
	g, asking := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		f.nodes, err = r.nodes(asking)
		return err
	})
	g.Go(func() error {
		list, err := r.engine.ConfigList(asking, client.ConfigListOptions{Filters: make(client.Filters).Add("label", compose.ClusterLabel+"="+name)})
		f.configs, f.note = list.Items, readNote(name, list.Items)
		return err
	})
	g.Go(func() (err error) {
		f.paused, err = r.pausedHere(asking, name)
		return err
	})
	g.Go(func() error { return r.lookAtServices(asking, f) })
	if err := g.Wait(); err != nil {
		return nil, r.why(ctx, err)
	}
	return f, nil
}

// pausedHere are the containers of a cluster that somebody has paused on the engine's own
// node: Swarm says that their tasks run, and of other nodes it tells nothing else.
func (r *Runtime) pausedHere(ctx context.Context, name string) (map[string]bool, error) {
	filter := make(client.Filters).Add("status", "paused").Add("label", stackLabel+"="+name)
	list, err := r.engine.ContainerList(ctx, client.ContainerListOptions{Filters: filter})
	paused := map[string]bool{}
	for _, c := range list.Items {
		paused[c.ID] = true
	}
	return paused, err
}

// pausedIn is the container of a service's task if it is paused; else empty.
func (f *found) pausedIn(s swarm.Service) string {
	t, ok := f.live(f.tasks[s.ID])
	if !ok || t.Status.ContainerStatus == nil || !f.paused[t.Status.ContainerStatus.ContainerID] {
		return ""
	}
	return t.Status.ContainerStatus.ContainerID
}

func (r *Runtime) lookAtServices(ctx context.Context, f *found) error {
	list, err := r.engine.ServiceList(ctx, client.ServiceListOptions{Filters: make(client.Filters).Add("label", stackLabel+"="+f.name)})
	if err != nil {
		return err
	}
	filter := make(client.Filters)
	for _, s := range list.Items {
		if !f.isServer(s) {
			f.others = append(f.others, "service "+s.Spec.Name)
			continue
		}
		f.services = append(f.services, s)
		filter = filter.Add("service", s.ID)
	}
	slices.SortFunc(f.services, func(a, b swarm.Service) int { return strings.Compare(a.Spec.Name, b.Spec.Name) })
	if len(f.services) == 0 {
		return nil
	}
	tasks, err := r.engine.TaskList(ctx, client.TaskListOptions{Filters: filter})
	if err != nil {
		return err
	}
	for _, t := range tasks.Items {
		f.tasks[t.ServiceID] = append(f.tasks[t.ServiceID], t)
	}
	for _, all := range f.tasks {
		slices.SortFunc(all, func(a, b swarm.Task) int {
			return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), b.UpdatedAt.Compare(a.UpdatedAt))
		})
	}
	return nil
}

// isServer tells the services that are members from what else the stack has.
func (f *found) isServer(s swarm.Service) bool {
	return s.Spec.Labels[compose.RoleLabel] == compose.RoleMember && s.Spec.TaskTemplate.ContainerSpec != nil &&
		strings.HasPrefix(s.Spec.Name, f.name+"_")
}

// server is the name of a service's server.
func (f *found) server(s swarm.Service) string { return strings.TrimPrefix(s.Spec.Name, f.name+"_") }

func serviceName(name, server string) string { return name + "_" + server }

// service gives that of a server.
func (f *found) service(server string) (swarm.Service, bool) {
	i := slices.IndexFunc(f.services, func(s swarm.Service) bool { return f.server(s) == server })
	if i < 0 {
		return swarm.Service{}, false
	}
	return f.services[i], true
}

// home is where a server's data is; false if it keeps none.
func (f *found) home(server string) (home, bool) {
	if h, ok := f.note.homes[server]; ok {
		return h, true
	}
	s, ok := f.service(server)
	if !ok {
		return home{}, false
	}
	volume := volumeOf(s)
	node := f.nodeOf(s)
	return home{place{node, volume}, s.Spec.TaskTemplate.ContainerSpec.Image}, volume != "" && node != ""
}

// strays are the services that have their data elsewhere than where the cluster's is
// noted: `docker stack deploy` goes by the names in its file, and founds another cluster.
func (f *found) strays() []swarm.Service {
	var all []swarm.Service
	for _, s := range f.services {
		server, volume := f.server(s), volumeOf(s)
		if _, noted := f.note.homes[server]; noted && volume != "" && !f.note.knows(server, volume) {
			all = append(all, s)
		}
	}
	return all
}

// checkStrays refuses to give members of another cluster the data of this one, one after
// the other.
func (f *found) checkStrays() error {
	var errs []error
	for _, s := range f.strays() {
		h := f.note.homes[f.server(s)]
		errs = append(errs, fmt.Errorf("the service of %s has its data in the volume %s, and the data of %s is in %s on %s", f.server(s), volumeOf(s), f.name, h.volume, f.nodes.hostname(h.node)))
	}
	if len(errs) == 0 {
		return nil
	}
	errs = append(errs, errors.New("something else than etcdctr has made these services beside the data, such as `docker stack deploy`: `etcdctr down` and `etcdctr up` bring the members back with it, and set aside what was written since"))
	return errors.Join(errs...)
}

// volumeOf is the volume with a service's data; empty for memory.
func volumeOf(s swarm.Service) string {
	for _, m := range s.Spec.TaskTemplate.ContainerSpec.Mounts {
		if m.Target == cluster.ContainerVolumeDir && m.Type == mount.TypeVolume {
			return m.Source
		}
	}
	return ""
}

// nodeOf is the ID of the node that a service is bound to; empty if it is bound to none.
func (f *found) nodeOf(s swarm.Service) string {
	if s.Spec.TaskTemplate.Placement == nil {
		return ""
	}
	for _, c := range s.Spec.TaskTemplate.Placement.Constraints {
		for _, property := range []string{"node.id==", "node.hostname=="} {
			name, ok := strings.CutPrefix(strings.ReplaceAll(c, " ", ""), property)
			if !ok {
				continue
			}
			n, err := f.nodes.named(name)
			switch {
			case err == nil:
				return n.ID
			case len(f.nodes.called(name)) > 1:
				return f.taskedTo(s, name)
			}
			return name
		}
	}
	return ""
}

// taskedTo is the node of a host name that Swarm has chosen last for a service, of several that
// are called so; the name where it has chosen none.
func (f *found) taskedTo(s swarm.Service, name string) string {
	for _, t := range f.tasks[s.ID] {
		if t.NodeID != "" && f.nodes.byID(t.NodeID).Description.Hostname == name {
			return t.NodeID
		}
	}
	return name
}

// Observe tells what the swarm holds of a cluster.
func (r *Runtime) Observe(ctx context.Context, name string) (*runtime.State, error) {
	f, err := r.find(ctx, name)
	if errors.Is(err, runtime.ErrNotFound) {
		return r.rest(ctx, name, err)
	}
	if err != nil {
		return nil, err
	}
	return f.state(r), nil
}

// rest is what there is of a cluster that is gone: the network, where somebody was on it.
func (r *Runtime) rest(ctx context.Context, name string, none error) (*runtime.State, error) {
	n, ok, err := r.findNetwork(ctx, name)
	if err != nil {
		return nil, err
	}
	if f := (&found{name: name}); !ok || !f.isOwn(n) {
		return nil, none
	}
	return &runtime.State{Name: name, Runtime: Name}, nil
}

// List observes each cluster of the swarm. An engine that manages none has none.
func (r *Runtime) List(ctx context.Context) ([]runtime.State, error) {
	if _, err := r.manages(ctx); err != nil {
		if standing := (*StandingError)(nil); errors.As(err, &standing) && standing.Standing != Lonely {
			return nil, nil
		}
		return nil, err
	}
	list, err := r.engine.ServiceList(ctx, client.ServiceListOptions{Filters: make(client.Filters).Add("label", compose.RoleLabel+"="+compose.RoleMember)})
	if err != nil {
		return nil, r.why(ctx, err)
	}
	notes, err := r.engine.ConfigList(ctx, client.ConfigListOptions{Filters: make(client.Filters).Add("label", noteLabel)})
	if err != nil {
		return nil, r.why(ctx, err)
	}
	var names []string
	for _, c := range notes.Items { // some of clusters that have nothing but their data
		names = append(names, c.Spec.Labels[compose.ClusterLabel])
	}
	for _, s := range list.Items {
		if name := s.Spec.Labels[stackLabel]; name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var all []runtime.State
	for _, name := range names {
		s, err := r.Observe(ctx, name)
		if errors.Is(err, runtime.ErrNotFound) {
			continue // gone by now
		}
		if err != nil {
			return nil, err
		}
		all = append(all, *s)
	}
	return all, nil
}

// state says in the words of package runtime what was found.
func (f *found) state(r *Runtime) *runtime.State {
	s := &runtime.State{Name: f.name, Runtime: Name, Folder: f.note.folder, Wish: f.note.wish, Others: f.others, Aside: f.allAside()}
	for _, x := range f.services {
		s.Servers = append(s.Servers, f.describe(x))
	}
	homes := f.note.copied().homes
	for server, staged := range f.note.staged {
		if _, there := homes[server]; !there {
			homes[server] = staged.home // which it is to have
		}
	}
	for server, h := range homes {
		if _, there := s.Server(server); !there {
			s.Servers = append(s.Servers, runtime.Server{
				Name: server, Role: runtime.Member, Status: runtime.Absent, DataAt: h.volume, Host: f.nodes.hostname(h.node),
				Detail: "data in the volume " + h.volume + " on " + f.nodes.hostname(h.node),
			})
		}
	}
	slices.SortFunc(s.Servers, func(a, b runtime.Server) int { return strings.Compare(a.Name, b.Name) })
	if s.StartedIn(r.o.Folder) {
		s.CertsDir = filepath.Join(r.o.Folder, r.o.CertsDir)
	}
	return s
}

// describe says what a service is, and what its newest task does.
func (f *found) describe(s swarm.Service) runtime.Server {
	spec := s.Spec.TaskTemplate.ContainerSpec
	x := runtime.Server{
		Name: f.server(s), Role: runtime.Member, Settings: cluster.SettingsIn(spec.Env), Release: s.Spec.Labels[compose.ReleaseLabel],
		Program: cmp.Or(s.Spec.Labels[imageLabel], spec.Image), DataAt: volumeOf(s), Host: f.nodes.hostname(f.nodeOf(s)),
	}
	if x.DataAt == "" {
		x.Data = runtime.Volatile
	}
	tasks := f.tasks[s.ID]
	x.Restarts = restarts(s, tasks)
	f.tell(&x, s, tasks)
	return x
}

// tell tells what a server is doing. What Swarm says of its newest task is its word
// for it.
func (f *found) tell(x *runtime.Server, s swarm.Service, tasks []swarm.Task) {
	if t, ok := f.live(tasks); ok {
		x.Status, x.Since, x.Detail = runtime.Running, t.Status.Timestamp, "running on "+f.nodes.hostname(t.NodeID)
		if f.pausedIn(s) != "" {
			x.Status, x.Detail = runtime.Paused, "paused on "+f.nodes.hostname(t.NodeID)
		}
		return
	}
	last, ran := lastRun(tasks)
	if ran && last.Status.ContainerStatus != nil {
		x.ExitCode = last.Status.ContainerStatus.ExitCode
	}
	rejected := slices.IndexFunc(tasks, func(t swarm.Task) bool { return t.Status.State == swarm.TaskStateRejected })
	switch {
	case !ran && rejected >= 0:
		x.Status, x.Since, x.Detail = runtime.Created, tasks[rejected].Status.Timestamp, word(tasks[rejected])
		x.Error = tasks[rejected].Status.Err
	case isStopped(s) && !ran && s.PreviousSpec == nil:
		x.Status, x.Since, x.Detail = runtime.Created, s.CreatedAt, "created"
	case isStopped(s):
		x.Status, x.Since, x.Detail = runtime.Stopped, s.UpdatedAt, fmt.Sprintf("stopped, exited with code %d", x.ExitCode)
	case len(tasks) == 0:
		x.Status, x.Since, x.Detail = runtime.Created, s.CreatedAt, "created"
	default:
		f.tellTask(x, s, tasks[0], ran)
	}
}

// tellTask tells of a task that does not run.
func (f *found) tellTask(x *runtime.Server, s swarm.Service, t swarm.Task, ran bool) {
	x.Since, x.Detail = t.Status.Timestamp, word(t)
	node := f.nodes.byID(f.nodeOf(s))
	if why := f.nodes.away(node); why != "" {
		x.Detail += ": " + why
		x.Held = why
	}
	if node.Status.State != swarm.NodeStateReady {
		x.Status = runtime.Away // Swarm starts a task once it is back
		return
	}
	again := s.Spec.TaskTemplate.RestartPolicy == nil || s.Spec.TaskTemplate.RestartPolicy.Condition != swarm.RestartPolicyConditionNone
	switch t.Status.State {
	case swarm.TaskStateComplete:
		x.Status = runtime.Ended
	case swarm.TaskStateFailed:
		x.Status = runtime.Failed
	case swarm.TaskStateRejected:
		x.Status, x.Error = runtime.Created, t.Status.Err
		if ran {
			x.Status = runtime.Failed
		}
	default:
		x.Status = runtime.Created
		if ran {
			x.Status = runtime.Restarting
		}
	}
	if again && ran && x.Status != runtime.Created {
		x.Status = runtime.Restarting
	}
}

// word is what Swarm says of a task.
func word(t swarm.Task) string {
	if t.Status.Err != "" {
		return string(t.Status.State) + ": " + t.Status.Err
	}
	return string(t.Status.State)
}

// live gives the task whose process lives: on a node that is there.
func (f *found) live(tasks []swarm.Task) (swarm.Task, bool) {
	for _, t := range tasks {
		n := f.nodes.byID(t.NodeID)
		if t.Status.State == swarm.TaskStateRunning && n.Status.State != swarm.NodeStateDown && n.ID != "" {
			return t, true
		}
	}
	return swarm.Task{}, false
}

// lastRun gives the newest task that has ever run.
func lastRun(tasks []swarm.Task) (swarm.Task, bool) {
	for _, t := range tasks {
		if hasRun(t) {
			return t, true
		}
	}
	return swarm.Task{}, false
}

// hasRun: there was a container, which ran.
func hasRun(t swarm.Task) bool {
	if t.Status.ContainerStatus == nil || t.Status.ContainerStatus.ContainerID == "" {
		return false
	}
	switch t.Status.State {
	case swarm.TaskStateRunning, swarm.TaskStateComplete, swarm.TaskStateShutdown, swarm.TaskStateFailed, swarm.TaskStateOrphaned, swarm.TaskStateRemove:
		return true
	}
	return false
}

// restarts counts the tasks that have ended by themselves since the service is as it
// is.
func restarts(s swarm.Service, tasks []swarm.Task) int {
	n := 0
	for _, t := range tasks {
		ended := t.Status.State == swarm.TaskStateFailed || t.Status.State == swarm.TaskStateComplete
		if ended && t.Spec.ForceUpdate == s.Spec.TaskTemplate.ForceUpdate { // which each update counts on
			n++
		}
	}
	return n
}
