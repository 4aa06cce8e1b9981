package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/log"
	"github.com/testcontainers/testcontainers-go/wait"

	driver "github.com/etcdctr/etcdctr/stack"
)

// box is a service and the container that testcontainers made of it.
type box struct {
	cluster   *Cluster
	service   types.ServiceConfig
	container *testcontainers.DockerContainer
}

// create makes the container, with its image pulled if need be and its files
// copied to the engine.
func (b *box) create(ctx context.Context) error {
	c := b.cluster
	translated, err := c.wanted().Translate(b.service)
	if err != nil {
		return err
	}
	b.container, err = testcontainers.Run(ctx, b.service.Image, append([]testcontainers.ContainerCustomizer{
		c.request(translated), testcontainers.WithNoStart(), testcontainers.WithLogger(c.options.log()),
	}, c.options.customize...)...)
	if err != nil {
		return err
	}
	return b.copyFiles(ctx)
}

// copyFiles fills the volumes that stand for files of this machine, by way of
// the image that the container has: it may be a substitute.
func (b *box) copyFiles(ctx context.Context) error {
	s := b.service
	s.Image = b.container.Image
	files, err := b.cluster.wanted().FileVolumes(s)
	for _, v := range files {
		err = errors.Join(err, v.Fill(ctx, b.cluster.engine(), labels(nil)))
	}
	return err
}

func (b *box) start(ctx context.Context) error { return b.container.Start(ctx) }

// await waits until the container has come to what another service depends on.
func (b *box) await(ctx context.Context, condition string) error {
	switch condition {
	case types.ServiceConditionHealthy:
		if b.cluster.make.Lacks(driver.Timers) {
			checking, over := context.WithCancel(ctx)
			defer over()
			go b.check(checking)
		}
		return wait.ForHealthCheck().WithStartupTimeout(readyTimeout).WaitUntilReady(ctx, b.container)
	case types.ServiceConditionCompletedSuccessfully:
		if err := wait.ForExit().WithExitTimeout(readyTimeout).WaitUntilReady(ctx, b.container); err != nil {
			return err
		}
		state, err := b.container.State(ctx)
		if err == nil && state.ExitCode != 0 {
			err = fmt.Errorf("%s: exit code %d: its log says why", b.service.Name, state.ExitCode)
		}
		return err
	}
	return nil
}

// check runs the container's health check again and again, in the place of its
// engine.
func (b *box) check(ctx context.Context) {
	for ctx.Err() == nil {
		_ = driver.CheckHealth(ctx, b.cluster.engine(), b.container.ID) // whoever waits sees what it says
		select {
		case <-ctx.Done():
		case <-time.After(glance):
		}
	}
}

// running is an error for a container that is not, and cannot become ready.
func (b *box) running(ctx context.Context) error {
	state, err := b.container.State(ctx)
	if err != nil || state.Running {
		return err
	}
	return fmt.Errorf("the container is %s, exit code %d: its log says why", state.Status, state.ExitCode)
}

func (b *box) logs(ctx context.Context) (string, error) {
	if b.container == nil {
		return "", errors.New("there is no container")
	}
	r, err := b.container.Logs(ctx)
	if err != nil {
		return "", err
	}
	defer r.Close()
	text, err := io.ReadAll(r)
	return string(text), err
}

func (b *box) remove(ctx context.Context) error {
	return testcontainers.TerminateContainer(b.container, testcontainers.StopContext(ctx), testcontainers.StopTimeout(0))
}

// wanted is the project for the engine, which may be on another machine. On a
// read-only root file system, files can only come in a volume then.
func (c *Cluster) wanted() driver.Wanted {
	return driver.Wanted{Project: c.project, CopyFiles: !c.sees}
}

// request asks testcontainers for the container that the stack driver would
// make. testcontainers has ideas of its own about ports, and gives a container
// no more than names on its further networks, so both are put right.
func (c *Cluster) request(t *driver.Translation) testcontainers.CustomizeRequestOption {
	return func(req *testcontainers.GenericContainerRequest) error {
		// At podman.sock testcontainers looks for a network that Podman calls bridge
		// like everybody, and has each container make one of another name.
		req.ProviderType = testcontainers.ProviderDocker
		req.Name, req.Labels, req.Networks = t.Name, t.Config.Labels, t.Networks[:1]
		var config *container.Config
		var host *container.HostConfig
		req.ConfigModifier = func(made *container.Config) {
			translated := t.Config
			translated.Image, translated.Labels, translated.Env = made.Image, made.Labels, append(translated.Env, made.Env...)
			*made, config = translated, made
		}
		req.HostConfigModifier = func(made *container.HostConfig) { *made, host = t.Host, made }
		req.EndpointSettingsModifier = func(made map[string]*network.EndpointSettings) {
			made[t.Networks[0]] = t.Endpoints[t.Networks[0]]
		}
		req.LifecycleHooks = append(req.LifecycleHooks, testcontainers.ContainerLifecycleHooks{
			PreCreates: []testcontainers.ContainerRequestHook{func(context.Context, testcontainers.ContainerRequest) error {
				config.ExposedPorts, host.PortBindings = t.Config.ExposedPorts, t.Host.PortBindings
				return nil
			}},
			PostCreates: []testcontainers.ContainerHook{func(ctx context.Context, made testcontainers.Container) error {
				return c.connectFurther(ctx, made.GetContainerID(), t)
			}},
		})
		return nil
	}
}

// connectFurther puts the container on all networks but the first, and on the
// caller's. There it answers to its own name only, which is unique: of two
// clusters on one network, none may take the other's etcd1 for its own.
func (c *Cluster) connectFurther(ctx context.Context, id string, t *driver.Translation) error {
	for _, name := range append(t.Networks[1:len(t.Networks):len(t.Networks)], c.options.networks...) {
		_, err := c.engine().NetworkConnect(ctx, name, client.NetworkConnectOptions{Container: id, EndpointConfig: t.Endpoints[name]})
		if err != nil {
			return err
		}
	}
	return nil
}

func (o *options) log() log.Logger {
	if o.logger == nil {
		return log.Default()
	}
	return o.logger
}
