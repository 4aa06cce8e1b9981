package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
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

// Engine is a client of an engine, which may not be there.
type Engine struct {
	*client.Client
	// Place is where the engine ought to be, such as unix:///var/run/docker.sock.
	Place string
	// Warning is why Docker's configuration could not be read; empty where it could.
	Warning string
}

// Find finds the engine, and asks it nothing yet. The user agent is what it is told
// of this program. An error is a *PlaceError or a *ContextError.
func Find(userAgent string) (*Engine, error) {
	var warning strings.Builder
	place, opts, err := options(&warning)
	if err != nil {
		return nil, err
	}
	c, err := client.New(append(opts, client.WithUserAgent(userAgent))...)
	if err != nil {
		return nil, &PlaceError{err}
	}
	return &Engine{Client: c, Place: cmp.Or(place, c.DaemonHost()), Warning: strings.TrimSpace(warning.String())}, nil
}

// Connect is Find of an engine that answers; otherwise the error may be a
// *SilentError, too.
func Connect(ctx context.Context, userAgent string) (*Engine, error) {
	e, err := Find(userAgent)
	if err != nil {
		return nil, err
	}
	if err := e.Answers(ctx); err != nil {
		return nil, errors.Join(err, e.Close())
	}
	return e, nil
}

// Answers makes sure that the engine answers, and agrees with it on a version of
// its API. The error is a *SilentError, or that of ctx.
func (e *Engine) Answers(ctx context.Context) error {
	_, err := e.Ping(ctx, client.PingOptions{NegotiateAPIVersion: true})
	return explain(e.Place, err)
}

// PlaceError is about a place that no engine can be at.
type PlaceError struct{ Err error }

func (e *PlaceError) Error() string {
	return fmt.Sprintf("cannot make sense of where the Docker Engine is: %v", e.Err)
}

func (e *PlaceError) Unwrap() error { return e.Err }

// ContextError is about one of Docker's contexts that can't be used.
type ContextError struct {
	Name string
	Err  error
}

func (e *ContextError) Error() string {
	return fmt.Sprintf("cannot use the Docker context %q: %v", e.Name, e.Err)
}

func (e *ContextError) Unwrap() error { return e.Err }

// options give the way to the engine, and where it leads if the way alone does
// not tell.
func options(warning io.Writer) (place string, opts []client.Opt, err error) {
	if host := os.Getenv(client.EnvOverrideHost); host != "" {
		opts, err = hostOptions(host)
		return host, opts, err
	}
	name := os.Getenv("DOCKER_CONTEXT")
	if name == "" {
		name = config.LoadDefaultConfigFile(warning).CurrentContext
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
		return nil, &PlaceError{fmt.Errorf("DOCKER_HOST=%s: %w", host, err)}
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
		err = &ContextError{name, err}
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
