package docker

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/compose"
	"github.com/etcdctr/etcdctr/runtime"
	"github.com/etcdctr/etcdctr/stack"
)

// mostAttempts is how often Apply looks anew when somebody else changes the same
// cluster at the same time.
const mostAttempts = 5

// Prepare gets the images, and creates the containers that are to take the place
// of others beside these: what the engine does not accept leaves all running. A
// service that runs goes on by the files that it has: Apply changes them.
func (r *Runtime) Prepare(ctx context.Context, want *cluster.Cluster, servers ...string) error {
	_, err := r.prepare(ctx, want, servers...)
	return err
}

// prepare is Prepare, and gives what it has looked at: how it was before.
func (r *Runtime) prepare(ctx context.Context, want *cluster.Cluster, servers ...string) (*target, error) {
	written, err := r.writeMissing(want)
	if err != nil {
		return nil, errors.Join(err, removeFiles(written))
	}
	t, p, err := r.planPrepare(ctx, want, servers)
	if err != nil {
		return nil, errors.Join(err, removeFiles(written)) // nothing was made that would read them
	}
	return t, r.execute(ctx, p)
}

// planPrepare gets what is needed, and plans what is to be made.
func (r *Runtime) planPrepare(ctx context.Context, want *cluster.Cluster, servers []string) (*target, *stack.Plan, error) {
	t, err := r.target(ctx, want)
	if err != nil {
		return nil, nil, err
	}
	if err := errors.Join(t.wanted.CheckFiles(), r.getImages(ctx, t, servers, true)); err != nil {
		return nil, nil, err
	}
	if err := errors.Join(r.checkLent(ctx, t, servers), r.checkBackups(ctx, t), r.checkPorts(ctx, t, servers)); err != nil {
		return nil, nil, err
	}
	if err := r.renew(ctx, t, servers); err != nil {
		return nil, nil, err
	}
	if t.state.Empty() {
		if err := r.tellCaveats(ctx, want); err != nil {
			return nil, nil, err
		}
	}
	if err := r.tellMoved(ctx, t, want); err != nil {
		return nil, nil, err
	}
	p, err := stack.PlanPrepare(t.wanted, t.state, servers...)
	return t, p, err
}

// Check refuses what Prepare does of what is on the engine. Images that have to be got
// count as there, and files too that are made before.
func (r *Runtime) Check(ctx context.Context, want *cluster.Cluster, servers ...string) error {
	t, err := r.target(ctx, want)
	if err != nil {
		return err
	}
	var errs []error
	for _, ref := range stack.ImageRefs(t.wanted.Project) {
		if t.wanted.Images[ref] == "" && r.o.Pull == PullNever && ref != compose.OwnImage {
			errs = append(errs, &ImageError{Ref: ref, At: r.o.At, Never: true})
		}
		t.wanted.Images[ref] = cmp.Or(t.wanted.Images[ref], ref)
	}
	if r.o.File != nil {
		errs = append(errs, t.wanted.CheckFiles())
	}
	err = errors.Join(errs...)
	if err = errors.Join(err, r.checkLent(ctx, t, servers), r.checkBackups(ctx, t), r.checkPorts(ctx, t, servers)); err != nil {
		return err
	}
	_, err = stack.PlanPrepare(t.wanted, t.state, servers...)
	return err
}

// Apply makes servers run as wanted, and what they share: networks, the stack's
// own discovery service, DNS server or Prometheus.
func (r *Runtime) Apply(ctx context.Context, want *cluster.Cluster, servers ...string) error {
	if err := r.applyConfigs(ctx, want); err != nil {
		return err
	}
	for attempt := 1; ; attempt++ {
		err := r.apply(ctx, want, servers)
		if errdefs.IsConflict(err) && attempt < mostAttempts && ctx.Err() == nil {
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
	p, err := r.planApply(ctx, t, servers)
	if err != nil {
		return err
	}
	err = r.execute(ctx, p)
	return errors.Join(err, r.putBack(ctx, t, err))
}

// putBack has a server that was there and whose new container the engine does not start get
// its old one again, which may be started: what changed is to be changed once more.
func (r *Runtime) putBack(ctx context.Context, t *target, failed error) error {
	e := (*runtime.StartError)(nil)
	if !errors.As(failed, &e) || len(e.Log) > 0 { // one that has run may have written data
		return nil
	}
	old, there := t.wanted.Current(t.state, e.Server)
	if !there || old.Status == container.StateCreated {
		return nil
	}
	ctx = context.WithoutCancel(ctx)
	now, err := r.engine.ContainerInspect(ctx, old.ID, client.ContainerInspectOptions{})
	if err == nil && now.Container.ID == old.ID || err != nil && !errdefs.IsNotFound(err) {
		return nil // it was never replaced, or nobody knows
	}
	if err := stack.PutBack(ctx, r.engine, t.wanted, old, t.details[old.ID]); err != nil || !old.Running() {
		return err
	}
	_, err = r.engine.ContainerStart(ctx, old.Name, client.ContainerStartOptions{})
	return err
}

func (r *Runtime) planApply(ctx context.Context, t *target, servers []string) (*stack.Plan, error) {
	if err := errors.Join(t.wanted.CheckFiles(), r.getImages(ctx, t, servers, false)); err != nil {
		return nil, err
	}
	if err := r.checkLent(ctx, t, servers); err != nil {
		return nil, err
	}
	if err := r.renew(ctx, t, servers); err != nil {
		return nil, err
	}
	return stack.PlanApply(t.wanted, t.state, servers...)
}

// Make makes servers that are not there, and starts none of them: for who brings
// servers of several engines up together, so that all are there before one runs.
func (r *Runtime) Make(ctx context.Context, want *cluster.Cluster, servers ...string) error {
	t, err := r.target(ctx, want)
	if err != nil {
		return err
	}
	missing := slices.DeleteFunc(slices.Clone(servers), func(name string) bool {
		_, there := t.wanted.Current(t.state, name)
		return there
	})
	if len(missing) == 0 {
		return nil
	}
	p, err := r.planApply(ctx, t, missing)
	if err != nil {
		return err
	}
	p.StartNothing()
	return r.execute(ctx, p)
}

// renew marks the members that see no certificates any more as ones that have to
// be replaced, and those that were given something else than is said beside the file, as
// one that founded the cluster and is to join it: nothing else about them differs.
func (r *Runtime) renew(ctx context.Context, t *target, servers []string) error {
	views, err := r.views(ctx, t, stack.DivideContainers(t.state).Own)
	if err != nil {
		return err
	}
	t.wanted.Renew = map[string]string{}
	for name, v := range views {
		if v == blind && (len(servers) == 0 || slices.Contains(servers, name)) {
			t.wanted.Renew[name] = "it does not see its certificates any more"
		}
	}
	for _, c := range t.state.Containers {
		if len(servers) > 0 && !slices.Contains(servers, c.Service) {
			continue
		}
		if n := off(t.state.Networks, c, t.details[c.ID]); n != "" {
			t.wanted.Renew[c.Service] = "it is not on " + n
		} else if name := givenElse(t.details[c.ID], t.wanted.Environment[c.Service]); name != "" {
			t.wanted.Renew[c.Service] = "it was made with another " + name
		}
	}
	return nil
}

// givenElse is a variable that a container has not been given as it is wanted; else empty.
func givenElse(in container.InspectResponse, want map[string]string) string {
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if in.Config != nil && !slices.Contains(in.Config.Env, name+"="+want[name]) {
			return name
		}
	}
	return ""
}

// getImages gets the images of what has to be made; anew also asks for those of
// servers that need none, where all are to be pulled.
func (r *Runtime) getImages(ctx context.Context, t *target, servers []string, anew bool) error {
	outdated, err := stack.Outdated(t.wanted, t.state)
	if err != nil {
		return err
	}
	var errs []error
	for name, service := range t.wanted.Project.Services {
		_, there := t.wanted.Current(t.state, name)
		_, old := outdated[name]
		always := anew && r.o.Pull == PullAlways
		if there && !old && !always || len(servers) > 0 && !slices.Contains(servers, name) && there {
			continue
		}
		id, err := r.imageID(ctx, service.Image)
		errs = append(errs, err)
		if err == nil {
			t.wanted.Images[service.Image] = id
		}
	}
	return errors.Join(unique(errs)...)
}

// unique leaves out errors that say the same: members have one image.
func unique(errs []error) []error {
	seen := map[string]bool{}
	return slices.DeleteFunc(errs, func(err error) bool {
		if err == nil || seen[err.Error()] {
			return true
		}
		seen[err.Error()] = true
		return false
	})
}
