package swarm

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/api/types/swarm"
	"github.com/moby/moby/client"
	"golang.org/x/sync/errgroup"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/compose"
)

// This file runs a command once on a node: the only thing that a manager can have done
// there.

// job is a command for one node.
type job struct {
	cluster string
	what    string // it does, in a word
	node    string // ID
	image   string
	ref     string // by which a registry is asked for it; may be empty
	volume  string // empty: none
	network string // ID; empty: none
	command []string
	env     []string // NAME=value
	gives   bool     // files to others
}

const (
	// jobLabel is on the service of a job, with its cluster's name.
	jobLabel = "io.etcdctr.job"
	// lookTime is how long a look at a database may take: its tool reads all of it.
	lookTime = 20 * time.Second
	// jobTime is how long a job may take, its image's way to the node included.
	jobTime = time.Minute
	// orphanAge is when a job's service is taken for one that nobody waits for.
	orphanAge = 2 * jobTime
)

// perform runs a job, and gives its task as it ended or was refused.
func (r *Runtime) perform(ctx context.Context, j job) (t swarm.Task, err error) {
	err = r.with(ctx, j, func(service string) (err error) {
		t, err = r.outcome(ctx, service)
		return err
	})
	return t, err
}

// with has use look at a job's service as long as that is there.
func (r *Runtime) with(ctx context.Context, j job, use func(service string) error) error {
	if err := r.sweepJobs(ctx, j.cluster); err != nil {
		return err
	}
	auth, err := r.auth(j.ref)
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	made, err := r.engine.ServiceCreate(context.WithoutCancel(ctx), client.ServiceCreateOptions{Spec: j.spec(), EncodedRegistryAuth: auth})
	if err != nil {
		return fmt.Errorf("run %s on a node: %w", j.command[0], unavailable(err))
	}
	err = use(made.ID)
	_, errRemove := r.engine.ServiceRemove(context.WithoutCancel(ctx), made.ID, client.ServiceRemoveOptions{})
	return errors.Join(err, errRemove)
}

// clearJobs removes the containers that Swarm leaves of jobs, on the engine that is
// asked: they hold volumes.
func (r *Runtime) clearJobs(ctx context.Context, name string) error {
	list, err := r.engine.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: make(client.Filters).Add("label", jobLabel+"="+name)})
	if err != nil {
		return fmt.Errorf("ask the engine for what jobs have left: %w", err)
	}
	var errs []error
	for _, c := range list.Items {
		_, err := r.engine.ContainerRemove(ctx, c.ID, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
		if !errdefs.IsNotFound(err) && !errdefs.IsConflict(err) { // Swarm is about to
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// outcome waits for the end of a job's only task. One that does not come to its end in
// time is given as it is.
func (r *Runtime) outcome(ctx context.Context, service string) (swarm.Task, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, jobTime, errWaited)
	defer cancel()
	ticker := time.NewTicker(glance)
	defer ticker.Stop()
	var last swarm.Task
	for {
		list, err := r.engine.TaskList(ctx, client.TaskListOptions{Filters: make(client.Filters).Add("service", service)})
		if err != nil && ctx.Err() == nil {
			return last, fmt.Errorf("wait for a job: %w", unavailable(err))
		}
		for _, t := range list.Items {
			last = t
			switch t.Status.State {
			case swarm.TaskStateComplete, swarm.TaskStateFailed, swarm.TaskStateRejected, swarm.TaskStateOrphaned, swarm.TaskStateShutdown:
				return t, nil
			}
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			if errors.Is(context.Cause(ctx), errWaited) {
				return last, nil
			}
			return last, ctx.Err()
		}
	}
}

func (j job) spec() swarm.ServiceSpec {
	one := uint64(1)
	c := &swarm.ContainerSpec{
		Image: j.image, Command: j.command, Env: j.env, User: "0:0", ReadOnly: true,
		Labels:     map[string]string{jobLabel: j.cluster},
		Privileges: &swarm.Privileges{NoNewPrivileges: true}, CapabilityDrop: []string{"ALL"}, CapabilityAdd: []string{"CAP_DAC_OVERRIDE"},
		Healthcheck: &container.HealthConfig{Test: []string{"NONE"}},
	}
	if j.gives {
		c.CapabilityAdd = append(c.CapabilityAdd, "CAP_CHOWN")
	}
	if j.volume != "" {
		c.Mounts = []mount.Mount{{
			Type: mount.TypeVolume, Source: j.volume, Target: cluster.ContainerVolumeDir, VolumeOptions: &mount.VolumeOptions{NoCopy: true},
		}}
	}
	var networks []swarm.NetworkAttachmentConfig
	if j.network != "" {
		networks = []swarm.NetworkAttachmentConfig{{Target: j.network}}
	}
	return swarm.ServiceSpec{
		Annotations: swarm.Annotations{
			Name:   fmt.Sprintf("%s_%s-%s", j.cluster, j.what, strings.ToLower(rand.Text()[:6])),
			Labels: map[string]string{jobLabel: j.cluster, compose.RoleLabel: compose.RoleTask},
		},
		TaskTemplate: swarm.TaskSpec{
			LogDriver:     &swarm.Driver{Name: "json-file"}, // which can be read, whatever its node has
			ContainerSpec: c, Networks: networks, RestartPolicy: &swarm.RestartPolicy{Condition: swarm.RestartPolicyConditionNone},
			Placement: &swarm.Placement{Constraints: []string{"node.id==" + j.node}},
		},
		Mode: swarm.ServiceMode{ReplicatedJob: &swarm.ReplicatedJob{MaxConcurrent: &one, TotalCompletions: &one}},
	}
}

// sweepJobs removes the services of jobs that nobody waits for any more, because
// whoever made them was killed.
func (r *Runtime) sweepJobs(ctx context.Context, name string) error {
	list, err := r.engine.ServiceList(ctx, client.ServiceListOptions{Filters: make(client.Filters).Add("label", jobLabel+"="+name)})
	if err != nil {
		return fmt.Errorf("ask the swarm for its services: %w", unavailable(err))
	}
	var errs []error
	for _, s := range list.Items {
		if r.o.Now().Sub(s.CreatedAt) > orphanAge {
			_, err := r.engine.ServiceRemove(ctx, s.ID, client.ServiceRemoveOptions{})
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// ImageError is about an image that a node does not have and can't get.
type ImageError struct{ Ref, Node, Reason string }

func (e *ImageError) Error() string {
	return fmt.Sprintf("the image %s can't be had on the node %s (%s): load it there, or push it to a registry that the node reaches", e.Ref, e.Node, e.Reason)
}

// tryImages runs the image that members are about to get on their nodes, which has
// those get it.
func (r *Runtime) tryImages(ctx context.Context, t *target, members []member) error {
	g, ctx := errgroup.WithContext(ctx)
	errs := make([]error, len(members))
	for i, m := range members {
		node := t.nodes.byID(m.node)
		if t.nodes.away(node) != "" {
			continue // what becomes of it is seen when it is its turn
		}
		g.Go(func() error {
			done := r.doing(m.Name, "try image", m.ref)
			end, err := r.perform(ctx, job{
				cluster: t.name, what: "try", node: m.node, image: m.image, ref: m.ref, command: []string{cluster.ProgramInImage, "--version"},
			})
			if err != nil {
				return err
			}
			if !hasRun(end) {
				errs[i] = &ImageError{m.ref, node.Description.Hostname, word(end)}
			}
			done()
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return errors.Join(errs...)
}
