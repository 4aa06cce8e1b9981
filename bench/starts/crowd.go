package starts

import (
	"context"
	"fmt"
	"maps"
	"strings"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
	"golang.org/x/sync/errgroup"
)

// Crowd makes so many further stacks of the same kind beside this one, and containers that
// are nobody's. None of them runs.
func (p *Plain) Crowd(ctx context.Context, stacks, strangers int) error {
	const atOnce = 8 // that an engine makes
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	create := func(c client.ContainerCreateOptions) {
		g.Go(func() error {
			_, err := p.engine.ContainerCreate(ctx, c)
			return err
		})
	}
	for i := range stacks {
		for _, c := range p.containers {
			create(renamed(c, fmt.Sprintf("stack%d", i)))
		}
	}
	image := p.containers[0].Config.Image
	for i := range strangers {
		create(client.ContainerCreateOptions{Name: fmt.Sprintf("stranger%d", i), Config: &container.Config{Image: image}})
	}
	return g.Wait()
}

const projectLabel = "com.docker.compose.project"

// renamed is a container of a stack as that of a project of another name, without its
// networks: an engine has addresses for 30.
func renamed(c client.ContainerCreateOptions, project string) client.ContainerCreateOptions {
	was := c.Config.Labels[projectLabel]
	config, host := *c.Config, *c.HostConfig
	config.Labels = maps.Clone(config.Labels)
	config.Labels[projectLabel] = project
	host.NetworkMode, host.Mounts, host.Binds = "none", nil, nil
	return client.ContainerCreateOptions{Name: strings.Replace(c.Name, was, project, 1), Config: &config, HostConfig: &host}
}
