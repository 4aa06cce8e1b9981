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

	end func() error // ends what leads to it
}

// way leads to an engine.
type way struct {
	place string // empty where the options tell
	opts  []client.Opt
	end   func() error // nil where nothing has to be ended
}

// Find finds the engine, and asks it nothing yet. The user agent is what it is told
// of this program. An error is a *PlaceError or a *ContextError.
func Find(userAgent string) (*Engine, error) {
	var warning strings.Builder
	w, err := found(&warning)
	if err != nil {
		return nil, err
	}
	e, err := w.open(userAgent)
	if err == nil {
		e.Warning = strings.TrimSpace(warning.String())
	}
	return e, err
}

// Open is Find of an engine that is named: by ssh://, tcp://, unix://, npipe:// or
// as one of Docker's contexts. What one at tcp:// is shown is in a folder with
// ca.pem, cert.pem and key.pem, or, where certs is empty, what the environment says.
func Open(at, certs, userAgent string) (*Engine, error) {
	w, err := named(at, certs)
	if err != nil {
		return nil, err
	}
	return w.open(userAgent)
}

func (w way) open(userAgent string) (*Engine, error) {
	c, err := client.New(append(w.opts, client.WithUserAgent(userAgent))...)
	if err != nil {
		return nil, &PlaceError{err}
	}
	return &Engine{Client: c, Place: cmp.Or(w.place, c.DaemonHost()), end: w.end}, nil
}

// DaemonHost is where the engine is, also where a helper leads to it.
func (e *Engine) DaemonHost() string { return e.Place }

// Close ends what leads to the engine, too.
func (e *Engine) Close() error {
	err := e.Client.Close()
	if e.end != nil {
		err = errors.Join(err, e.end())
	}
	return err
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

// found is the way to the engine that the docker command would ask.
func found(warning io.Writer) (way, error) {
	if host := os.Getenv(client.EnvOverrideHost); host != "" {
		if isSSH(host) {
			w, err := bySSH(host)
			if err != nil {
				err = &PlaceError{fmt.Errorf("DOCKER_HOST=%s: %w", host, err)}
			}
			return w, err
		}
		return way{place: host, opts: environmentOptions()}, nil
	}
	name := os.Getenv("DOCKER_CONTEXT")
	if name == "" {
		name = config.LoadDefaultConfigFile(warning).CurrentContext
	}
	if name == "" || name == defaultContext {
		return way{opts: []client.Opt{client.FromEnv}}, nil
	}
	return byContext(name)
}

// defaultContext stands for the engine that is there without any context.
const defaultContext = "default"

// named is the way to an engine that is named.
func named(at, certs string) (way, error) {
	switch scheme, _, isURL := strings.Cut(at, "://"); {
	case at == defaultContext:
		return way{opts: []client.Opt{client.WithHost(client.DefaultDockerHost), client.WithAPIVersionFromEnv()}}, nil
	case !isURL:
		return byContext(at)
	case isSSH(at):
		w, err := bySSH(at)
		if err != nil {
			err = &PlaceError{fmt.Errorf("%s: %w", at, err)}
		}
		return w, err
	case scheme == "tcp" && certs != "":
		return way{place: at, opts: []client.Opt{client.WithHost(at), certsIn(certs), client.WithAPIVersionFromEnv()}}, nil
	case scheme == "tcp":
		return way{place: at, opts: append(environmentOptions(), client.WithHost(at))}, nil
	default:
		return way{place: at, opts: []client.Opt{client.WithHost(at), client.WithAPIVersionFromEnv()}}, nil
	}
}

// certsIn are a client's files for TLS by the names that Docker gives them.
func certsIn(dir string) client.Opt {
	return client.WithTLSClientConfig(filepath.Join(dir, "ca.pem"), filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"))
}

func isSSH(host string) bool { return strings.HasPrefix(host, "ssh://") }

// environmentOptions are what DOCKER_HOST and its kin say. Like the docker
// command, they take the certificates in Docker's own folder where
// DOCKER_TLS_VERIFY is set and DOCKER_CERT_PATH is not.
func environmentOptions() []client.Opt {
	opts := []client.Opt{client.FromEnv}
	if os.Getenv(client.EnvTLSVerify) != "" && os.Getenv(client.EnvOverrideCertPath) == "" {
		opts = append(opts, certsIn(config.Dir()))
	}
	return opts
}

// byContext reads one of Docker's contexts.
func byContext(name string) (way, error) {
	contexts := store.New(config.ContextStoreDir(), store.NewConfig(
		func() any { return &map[string]any{} },
		store.EndpointTypeGetter(docker.DockerEndpoint, func() any { return &docker.EndpointMeta{} }),
	))
	w, err := stored(contexts, name)
	if errdefs.IsNotFound(err) {
		err = errors.New("there is none of this name")
	}
	if err != nil {
		err = &ContextError{name, err}
	}
	return w, err
}

func stored(contexts store.Reader, name string) (way, error) {
	meta, err := contexts.GetMetadata(name)
	if err != nil {
		return way{}, err
	}
	endpoint, err := docker.EndpointFromContext(meta)
	if err != nil {
		return way{}, err
	}
	if isSSH(endpoint.Host) {
		return bySSH(endpoint.Host)
	}
	withTLS, err := docker.WithTLSData(contexts, name, endpoint)
	if err != nil {
		return way{}, err
	}
	opts, err := withTLS.ClientOpts()
	return way{place: endpoint.Host, opts: opts}, err
}
