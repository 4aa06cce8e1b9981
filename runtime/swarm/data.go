package swarm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/swarm"
	"github.com/moby/moby/client"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/runtime"
	"github.com/etcdctr/etcdctr/runtime/datadir"
	"github.com/etcdctr/etcdctr/stack"
)

// This file is about what members keep, on their nodes.

// Data looks whether etcd would go on from what a server has. On another node, etcd's
// own tool looks; where that can't be had, such as on a node that is away, nobody knows.
func (r *Runtime) Data(ctx context.Context, name, server string) (runtime.Data, error) {
	f, err := r.find(ctx, name)
	if errors.Is(err, runtime.ErrNotFound) {
		return runtime.None, nil
	}
	if err != nil {
		return runtime.Unknown, err
	}
	s, there := f.service(server)
	h, kept := f.home(server)
	switch {
	case there && volumeOf(s) == "":
		return runtime.Volatile, nil
	case !kept:
		return runtime.None, nil
	}
	_, runs := f.live(f.tasks[s.ID])
	switch {
	case runs && restarts(s, f.tasks[s.ID]) == 0:
		return runtime.Kept, nil // it has opened it
	case h.node == f.own:
		return r.lookHere(ctx, name, h, walOf(s, there))
	case runs:
		return runtime.Unknown, nil // what etcd has open, its tool waits for
	}
	return r.lookThere(ctx, f, h, dirOf(s, there))
}

func dirOf(s swarm.Service, there bool) string {
	if there {
		if dir := cluster.SettingsIn(s.Spec.TaskTemplate.ContainerSpec.Env).Get("data-dir"); dir != "" {
			return dir
		}
	}
	return cluster.ContainerDataDir
}

func walOf(s swarm.Service, there bool) string {
	if there {
		if dir := cluster.SettingsIn(s.Spec.TaskTemplate.ContainerSpec.Env).Get("wal-dir"); dir != "" {
			return dir
		}
	}
	return path.Join(dirOf(s, there), "member", "wal")
}

// lookHere looks through a container on the engine that is asked, which is never
// started.
func (r *Runtime) lookHere(ctx context.Context, name string, h home, file string) (runtime.Data, error) {
	_, err := r.engine.VolumeInspect(ctx, h.volume, client.VolumeInspectOptions{})
	if errdefs.IsNotFound(err) {
		return runtime.None, nil
	}
	data := runtime.None
	look := stack.Helper{Project: name, Image: h.image, Volume: h.volume, Target: cluster.ContainerVolumeDir, Command: []string{file}}
	err = look.With(ctx, r.engine, func(id string) error {
		_, err := r.engine.ContainerStatPath(ctx, id, client.ContainerStatPathOptions{Path: file})
		if errdefs.IsNotFound(err) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("look for %s on the engine: %w", file, err)
		}
		data = runtime.Kept
		return nil
	})
	return data, err
}

// etcdutl is where the official image has it.
const etcdutl = "/usr/local/bin/etcdutl"

func (r *Runtime) lookThere(ctx context.Context, f *found, h home, dir string) (runtime.Data, error) {
	if f.nodes.away(f.nodes.byID(h.node)) != "" {
		return runtime.Unknown, nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, lookTime, errWaited)
	defer cancel()
	end, said := swarm.Task{}, ""
	err := r.with(ctx, job{
		cluster: f.name, what: "look", node: h.node, image: h.image, volume: h.volume,
		command: []string{etcdutl, "snapshot", "status", path.Join(dir, "member", "snap", "db")},
	}, func(service string) (err error) {
		if end, err = r.outcome(ctx, service); err == nil && end.Status.State == swarm.TaskStateFailed {
			said, err = r.said(ctx, end)
		}
		return err
	})
	if err != nil {
		return runtime.Unknown, err
	}
	return seenBy(end, said), nil
}

// lookAtProgram is in this program's image, and tells what a folder for data is.
const lookAtProgram = "/usr/local/bin/lookat"

var _ runtime.Looker = (*Runtime)(nil)

// Blank looks into the database on the node that has it, where this program's image is to be
// had.
func (r *Runtime) Blank(ctx context.Context, name, server string) (blank bool, err error) {
	f, err := r.find(ctx, name)
	if err != nil {
		return false, err
	}
	s, there := f.service(server)
	h, kept := f.home(server)
	_, runs := f.live(f.tasks[s.ID])
	if !kept || runs || dirOf(s, there) != cluster.ContainerDataDir || f.nodes.away(f.nodes.byID(h.node)) != "" {
		return false, nil
	}
	image, err := r.ownImage(ctx)
	if err != nil {
		return false, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, lookTime, errWaited)
	defer cancel()
	var l datadir.Look
	err = r.with(ctx, job{
		cluster: f.name, what: "look", node: h.node, image: image, volume: h.volume, command: []string{lookAtProgram, cluster.ContainerVolumeDir},
	}, func(service string) error {
		end, err := r.outcome(ctx, service)
		if err != nil || end.Status.State != swarm.TaskStateComplete {
			return err
		}
		said, err := r.said(ctx, end)
		if err == nil {
			err = json.Unmarshal([]byte(said), &l)
		}
		return err
	})
	return l.Blank, err
}

// said is what a task has said.
func (r *Runtime) said(ctx context.Context, t swarm.Task) (string, error) {
	var all []string
	l := listener{r: r, server: t.ID}
	err := l.read(ctx, t, false, func(x runtime.Line) { all = append(all, x.Text) })
	return strings.Join(all, "\n"), err
}

// seenBy is what the end of etcd's tool tells of the data that it looked for. Its exit code
// is one for a file that is not there, one that it can't read and one that is damaged; and
// an image without the tool, or a node without memory, tells nothing of the data.
func seenBy(end swarm.Task, said string) runtime.Data {
	switch {
	case !hasRun(end):
		return runtime.Unknown
	case end.Status.State == swarm.TaskStateComplete, end.Status.State == swarm.TaskStateRunning:
		return runtime.Kept // also one that is so large that it is still being read
	case strings.Contains(said, "stat ") && strings.Contains(said, "no such file or directory"):
		return runtime.None
	}
	return runtime.Unknown
}

// SetAside gives a server that is stopped another, empty volume, and leaves the one
// that it has where it is.
func (r *Runtime) SetAside(ctx context.Context, name, server string) (where string, err error) {
	f, err := r.find(ctx, name)
	if err != nil {
		return "", err
	}
	s, there := f.service(server)
	h, kept := f.home(server)
	if !there && !kept {
		return "", &runtime.UnknownError{Name: name, Servers: []string{server}, Has: f.servers()}
	}
	if _, runs := f.live(f.tasks[s.ID]); there && runs {
		return "", fmt.Errorf("%s runs: its data can't be set aside before it is stopped", server)
	}
	data, err := r.Data(ctx, name, server)
	if err != nil || data == runtime.None || data == runtime.Volatile {
		return "", err
	}
	is := f.note.copied()
	fresh := home{place{h.node, freshVolume(name, server)}, h.image}
	is.homes[server] = fresh
	is.putAside(server, h.place, r.o.Now())
	where = aside(h.volume, f.nodes.hostname(h.node))
	done := r.doing(server, "set data aside", where)
	if err := r.write(ctx, name, f.note, is); err != nil {
		return "", err
	}
	if there {
		_, err = r.update(ctx, s, func(spec swarm.ServiceSpec) swarm.ServiceSpec { return withVolume(spec, fresh.volume) })
	}
	if err != nil {
		return "", err
	}
	done()
	return where, nil
}

// withVolume gives a service's spec with its data in another volume.
func withVolume(spec swarm.ServiceSpec, volume string) swarm.ServiceSpec {
	c := *spec.TaskTemplate.ContainerSpec
	c.Mounts = slices.Clone(c.Mounts)
	for i := range c.Mounts {
		if c.Mounts[i].Target == cluster.ContainerVolumeDir {
			c.Mounts[i].Source = volume
		}
	}
	spec.TaskTemplate.ContainerSpec = &c
	return spec
}

// deleteData deletes what servers have kept, here, and tells how elsewhere. Then nobody
// goes by it any more: whatever is started anew has a volume of a new name.
func (r *Runtime) deleteData(ctx context.Context, f *found, goes func(server string) bool) error {
	if err := r.clearJobs(ctx, f.name); err != nil {
		return err
	}
	is := f.note.copied()
	for server, h := range f.note.homes {
		if goes(server) {
			is.aside[server] = append(slices.Clone(is.aside[server]), h.place)
			delete(is.homes, server)
			delete(is.made, server)
		}
	}
	for server := range f.note.staged {
		if goes(server) {
			is.unstage(server)
		}
	}
	for _, places := range []map[string][]place{is.aside, is.discarding, is.empty} {
		if err := r.deletePlaces(ctx, f, places, goes); err != nil {
			return err
		}
	}
	if len(is.homes) == 0 && len(is.staged) == 0 && !slices.ContainsFunc(f.services, func(s swarm.Service) bool { return !goes(f.server(s)) }) {
		return r.drop(ctx, f.note)
	}
	if f.note.id == "" {
		return nil
	}
	return r.write(ctx, f.name, f.note, is)
}

// deletePlaces deletes volumes of servers, and forgets them.
func (r *Runtime) deletePlaces(ctx context.Context, f *found, of map[string][]place, goes func(server string) bool) error {
	for server, places := range of {
		if !goes(server) {
			continue
		}
		for _, p := range places {
			if err := r.deleteVolume(ctx, f, server, p); err != nil {
				return err
			}
		}
		delete(of, server)
	}
	return nil
}

func (r *Runtime) deleteVolume(ctx context.Context, f *found, server string, p place) error {
	if p.node != f.own {
		r.leave(f.nodes.hostname(p.node), p.volume)
		return nil
	}
	done := r.doing(server, "remove volume", p.volume)
	for attempt := 1; ; attempt++ {
		_, err := r.engine.VolumeRemove(ctx, p.volume, client.VolumeRemoveOptions{})
		if err == nil || errdefs.IsNotFound(err) {
			done()
			return nil
		}
		const most = 100 // Swarm removes containers a moment after their tasks
		if !errdefs.IsConflict(err) || attempt == most || ctx.Err() != nil {
			return fmt.Errorf("remove the volume %s: %w", p.volume, err)
		}
		select {
		case <-time.After(glance):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// leave notes a volume that only its node's own engine can delete.
func (r *Runtime) leave(node, volume string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.left == nil {
		r.left = map[string][]string{}
	}
	if !slices.Contains(r.left[node], volume) {
		r.left[node] = append(r.left[node], volume)
	}
}

// Left are the volumes of other nodes that Remove could not delete, a command for each
// node.
func (r *Runtime) Left() []runtime.Left {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []runtime.Left
	for _, node := range slices.Sorted(maps.Keys(r.left)) {
		volumes := slices.Sorted(slices.Values(r.left[node]))
		all = append(all, runtime.Left{Where: node, Command: "docker volume rm " + strings.Join(volumes, " ")})
	}
	return all
}
