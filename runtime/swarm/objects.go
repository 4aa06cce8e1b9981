package swarm

import (
	"context"
	"errors"
	"fmt"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/swarm"
	"github.com/moby/moby/client"
	"golang.org/x/sync/errgroup"

	"github.com/etcdctr/etcdctr/compose"
)

// This file makes what services are given: secrets, configs and their network. Each is
// called by what is in it, so what is there already is as wanted.

// objects gives the IDs of the cluster's secrets and configs by name, the note's
// excepted.
func (r *Runtime) objects(ctx context.Context, f *found) (map[string]string, error) {
	ids := map[string]string{}
	for _, label := range []string{compose.ClusterLabel, stackLabel} { // by this program, or by `docker stack deploy`
		filter := make(client.Filters).Add("label", label+"="+f.name)
		secrets, err := r.engine.SecretList(ctx, client.SecretListOptions{Filters: filter})
		if err != nil {
			return nil, fmt.Errorf("ask the swarm for its secrets: %w", unavailable(err))
		}
		for _, s := range secrets.Items {
			ids[s.Spec.Name] = s.ID
		}
		configs, err := r.engine.ConfigList(ctx, client.ConfigListOptions{Filters: filter})
		if err != nil {
			return nil, fmt.Errorf("ask the swarm for its configs: %w", unavailable(err))
		}
		for _, c := range configs.Items {
			if !isNote(c, f.name) {
				ids[c.Spec.Name] = c.ID
			}
		}
	}
	return ids, nil
}

// give makes the secrets and configs of members that are not there yet, and fills in
// the IDs.
func (r *Runtime) give(ctx context.Context, t *target, members []member) error {
	made := map[string]string{}
	for i := range members {
		for j := range members[i].files {
			f := &members[i].files[j]
			if f.id == "" {
				f.id = made[f.object]
			}
			if f.id != "" {
				continue
			}
			var err error
			if f.id, err = r.create(ctx, t.name, *f); err != nil {
				return fmt.Errorf("give %s its %s: %w", members[i].Name, f.Path(""), err)
			}
			made[f.object] = f.id
		}
	}
	return nil
}

func (r *Runtime) create(ctx context.Context, name string, f file) (string, error) {
	a := swarm.Annotations{Name: f.object, Labels: map[string]string{stackLabel: name, compose.ClusterLabel: name}}
	if f.Private() {
		made, err := r.engine.SecretCreate(ctx, client.SecretCreateOptions{Spec: swarm.SecretSpec{Annotations: a, Data: f.data}})
		return made.ID, err
	}
	made, err := r.engine.ConfigCreate(ctx, client.ConfigCreateOptions{Spec: swarm.ConfigSpec{Annotations: a, Data: f.data}})
	return made.ID, err
}

// connect makes the members' network.
func (r *Runtime) connect(ctx context.Context, t *target) error {
	if t.network != "" {
		return nil
	}
	done := r.doing(networkName(t.name), "create network", "")
	made, err := r.engine.NetworkCreate(ctx, networkName(t.name), client.NetworkCreateOptions{
		Driver: "overlay", Scope: "swarm", Internal: true, Attachable: true,
		Labels: map[string]string{stackLabel: t.name, compose.ClusterLabel: t.name},
	})
	if err != nil {
		return fmt.Errorf("create the network %s: %w", networkName(t.name), err)
	}
	t.network = made.ID
	done()
	return nil
}

// sweep removes the secrets and configs that no service is given any more.
func (r *Runtime) sweep(ctx context.Context, name string) error {
	f, err := r.look(ctx, name)
	if err != nil {
		return err
	}
	all, err := r.objects(ctx, f)
	if err != nil {
		return err
	}
	for _, s := range f.services {
		for _, ref := range s.Spec.TaskTemplate.ContainerSpec.Secrets {
			delete(all, ref.SecretName)
		}
		for _, ref := range s.Spec.TaskTemplate.ContainerSpec.Configs {
			delete(all, ref.ConfigName)
		}
	}
	g, ctx := errgroup.WithContext(ctx)
	for object, id := range all {
		if !compose.IsObjectName(name, object) {
			continue // somebody else's in the stack
		}
		g.Go(func() error { return r.discard(ctx, id, compose.IsSecretName(name, object)) })
	}
	return g.Wait()
}

// discard removes a secret or config, unless a service is given it after all.
func (r *Runtime) discard(ctx context.Context, id string, secret bool) error {
	var err error
	if secret {
		_, err = r.engine.SecretRemove(ctx, id, client.SecretRemoveOptions{})
	} else {
		_, err = r.engine.ConfigRemove(ctx, id, client.ConfigRemoveOptions{})
	}
	if errdefs.IsNotFound(err) || errdefs.IsInvalidArgument(err) { // Swarm's word for one that is in use
		return nil
	}
	if err != nil {
		return errors.Join(errors.New("remove what no service is given any more"), err)
	}
	return nil
}
