package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/docker/cli/cli/config"
	"github.com/docker/cli/cli/connhelper"
	"github.com/docker/cli/cli/context/docker"
	"github.com/docker/cli/cli/context/store"
	"github.com/moby/moby/client"
)

// connectEngine finds the Docker Engine where the docker command would find
// it, and makes sure that it answers: DOCKER_HOST before DOCKER_CONTEXT before
// the context chosen with `docker context use`.
func connectEngine(ctx context.Context) (*client.Client, error) {
	opts, err := engineOptions()
	if err != nil {
		return nil, err
	}
	c, err := client.New(append(opts, client.WithUserAgent("etcdctr/"+buildVersion()))...)
	if err != nil {
		return nil, withHint(fmt.Errorf("cannot make sense of where the Docker Engine is: %w", err),
			"DOCKER_HOST is something like unix:///var/run/docker.sock, tcp://HOST:2376 or ssh://HOST")
	}
	if _, err := c.Ping(ctx, client.PingOptions{NegotiateAPIVersion: true}); err != nil {
		c.Close()
		return nil, explainNoEngine(c.DaemonHost(), err)
	}
	return c, nil
}

func engineOptions() ([]client.Opt, error) {
	if host := os.Getenv(client.EnvOverrideHost); host != "" {
		return hostOptions(host)
	}
	name := os.Getenv("DOCKER_CONTEXT")
	if name == "" {
		name = config.LoadDefaultConfigFile(os.Stderr).CurrentContext
	}
	if name == "" || name == "default" {
		return []client.Opt{client.FromEnv}, nil
	}
	return contextOptions(name)
}

// hostOptions understand what DOCKER_HOST may be; ssh:// takes a helper that
// runs `docker system dial-stdio` on the other machine.
func hostOptions(host string) ([]client.Opt, error) {
	if !strings.HasPrefix(host, "ssh://") {
		return []client.Opt{client.FromEnv}, nil
	}
	helper, err := connhelper.GetConnectionHelper(host)
	if err != nil {
		return nil, fmt.Errorf("DOCKER_HOST=%s: %w", host, err)
	}
	return []client.Opt{client.WithHost(helper.Host), client.WithDialContext(helper.Dialer), client.WithAPIVersionFromEnv()}, nil
}

// contextOptions read one of Docker's contexts.
func contextOptions(name string) ([]client.Opt, error) {
	contexts := store.New(config.ContextStoreDir(), store.NewConfig(
		func() any { return &map[string]any{} },
		store.EndpointTypeGetter(docker.DockerEndpoint, func() any { return &docker.EndpointMeta{} }),
	))
	opts, err := storedOptions(contexts, name)
	if err != nil {
		return nil, withHint(fmt.Errorf("cannot use the Docker context %q: %w", name, err),
			"`docker context ls` shows what there is; DOCKER_CONTEXT=default goes without one")
	}
	return opts, nil
}

func storedOptions(contexts store.Reader, name string) ([]client.Opt, error) {
	meta, err := contexts.GetMetadata(name)
	if err != nil {
		return nil, err
	}
	endpoint, err := docker.EndpointFromContext(meta)
	if err != nil {
		return nil, err
	}
	withTLS, err := docker.WithTLSData(contexts, name, endpoint)
	if err != nil {
		return nil, err
	}
	return withTLS.ClientOpts()
}

// errNoEngine is the error of finding nobody where the Docker Engine would be.
var errNoEngine = errors.New("no Docker Engine answers")

// explainNoEngine tells apart the reasons for which an engine does not answer.
func explainNoEngine(host string, err error) error {
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case strings.Contains(err.Error(), "permission denied"): // the client hides the cause
		return withHint(fmt.Errorf("this user may not talk to the Docker Engine at %s", host),
			"join the group that owns the socket (`sudo usermod -aG docker $USER`, then log in again), or run a rootless engine")
	case client.IsErrConnectionFailed(err):
		return withHint(fmt.Errorf("%w: %w", errNoEngine, err),
			"start it, or say where it is: DOCKER_HOST, or `docker context use`")
	default:
		return fmt.Errorf("the Docker Engine at %s does not answer as one: %w", host, err)
	}
}
