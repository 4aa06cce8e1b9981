package stack

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"

	"github.com/moby/moby/api/types/container"
)

// This file asks Podman what Docker's API has no words for. Its own API, libpod,
// is spoken at the same place.

// libpodVersion is the oldest of that API which Podman 4 and 5 speak.
const libpodVersion = "v4.0.0"

// dialer is a client that gives away connections to its engine, as Docker's does.
type dialer interface {
	Dialer() func(context.Context) (net.Conn, error)
}

// ask sends a question that Docker's client has no words for. Whoever asks closes the
// answer.
func ask(ctx context.Context, engine any, method, path string) (*http.Response, error) {
	d, ok := engine.(dialer)
	if !ok {
		return nil, fmt.Errorf("a %T gives away no connections", engine)
	}
	dial := d.Dialer()
	transport := &http.Transport{
		DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
		DisableKeepAlives: true,
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://engine"+path, nil)
	if err != nil {
		return nil, err
	}
	return transport.RoundTrip(req)
}

// libpod asks Podman, and reads the answer.
func libpod(ctx context.Context, engine any, path string, answer any) error {
	res, err := ask(ctx, engine, http.MethodGet, "/"+libpodVersion+"/libpod/"+path)
	if err != nil {
		return fmt.Errorf("ask Podman: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		said, _ := io.ReadAll(io.LimitReader(res.Body, 1<<10)) // as much as there is
		return fmt.Errorf("ask Podman for %s: %s: %s", path, res.Status, said)
	}
	return json.NewDecoder(res.Body).Decode(answer)
}

// podmanInfo is what Podman says of where it runs.
type podmanInfo struct {
	Hostname       string
	NetworkBackend string // what makes its networks: netavark, or cni
	Security       struct{ Rootless bool }
}

// podmanHost is where a Podman runs. It is asked once, and not before somebody has to
// know: each time it looks for the packages of the programs that it runs.
type podmanHost struct {
	mu    sync.Mutex
	known *podmanInfo
}

func (h *podmanHost) ask(ctx context.Context, engine any) (podmanInfo, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.known != nil {
		return *h.known, nil
	}
	var info struct{ Host podmanInfo }
	if err := libpod(ctx, engine, "info", &info); err != nil {
		return podmanInfo{}, err
	}
	h.known = &info.Host
	return info.Host, nil
}

// CheckHealth has Podman run a container's health check now. What comes of it is
// the container's health from then on.
func CheckHealth(ctx context.Context, engine any, container string) error {
	var done struct{ Status string }
	return libpod(ctx, engine, "containers/"+url.PathEscape(container)+"/healthcheck", &done)
}

// PodmanBridge is the device on the engine's machine that a network of Podman's
// is.
func PodmanBridge(ctx context.Context, engine any, network string) (string, error) {
	var n struct {
		Interface string `json:"network_interface"`
	}
	err := libpod(ctx, engine, "networks/"+url.PathEscape(network)+"/json", &n)
	return n.Interface, err
}

// stopping is the state of one of Podman's containers that is being stopped, by whoever has
// asked for that and may be gone since (seen on 4.3.1).
const stopping container.ContainerState = "stopping"

// AsDocker is a container's state as the Docker Engine calls it: one that is being stopped
// runs until it has ended. Before, Podman refuses to start it.
func AsDocker(s container.ContainerState) container.ContainerState {
	if s == stopping {
		return container.StateRunning
	}
	return s
}
