package docker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/etcdctr/etcdctr/compose"
	"github.com/etcdctr/etcdctr/internal/listed"
	"github.com/etcdctr/etcdctr/runtime"
	"github.com/etcdctr/etcdctr/stack"
)

// choose gives the containers of servers, or all when none is named, with what
// else the cluster runs.
func (f *found) choose(servers []string) ([]stack.Container, error) {
	if len(servers) == 0 {
		return f.Own.Containers, nil
	}
	var chosen []stack.Container
	unknown := &runtime.UnknownError{Name: f.project, Has: services(f.Own.Containers)}
	for _, name := range servers {
		if c, ok := f.Own.Service(name); ok {
			chosen = append(chosen, c)
		} else {
			unknown.Servers = append(unknown.Servers, name)
		}
	}
	if len(unknown.Servers) > 0 {
		return nil, unknown
	}
	return chosen, nil
}

func services(containers []stack.Container) []string {
	var names []string
	for _, c := range containers {
		names = append(names, c.Service)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Start starts servers that are there and do not run, unless what they mount of this
// machine is gone. Those that others depend on come first.
func (r *Runtime) Start(ctx context.Context, name string, servers ...string) error {
	f, err := r.find(ctx, name)
	if err != nil {
		return err
	}
	chosen, err := f.choose(servers)
	if err != nil {
		return err
	}
	for _, c := range chosen {
		gone, err := r.goneOf(ctx, bindsOf(f.details[c.ID]))
		if err != nil {
			return err
		}
		if len(gone) > 0 && !c.Running() {
			err := fmt.Errorf("bind source path does not exist: %s", gone[0]) // as engines say it
			return &runtime.StartError{Server: c.Service, Reason: err.Error(), Err: err}
		}
	}
	return r.execute(ctx, stack.PlanBegin(f.Own, chosen))
}

// Stop asks servers to end, all at once, and has those stay so that end by themselves.
func (r *Runtime) Stop(ctx context.Context, name string, grace time.Duration, servers ...string) error {
	f, err := r.find(ctx, name)
	if err != nil {
		return err
	}
	chosen, err := f.choose(servers)
	if err != nil {
		return err
	}
	if err := r.execute(ctx, stack.PlanEnd(f.Own, chosen, grace)); err != nil {
		return err
	}
	return r.keepStopped(ctx, f, chosen)
}

// Remove removes the containers of servers, and with the last of them the
// networks. Data that something else uses is an error before anything is
// removed.
func (r *Runtime) Remove(ctx context.Context, name string, removal runtime.Removal) error {
	f, err := r.find(ctx, name)
	if errors.Is(err, runtime.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	p, err := stack.PlanRemove(ctx, r.engine, &f.Belongings, stack.Removal{
		Services: removal.Servers, Data: removal.Data, Made: removal.Made,
		Volumes: func(service string) []string { return []string{compose.VolumeName(service)} },
	}, func(c stack.Container) bool { return isServer(c.Labels[stack.RoleLabel]) })
	if err != nil {
		return err
	}
	r.tellLeft(name, p.Left)
	if len(removal.Servers) == 0 && !removal.Data {
		if err := r.keepWish(ctx, f); err != nil {
			return err
		}
	}
	if removal.Data {
		r.forgetAside(ctx, name, removal.Servers)
	}
	if err := r.execute(ctx, p); err != nil || len(removal.Servers) > 0 || !removal.Data {
		return err
	}
	return r.removeConfigs(name)
}

// tellLeft tells of networks that stay, and what removes them later.
func (r *Runtime) tellLeft(name string, left []stack.Left) {
	for _, l := range left {
		r.tell(runtime.Event{
			Server: l.Network, Action: Caveat, Done: true,
			Detail: fmt.Sprintf("the network %s is left, as %s %s on it: `etcdctr down --name %s` removes it once nobody is",
				l.Network, listed.And(l.Users), listed.Of(len(l.Users), "is", "are"), name),
		})
	}
}
