package swarm

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/api/types/swarm"
	"github.com/moby/moby/client"
	"golang.org/x/sync/errgroup"

	"github.com/etcdctr/etcdctr/compose"
	"github.com/etcdctr/etcdctr/runtime"
	"github.com/etcdctr/etcdctr/stack"
)

// chosen gives the services of servers, or all when none is named.
func (f *found) chosen(servers []string) ([]swarm.Service, error) {
	if len(servers) == 0 {
		return f.services, nil
	}
	var some []swarm.Service
	unknown := &runtime.UnknownError{Name: f.name, Has: f.servers()}
	for _, name := range servers {
		if s, ok := f.service(name); ok {
			some = append(some, s)
		} else {
			unknown.Servers = append(unknown.Servers, name)
		}
	}
	if len(unknown.Servers) > 0 {
		return nil, unknown
	}
	return some, nil
}

func (f *found) servers() []string {
	var all []string
	for _, s := range f.services {
		all = append(all, f.server(s))
	}
	return all
}

// Start starts servers that are there and do not run.
func (r *Runtime) Start(ctx context.Context, name string, servers ...string) error {
	f, err := r.find(ctx, name)
	if err != nil {
		return err
	}
	some, err := f.chosen(servers)
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	for _, s := range some {
		if err := r.resume(ctx, f, s); err != nil {
			return err
		}
		if _, runs := f.live(f.tasks[s.ID]); runs && !isStopped(s) {
			continue
		}
		g.Go(func() error { return r.start(ctx, f.server(s), "start", s, begun) })
	}
	return g.Wait()
}

// Stop asks servers to end. Swarm lets each take the time that its cluster gives it:
// earlier, only those can be killed that are on the engine that is asked.
func (r *Runtime) Stop(ctx context.Context, name string, within time.Duration, servers ...string) error {
	f, err := r.find(ctx, name)
	if err != nil {
		return err
	}
	some, err := f.chosen(servers)
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	for _, s := range some {
		task, runs := f.live(f.tasks[s.ID])
		if isStopped(s) && !runs {
			continue
		}
		g.Go(func() error {
			done := r.doing(f.server(s), "stop", "")
			if !isStopped(s) {
				if _, err := r.update(ctx, s, stopped); err != nil {
					return err
				}
			}
			if !runs {
				done()
				return nil
			}
			if err := r.ended(ctx, f, s, task, within); err != nil {
				return err
			}
			done()
			return nil
		})
	}
	return g.Wait()
}

// ended waits until a service has no task that runs.
func (r *Runtime) ended(ctx context.Context, f *found, s swarm.Service, task swarm.Task, within time.Duration) error {
	ctx, cancel := context.WithTimeoutCause(ctx, graceOf(s)+r.o.Wait, errWaited)
	defer cancel()
	var kill <-chan time.Time
	if within > 0 && task.NodeID == f.own && task.Status.ContainerStatus != nil {
		timer := time.NewTimer(within)
		defer timer.Stop()
		kill = timer.C
	}
	ticker := time.NewTicker(glance)
	defer ticker.Stop()
	for {
		now, err := r.look(ctx, f.name)
		if err != nil && ctx.Err() == nil {
			return err
		}
		if err == nil {
			if _, runs := now.live(now.tasks[s.ID]); !runs {
				return nil
			}
		}
		select {
		case <-ticker.C:
		case <-kill:
			_, err := r.engine.ContainerKill(ctx, task.Status.ContainerStatus.ContainerID, client.ContainerKillOptions{Signal: "KILL"})
			if err != nil && !errdefs.IsNotFound(err) && !errdefs.IsConflict(err) { // it has ended
				return fmt.Errorf("kill %s: %w", f.server(s), err)
			}
		case <-ctx.Done():
			if errors.Is(context.Cause(ctx), errWaited) {
				return fmt.Errorf("%s does not stop: its task on %s still runs", f.server(s), f.nodes.hostname(task.NodeID))
			}
			return ctx.Err()
		}
	}
}

func graceOf(s swarm.Service) time.Duration {
	if g := s.Spec.TaskTemplate.ContainerSpec.StopGracePeriod; g != nil {
		return *g
	}
	const swarms = 10 * time.Second
	return swarms
}

// Remove removes the services of servers, and with the last of them what they shared.
// Data goes where it can be reached: a volume of another node is emptied there, or it
// is told how.
func (r *Runtime) Remove(ctx context.Context, name string, removal runtime.Removal) error {
	f, err := r.look(ctx, name)
	if err != nil {
		return err
	}
	if len(f.services) == 0 && f.note.id == "" {
		return r.disconnect(ctx, f)
	}
	goes := func(server string) bool { return len(removal.Servers) == 0 || slices.Contains(removal.Servers, server) }
	if removal.Data {
		if err := r.keepHomes(ctx, f); err != nil { // which only services know, once they are gone
			return err
		}
		if f, err = r.look(ctx, name); err != nil {
			return err
		}
	}
	if err := r.removeServices(ctx, f, goes); err != nil {
		return err
	}
	left := slices.ContainsFunc(f.services, func(s swarm.Service) bool { return !goes(f.server(s)) })
	if !left {
		if err := r.disconnect(ctx, f); err != nil {
			return err
		}
	}
	if removal.Data {
		if err := r.deleteData(ctx, f, goes); err != nil {
			return err
		}
	} else if err := r.keepHomes(ctx, f); err != nil {
		return err
	}
	return r.sweep(ctx, name)
}

// keepHomes notes where services have their data that are about to go, also those that
// are strays.
func (r *Runtime) keepHomes(ctx context.Context, f *found) error {
	is := f.note.copied()
	f.noteHomes(&is)
	for _, s := range f.strays() {
		is.aside[f.server(s)] = append(slices.Clone(is.aside[f.server(s)]), place{f.nodeOf(s), volumeOf(s)})
		is.asideAt[volumeOf(s)] = r.o.Now().UTC().Format(time.RFC3339)
	}
	if len(is.homes) == 0 && len(is.staged) == 0 {
		return r.drop(ctx, f.note)
	}
	return r.write(ctx, f.name, f.note, is)
}

func (r *Runtime) removeServices(ctx context.Context, f *found, goes func(string) bool) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, s := range f.services {
		if !goes(f.server(s)) {
			continue
		}
		g.Go(func() error {
			done := r.doing(f.server(s), "remove service", "")
			_, err := r.engine.ServiceRemove(ctx, s.ID, client.ServiceRemoveOptions{})
			if err != nil && !errdefs.IsNotFound(err) {
				return fmt.Errorf("remove the service of %s: %w", f.server(s), unavailable(err))
			}
			if err := r.gone(ctx, f, s); err != nil {
				return err
			}
			done()
			return nil
		})
	}
	return g.Wait()
}

// gone waits until Swarm has forgotten a removed service's tasks, but for those on nodes
// that are away: before, they are still on the network.
func (r *Runtime) gone(ctx context.Context, f *found, s swarm.Service) error {
	ctx, cancel := context.WithTimeout(ctx, graceOf(s)+r.o.Wait)
	defer cancel()
	ticker := time.NewTicker(glance)
	defer ticker.Stop()
	for {
		tasks, err := r.engine.TaskList(ctx, client.TaskListOptions{})
		if err != nil {
			return fmt.Errorf("wait for the end of %s: %w", f.server(s), unavailable(err))
		}
		held := slices.ContainsFunc(tasks.Items, func(t swarm.Task) bool {
			return t.ServiceID == s.ID && f.nodes.byID(t.NodeID).Status.State == swarm.NodeStateReady
		})
		if !held {
			return nil
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return fmt.Errorf("wait for the end of %s: %w", f.server(s), ctx.Err())
		}
	}
}

// disconnect removes the members' network, unless it is somebody else's, or somebody else is
// on it: that is told.
func (r *Runtime) disconnect(ctx context.Context, f *found) error {
	n, ok, err := r.findNetwork(ctx, f.name)
	if err != nil || !ok {
		return err
	}
	if !f.isOwn(n) {
		r.doing(n.Name, "leave network", "something else has made it")()
		return nil
	}
	if err := r.hangUp(ctx, n.ID); err != nil {
		return err
	}
	users, err := r.strangers(ctx, f, n)
	if err != nil {
		return err
	}
	if len(users) > 0 {
		r.doing(n.Name, "leave network", fmt.Sprintf("%s is on it: `etcdctr down --name %s` removes it once nobody is", strings.Join(users, ", "), f.name))()
		return nil
	}
	return r.removeNetwork(ctx, n)
}

// isOwn tells whether a network of the members' name was made for them: by this program, or
// by `docker stack deploy`, whose stacks of that name may be others', too.
func (f *found) isOwn(n network.Summary) bool {
	return n.Labels[compose.ClusterLabel] == f.name || len(f.services) > 0 && n.Labels[stackLabel] == f.name
}

func (r *Runtime) removeNetwork(ctx context.Context, n network.Summary) error {
	done := r.doing(n.Name, "remove network", "")
	for attempt := 1; ; attempt++ {
		_, err := r.engine.NetworkRemove(ctx, n.ID, client.NetworkRemoveOptions{})
		if err == nil || errdefs.IsNotFound(err) {
			done()
			return nil
		}
		const most = 50 // tasks leave the network a moment after they have ended
		if attempt == most || ctx.Err() != nil {
			return errors.Join(fmt.Errorf("remove the network %s: %w", n.Name, err), ctx.Err())
		}
		select {
		case <-time.After(glance):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// hangUp removes the relays of this program that are on a network: they lead to nobody
// any more.
func (r *Runtime) hangUp(ctx context.Context, networkID string) error {
	list, err := r.engine.ContainerList(ctx, client.ContainerListOptions{
		All: true, Filters: make(client.Filters).Add("label", stack.RoleLabel+"="+stack.Relay).Add("network", networkID),
	})
	if err != nil {
		return fmt.Errorf("ask the engine who is on the network: %w", err)
	}
	var errs []error
	for _, c := range list.Items {
		_, err := r.engine.ContainerRemove(ctx, c.ID, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
		if !errdefs.IsNotFound(err) && !errdefs.IsConflict(err) { // about to be: it removes itself
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
