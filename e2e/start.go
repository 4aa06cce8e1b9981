package e2e

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/compose-spec/compose-go/v2/graph"
	"github.com/compose-spec/compose-go/v2/types"
	"golang.org/x/sync/errgroup"
)

// start makes the containers before it starts any, so that no member waits for what
// is yet to be made.
func (c *Cluster) start(ctx context.Context) error {
	if err := c.callReaper(ctx); err != nil {
		return err
	}
	if err := c.lay(ctx); err != nil {
		return err
	}
	group, creating := errgroup.WithContext(ctx)
	for _, b := range c.boxes() {
		group.Go(func() error { return named(b.service.Name, b.create(creating)) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	c.leads = make(chan struct{})
	if err := graph.InDependencyOrder(ctx, c.project, c.startService); err != nil {
		return err
	}
	return c.connect(ctx)
}

// lay makes what containers need before they are made. An engine takes longer to make a
// network than anything else here takes.
func (c *Cluster) lay(ctx context.Context) error {
	var group errgroup.Group
	group.Go(func() error { return c.makeNetworks(ctx) })
	group.Go(func() error {
		if err := c.furnish(ctx); err != nil {
			return err
		}
		return c.makeVolumes(ctx)
	})
	return group.Wait()
}

// lineUp gives every service its box, the members' in their order, and lists the
// networks that they share.
func (c *Cluster) lineUp() {
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
		return named(name, c.startMember(ctx, m))
	}
	return named(name, c.sidecar(name).start(ctx))
}

// headStart is how long the first member has before the others are started: see package
// stack.
const headStart = 50 * time.Millisecond

// startMember starts the first member, which asks who else there is and finds nobody, and
// the others once that is likely to answer them. A member that finds another being started
// waits for a second.
func (c *Cluster) startMember(ctx context.Context, m *Member) error {
	if m == c.first() {
		defer close(c.leads)
		return m.firstStart(ctx)
	}
	select {
	case <-c.leads:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-time.After(headStart):
	case <-ctx.Done():
		return ctx.Err()
	}
	return m.firstStart(ctx)
}

// first is the member that all others ask first: etcd goes by the order of their URLs.
func (c *Cluster) first() *Member {
	return slices.MinFunc(c.Members, func(a, b *Member) int { return cmp.Compare(a.Name, b.Name) })
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
