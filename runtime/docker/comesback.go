package docker

import (
	"context"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/etcdctr/etcdctr/stack"
)

// comesBackWithin is how soon Podman starts a container again that has ended by itself.
const comesBackWithin = 3 * time.Second

// glance is how long a wait for that rests between two looks.
const glance = 100 * time.Millisecond

// keepStopped has what ended by itself a moment ago stay so, as etcd does whenever a member
// is started that its cluster has removed. Docker Engine says that it restarts such a
// container, and a stop ends that. Podman says that it has exited, as of one that was
// stopped, does nothing about a stop, and starts it again a moment later: only a stop of
// one that runs ends that.
func (r *Runtime) keepStopped(ctx context.Context, f *found, chosen []stack.Container) error {
	for _, c := range chosen {
		in := f.details[c.ID]
		if !mayComeBack(in, r.o.Now()) || !stack.IsPodman(ctx, r.engine) {
			continue
		}
		if err := stopWhenBack(ctx, r.engine, in, r.o.Now); err != nil {
			return err
		}
	}
	return nil
}

// mayComeBack tells whether a container ended so short a time ago that Podman may be about
// to start it again. For a moment it calls such a one stopped, before it calls it exited.
func mayComeBack(in container.InspectResponse, now time.Time) bool {
	if in.State == nil || in.HostConfig == nil || !in.HostConfig.RestartPolicy.IsAlways() && !in.HostConfig.RestartPolicy.IsUnlessStopped() {
		return false
	}
	return !in.State.Running && now.Sub(moment(in.State.FinishedAt)) < comesBackWithin
}

// stopWhenBack waits until a container is started again, and stops it; or until it would
// have been.
func stopWhenBack(ctx context.Context, engine Engine, in container.InspectResponse, now func() time.Time) error {
	until := now().Add(comesBackWithin) // the engine's clock may be another
	for now().Before(until) && mayComeBack(in, now()) {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(glance):
		}
		r, err := engine.ContainerInspect(ctx, in.ID, client.ContainerInspectOptions{})
		if err != nil {
			return err
		}
		if in = r.Container; in.State != nil && in.State.Running {
			_, err := engine.ContainerStop(ctx, in.ID, client.ContainerStopOptions{})
			return err
		}
	}
	return nil
}
