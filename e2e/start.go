package e2e

import (
	"context"
	"fmt"
	"slices"

	"github.com/compose-spec/compose-go/v2/graph"
	"github.com/compose-spec/compose-go/v2/types"
	"golang.org/x/sync/errgroup"
)

// start makes the containers before it starts any: a member that cannot
// resolve another's name yet waits a second for it.
func (c *Cluster) start(ctx context.Context) error {
	if err := c.callReaper(ctx); err != nil {
		return err
	}
	if err := c.makeNetworks(ctx); err != nil {
		return err
	}
	if err := c.makeVolumes(ctx); err != nil {
		return err
	}
	group, creating := errgroup.WithContext(ctx)
	for _, b := range c.boxes() {
		group.Go(func() error { return named(b.service.Name, b.create(creating)) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	if err := graph.InDependencyOrder(ctx, c.project, c.startService); err != nil {
		return err
	}
	return c.connect(ctx)
}

// lineUp gives every service its box, the members' in their order, and lists
// what they share.
func (c *Cluster) lineUp() (err error) {
	for _, m := range c.model.Members {
		member := &Member{Name: m.Name, model: m, box: box{cluster: c, service: c.project.Services[m.Name]}}
		member.place()
		c.Members = append(c.Members, member)
	}
	for _, name := range c.project.ServiceNames() {
		if c.Member(name) == nil {
			c.sidecars = append(c.sidecars, &box{cluster: c, service: c.project.Services[name]})
		}
	}
	c.networks = c.ownNetworks()
	c.volumes, err = c.ownVolumes()
	return err
}

// startService starts a service once those that it depends on have come to
// what it needs of them.
func (c *Cluster) startService(ctx context.Context, name string, s types.ServiceConfig) error {
	for other, dependency := range s.DependsOn {
		if m := c.Member(other); m != nil {
			if err := m.Ready(ctx); err != nil {
				return named(other, err)
			}
		} else if err := c.sidecar(other).await(ctx, dependency.Condition); err != nil {
			return named(other, err)
		}
	}
	if m := c.Member(name); m != nil {
		return named(name, m.firstStart(ctx))
	}
	return named(name, c.sidecar(name).start(ctx))
}

func (c *Cluster) sidecar(name string) *box {
	i := slices.IndexFunc(c.sidecars, func(b *box) bool { return b.service.Name == name })
	return c.sidecars[i]
}

// named says whose error it is.
func named(name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", name, err)
}

// each does something to all members at once.
func (c *Cluster) each(ctx context.Context, do func(*Member, context.Context) error) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, m := range c.Members {
		group.Go(func() error { return named(m.Name, do(m, ctx)) })
	}
	return group.Wait()
}
