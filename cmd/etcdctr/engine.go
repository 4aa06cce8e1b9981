package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/containerd/errdefs"
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
	place, c, err := newEngine()
	if err != nil {
		return nil, err
	}
	if _, err := c.Ping(ctx, client.PingOptions{NegotiateAPIVersion: true}); err != nil {
		c.Close()
		return nil, explainNoEngine(place, err)
	}
	return c, nil
}

// newEngine finds the Docker Engine, which may not be there, and where it ought
// to be.
func newEngine() (place string, c *client.Client, err error) {
	place, opts, err := engineOptions()
	if err != nil {
		return "", nil, err
	}
	c, err = client.New(append(opts, client.WithUserAgent("etcdctr/"+buildVersion()))...)
	if err != nil {
		return "", nil, withHint(fmt.Errorf("cannot make sense of where the Docker Engine is: %w", err),
			"DOCKER_HOST is something like unix:///var/run/docker.sock, tcp://HOST:2376 or ssh://HOST, "+
				"and DOCKER_CERT_PATH a folder with ca.pem, cert.pem and key.pem")
	}
	return cmp.Or(place, c.DaemonHost()), c, nil
}

// engineOptions give the way to the engine, and where it leads if the way alone
// does not tell.
func engineOptions() (place string, opts []client.Opt, err error) {
	if host := os.Getenv(client.EnvOverrideHost); host != "" {
		opts, err = hostOptions(host)
		return host, opts, err
	}
	name := os.Getenv("DOCKER_CONTEXT")
	if name == "" {
		name = config.LoadDefaultConfigFile(os.Stderr).CurrentContext
	}
	if name == "" || name == "default" {
		return "", []client.Opt{client.FromEnv}, nil
	}
	return contextOptions(name)
}

// hostOptions understand what DOCKER_HOST may be; ssh:// takes a helper that
// runs `docker system dial-stdio` on the other machine.
func hostOptions(host string) ([]client.Opt, error) {
	if !isSSH(host) {
		return environmentOptions(), nil
	}
	helper, err := connhelper.GetConnectionHelper(host)
	if err != nil {
		return nil, fmt.Errorf("DOCKER_HOST=%s: %w", host, err)
	}
	return []client.Opt{client.WithHost(helper.Host), client.WithDialContext(helper.Dialer), client.WithAPIVersionFromEnv()}, nil
}

func isSSH(host string) bool { return strings.HasPrefix(host, "ssh://") }

// environmentOptions are what DOCKER_HOST and its kin say. Like the docker
// command, they take the certificates in Docker's own folder where
// DOCKER_TLS_VERIFY is set and DOCKER_CERT_PATH is not.
func environmentOptions() []client.Opt {
	opts := []client.Opt{client.FromEnv}
	if os.Getenv(client.EnvTLSVerify) != "" && os.Getenv(client.EnvOverrideCertPath) == "" {
		dir := config.Dir()
		opts = append(opts, client.WithTLSClientConfig(filepath.Join(dir, "ca.pem"), filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")))
	}
	return opts
}

// contextOptions read one of Docker's contexts.
func contextOptions(name string) (place string, opts []client.Opt, err error) {
	contexts := store.New(config.ContextStoreDir(), store.NewConfig(
		func() any { return &map[string]any{} },
		store.EndpointTypeGetter(docker.DockerEndpoint, func() any { return &docker.EndpointMeta{} }),
	))
	place, opts, err = storedOptions(contexts, name)
	if errdefs.IsNotFound(err) {
		err = errors.New("there is none of this name")
	}
	if err != nil {
		err = withHint(fmt.Errorf("cannot use the Docker context %q: %w", name, err),
			"`docker context ls` shows what there is; DOCKER_CONTEXT=default goes without one")
	}
	return place, opts, err
}

func storedOptions(contexts store.Reader, name string) (place string, opts []client.Opt, err error) {
	meta, err := contexts.GetMetadata(name)
	if err != nil {
		return "", nil, err
	}
	endpoint, err := docker.EndpointFromContext(meta)
	if err != nil {
		return "", nil, err
	}
	withTLS, err := docker.WithTLSData(contexts, name, endpoint)
	if err != nil {
		return "", nil, err
	}
	opts, err = withTLS.ClientOpts()
	return endpoint.Host, opts, err
}
