package starts

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
	"golang.org/x/sync/errgroup"

	"github.com/etcdctr/etcdctr/bench/measure"
)

// Plain is a stack as an engine has it, to be made again by nothing but the engine's API.
type Plain struct {
	engine     *client.Client
	shows      *tls.Config
	networks   map[string]client.NetworkCreateOptions
	volumes    []client.VolumeCreateOptions
	containers []client.ContainerCreateOptions
}

// plain has etcdctr start the stack once, and reads from the engine what that has made.
func (s *Stack) plain(ctx context.Context, engine *client.Client) (p *Plain, err error) {
	if err := s.Up(ctx); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Down(ctx)) }()
	return s.Plain(ctx, engine)
}

// Plain reads a running stack from its engine.
func (s *Stack) Plain(ctx context.Context, engine *client.Client) (*Plain, error) {
	p := &Plain{engine: engine, networks: map[string]client.NetworkCreateOptions{}}
	var err error
	if p.shows, err = measure.ClientTLS(s.clientDir()); err != nil {
		return nil, err
	}
	filter := make(client.Filters).Add("label", "com.docker.compose.project="+s.Project)
	networks, err := engine.NetworkList(ctx, client.NetworkListOptions{Filters: filter})
	if err != nil {
		return nil, err
	}
	for _, n := range networks.Items {
		p.networks[n.Name] = client.NetworkCreateOptions{
			Driver: n.Driver, Internal: n.Internal, Options: n.Options, Labels: n.Labels, IPAM: &n.IPAM, EnableIPv6: &n.EnableIPv6,
		}
	}
	volumes, err := engine.VolumeList(ctx, client.VolumeListOptions{Filters: filter})
	if err != nil {
		return nil, err
	}
	for _, v := range volumes.Items {
		p.volumes = append(p.volumes, client.VolumeCreateOptions{Name: v.Name, Labels: v.Labels})
	}
	list, err := engine.ContainerList(ctx, client.ContainerListOptions{Filters: filter})
	if err != nil {
		return nil, err
	}
	for _, c := range list.Items {
		in, err := engine.ContainerInspect(ctx, c.ID, client.ContainerInspectOptions{})
		if err != nil {
			return nil, err
		}
		networking := &network.NetworkingConfig{EndpointsConfig: map[string]*network.EndpointSettings{}}
		for name, e := range in.Container.NetworkSettings.Networks {
			networking.EndpointsConfig[name] = &network.EndpointSettings{Aliases: e.Aliases, IPAMConfig: e.IPAMConfig}
		}
		p.containers = append(p.containers, client.ContainerCreateOptions{
			Name: strings.TrimPrefix(in.Container.Name, "/"), Config: in.Container.Config, HostConfig: in.Container.HostConfig, NetworkingConfig: networking,
		})
	}
	if len(p.containers) == 0 {
		return nil, fmt.Errorf("%s: no container runs", s.Project)
	}
	return p, nil
}

// up makes and starts all at once, and returns when all members answer.
func (p *Plain) up(ctx context.Context) error {
	for name, options := range p.networks {
		if _, err := p.engine.NetworkCreate(ctx, name, options); err != nil {
			return err
		}
	}
	members := make([]measure.Member, len(p.containers))
	g, starting := errgroup.WithContext(ctx)
	for _, v := range p.volumes {
		if _, err := p.engine.VolumeCreate(ctx, v); err != nil {
			return err
		}
	}
	for i, c := range p.containers {
		g.Go(func() (err error) {
			members[i], err = p.start(starting, c)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return measure.UntilServing(ctx, p.shows, members...)
}

func (p *Plain) start(ctx context.Context, c client.ContainerCreateOptions) (measure.Member, error) {
	made, err := p.engine.ContainerCreate(ctx, c)
	if err != nil {
		return measure.Member{}, err
	}
	if _, err := p.engine.ContainerStart(ctx, made.ID, client.ContainerStartOptions{}); err != nil {
		return measure.Member{}, err
	}
	in, err := p.engine.ContainerInspect(ctx, made.ID, client.ContainerInspectOptions{})
	if err != nil {
		return measure.Member{}, err
	}
	return member(in.Container)
}

// member is where a container of a stack is asked from the engine's own host.
func member(c container.InspectResponse) (measure.Member, error) {
	for _, e := range c.NetworkSettings.Networks {
		if e.IPAddress.IsValid() {
			service := c.Config.Labels["com.docker.compose.service"]
			return measure.Member{URL: "https://" + service + ":2379", Address: e.IPAddress.String() + ":2379"}, nil
		}
	}
	return measure.Member{}, fmt.Errorf("%s has no address", c.Name)
}
