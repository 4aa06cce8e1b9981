package swarm

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/swarm"
	"github.com/moby/moby/client"
	"golang.org/x/sync/errgroup"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/runtime"
)

// mostAttempts is how often something is done anew when somebody else has changed the
// same at the same time.
const mostAttempts = 5

// Prepare gets the image, and has it on the nodes of members that are about to get
// another one: a member that is stopped for an image that its node can't get would not
// come back.
func (r *Runtime) Prepare(ctx context.Context, want *cluster.Cluster, servers ...string) error {
	if err := r.getImage(ctx, want.Image); err != nil {
		return err
	}
	t, err := r.target(ctx, want)
	if err != nil {
		return err
	}
	if t.image == "" {
		return fmt.Errorf("the image %s is not on the engine", want.Image)
	}
	var needy []member
	for _, m := range t.choose(servers) {
		s, there := t.service(m.Name)
		if len(t.services) > 0 && (!there || s.Spec.TaskTemplate.ContainerSpec.Image != m.image) {
			needy = append(needy, m)
		}
	}
	return r.tryImages(ctx, t, needy)
}

func (r *Runtime) getImage(ctx context.Context, ref string) error {
	if r.o.GetImage == nil {
		return nil
	}
	return r.o.GetImage(ctx, ref)
}

// Apply makes servers run as wanted, and what they share. All services are made before
// the first of them starts a task.
func (r *Runtime) Apply(ctx context.Context, want *cluster.Cluster, servers ...string) error {
	for attempt := 1; ; attempt++ {
		err := r.apply(ctx, want, servers)
		again := errdefs.IsConflict(err) || errdefs.IsAlreadyExists(err)
		if again && attempt < mostAttempts && ctx.Err() == nil {
			continue // somebody else made it first: go on from there
		}
		return err
	}
}

func (r *Runtime) apply(ctx context.Context, want *cluster.Cluster, servers []string) error {
	t, err := r.target(ctx, want)
	if err != nil {
		return err
	}
	if t.image == "" {
		if err := r.getImage(ctx, want.Image); err != nil {
			return err
		}
		if t, err = r.target(ctx, want); err != nil {
			return err
		}
	}
	members := t.choose(servers)
	for _, m := range members {
		if m.image == "" {
			return fmt.Errorf("the image %s is not on the engine", want.Image)
		}
	}
	if err := r.checkOrphans(ctx, t); err != nil {
		return err
	}
	if err := r.make(ctx, t, members); err != nil {
		return err
	}
	if err := r.begin(ctx, t, members); err != nil {
		return err
	}
	return r.sweep(ctx, t.name)
}

// make makes what is missing: the network, secrets and configs, the note, and services
// that have no task yet.
func (r *Runtime) make(ctx context.Context, t *target, members []member) error {
	if err := r.connect(ctx, t); err != nil {
		return err
	}
	if err := r.give(ctx, t, members); err != nil {
		return err
	}
	if err := r.writeDown(ctx, t, members); err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	for _, m := range members {
		if _, there := t.service(m.Name); !there {
			g.Go(func() error { return r.createService(ctx, t, m) })
		}
	}
	return g.Wait()
}

// writeDown notes what the cluster is wanted as, and where members have their data. What
// one leaves on another node is noted as set aside.
func (r *Runtime) writeDown(ctx context.Context, t *target, members []member) error {
	is := t.note.copied()
	t.noteHomes(&is)
	is.wish, is.folder = t.cluster.Spec.Wish(), r.o.Folder
	for _, m := range members {
		if m.store.volume == "" {
			continue
		}
		was, _ := t.home(m.Name)
		is.moveHome(m.Name, was, home{m.store, m.image}, r.o.Now())
	}
	return r.write(ctx, t.name, t.note, is)
}

func (r *Runtime) createService(ctx context.Context, t *target, m member) error {
	done := r.doing(m.Name, "create service", "")
	spec := t.specOf(m)
	none := uint64(0)
	spec.Mode = swarm.ServiceMode{Replicated: &swarm.ReplicatedService{Replicas: &none}}
	auth, err := r.auth(m.ref)
	if err != nil {
		return err
	}
	if _, err := r.engine.ServiceCreate(ctx, client.ServiceCreateOptions{Spec: spec, EncodedRegistryAuth: auth}); err != nil {
		return fmt.Errorf("create the service of %s: %w", m.Name, err)
	}
	done()
	return nil
}

func (r *Runtime) auth(ref string) (string, error) {
	if r.o.Auth == nil || ref == "" { // one that `docker stack deploy` has made does not say by which name
		return "", nil
	}
	return r.o.Auth(ref)
}

// begin has members run as wanted, all at the same time, and waits until their tasks do.
func (r *Runtime) begin(ctx context.Context, t *target, members []member) error {
	now, err := r.look(ctx, t.name) // with the services that were just made
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	for _, m := range members {
		s, ok := now.service(m.Name)
		if !ok {
			return fmt.Errorf("the service of %s is gone again", m.Name)
		}
		if err := r.resume(ctx, now, s); err != nil {
			return err
		}
		_, runs := now.live(now.tasks[s.ID])
		wanted := t.specOf(m)
		if runs && !isStopped(s) && len(differences(now, s, wanted)) == 0 {
			continue
		}
		g.Go(func() error {
			why := "start"
			if runs {
				why = "replace"
			}
			return r.start(ctx, m.Name, why, s, func(swarm.ServiceSpec) swarm.ServiceSpec { return wanted })
		})
	}
	return g.Wait()
}

// resume has a service's task go on that somebody has paused.
func (r *Runtime) resume(ctx context.Context, f *found, s swarm.Service) error {
	paused := f.pausedIn(s)
	if paused == "" {
		return nil
	}
	done := r.doing(f.server(s), "resume", "it is paused")
	if _, err := r.engine.ContainerUnpause(ctx, paused, client.ContainerUnpauseOptions{}); err != nil {
		return fmt.Errorf("have %s go on: %w", f.server(s), err)
	}
	done()
	return nil
}

// start updates a service to one that runs, and waits until its task does.
func (r *Runtime) start(ctx context.Context, server, what string, s swarm.Service, to func(swarm.ServiceSpec) swarm.ServiceSpec) error {
	done := r.doing(server, what, "")
	for attempt := 1; ; attempt++ {
		update, err := r.update(ctx, s, to)
		if err == nil {
			err = r.await(ctx, server, s.ID, update)
		}
		if err == nil {
			done()
			return nil
		}
		once := (*rejectedOnceError)(nil)
		if !errors.As(err, &once) || attempt == mostRejections {
			return errors.Join(err, r.giveUp(ctx, s))
		}
		now, err := r.engine.ServiceInspect(ctx, s.ID, client.ServiceInspectOptions{})
		if err != nil {
			return fmt.Errorf("look at the service of %s: %w", server, unavailable(err))
		}
		s = now.Service
	}
}

// giveUp has Swarm not try again what was never started: a member that starts at some
// moment, when its image has come to its node, is none that anybody waits for.
func (r *Runtime) giveUp(ctx context.Context, s swarm.Service) error {
	list, err := r.engine.TaskList(ctx, client.TaskListOptions{Filters: make(client.Filters).Add("service", s.ID)})
	if err != nil || slices.ContainsFunc(list.Items, hasRun) {
		return nil //nolint:nilerr // why it does not start is what counts
	}
	now, err := r.engine.ServiceInspect(ctx, s.ID, client.ServiceInspectOptions{})
	if err != nil {
		return nil //nolint:nilerr // as above
	}
	_, err = r.update(ctx, now.Service, stopped)
	return err
}

// rejectedOnceError is about a task that its node has rejected, and that Swarm does not
// start again because its service is one that nothing starts again.
type rejectedOnceError struct{ error }

func (e *rejectedOnceError) Unwrap() error { return e.error }

// update changes a service, and gives the number of the update that its tasks bear.
func (r *Runtime) update(ctx context.Context, s swarm.Service, to func(swarm.ServiceSpec) swarm.ServiceSpec) (uint64, error) {
	for attempt := 1; ; attempt++ {
		spec := to(s.Spec)
		spec.TaskTemplate.ForceUpdate = s.Spec.TaskTemplate.ForceUpdate + 1
		auth, err := r.auth(spec.Labels[imageLabel])
		if err != nil {
			return 0, err
		}
		_, err = r.engine.ServiceUpdate(ctx, s.ID, client.ServiceUpdateOptions{Version: s.Version, Spec: spec, EncodedRegistryAuth: auth})
		if err == nil {
			return spec.TaskTemplate.ForceUpdate, nil
		}
		now, errNow := r.engine.ServiceInspect(ctx, s.ID, client.ServiceInspectOptions{})
		if errNow != nil || now.Service.Version == s.Version || attempt == mostAttempts {
			return 0, fmt.Errorf("update the service %s: %w", s.Spec.Name, unavailable(errors.Join(err, errNow)))
		}
		s = now.Service // Swarm itself has changed it in between: it counts updates
	}
}

// glance is how often Swarm is asked for a task.
const glance = 100 * time.Millisecond

// mostRejections is how often a node may reject a task until it is told: one that has
// just come up rejects the first.
const mostRejections = 3

// await waits until a task of an update runs, or has run: whether it serves is for
// others to see.
func (r *Runtime) await(ctx context.Context, server, service string, update uint64) error {
	ctx, cancel := context.WithTimeoutCause(ctx, r.o.Wait, errWaited)
	defer cancel()
	ticker := time.NewTicker(glance)
	defer ticker.Stop()
	last := "no task"
	for {
		begun, said, err := r.begun(ctx, server, service, update)
		if begun || err != nil && ctx.Err() == nil {
			return err
		}
		if said != "" {
			last = said
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			if !errors.Is(context.Cause(ctx), errWaited) {
				return ctx.Err()
			}
			return startError(server, last)
		}
	}
}

var errWaited = errors.New("waited in vain")

func startError(server, reason string) error {
	return &runtime.StartError{Server: server, Reason: reason, Err: fmt.Errorf("the task of %s does not start: %s", server, reason)}
}

// begun looks whether a task of an update has run, and gives what Swarm says of the
// newest one. Its error tells why there will be none.
func (r *Runtime) begun(ctx context.Context, server, service string, update uint64) (ok bool, said string, err error) {
	list, err := r.engine.TaskList(ctx, client.TaskListOptions{Filters: make(client.Filters).Add("service", service)})
	if err != nil {
		return false, "", fmt.Errorf("ask the swarm for the task of %s: %w", server, unavailable(err))
	}
	all, err := r.nodes(ctx)
	if err != nil {
		return false, "", err
	}
	rejected, newest := 0, swarm.Task{}
	for _, t := range list.Items {
		if t.Spec.ForceUpdate != update {
			continue
		}
		if hasRun(t) {
			return true, "", nil
		}
		if t.Status.State == swarm.TaskStateRejected {
			rejected++
		}
		if newest.ID == "" || t.CreatedAt.After(newest.CreatedAt) {
			newest = t
		}
	}
	if newest.ID == "" {
		return false, "", nil
	}
	again := newest.Spec.RestartPolicy == nil || newest.Spec.RestartPolicy.Condition != swarm.RestartPolicyConditionNone
	switch {
	case rejected >= mostRejections:
		return false, "", startError(server, lastWord(list.Items, update))
	case rejected > 0 && !again:
		return false, "", &rejectedOnceError{startError(server, lastWord(list.Items, update))}
	}
	if node := boundNode(newest, all); node.ID != "" && all.away(node) != "" {
		return false, "", startError(server, all.away(node))
	}
	return false, word(newest), nil
}

// lastWord is what Swarm says of the last task of an update that was rejected.
func lastWord(tasks []swarm.Task, update uint64) string {
	var last swarm.Task
	for _, t := range tasks {
		if t.Spec.ForceUpdate == update && t.Status.State == swarm.TaskStateRejected && t.CreatedAt.After(last.CreatedAt) {
			last = t
		}
	}
	return word(last)
}

// boundNode is the node that a task is bound to.
func boundNode(t swarm.Task, all nodes) swarm.Node {
	f := &found{nodes: all}
	id := f.nodeOf(swarm.Service{Spec: swarm.ServiceSpec{TaskTemplate: t.Spec}})
	return all.byID(id)
}
