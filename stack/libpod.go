package stack

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
)

// This file asks Podman what Docker's API has no words for. Its own API, libpod,
// is spoken at the same place.

// libpodVersion is the oldest of that API which Podman 4 and 5 speak.
const libpodVersion = "v4.0.0"

// dialer is a client that gives away connections to its engine, as Docker's does.
type dialer interface {
	Dialer() func(context.Context) (net.Conn, error)
}

// libpod asks, and reads the answer.
func libpod(ctx context.Context, engine any, path string, answer any) error {
	d, ok := engine.(dialer)
	if !ok {
		return fmt.Errorf("a %T can't ask Podman", engine)
	}
	dial := d.Dialer()
	transport := &http.Transport{
		DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
		DisableKeepAlives: true,
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://podman/"+libpodVersion+"/libpod/"+path, nil)
	if err != nil {
		return err
	}
	res, err := transport.RoundTrip(req)
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

func podmanHost(ctx context.Context, engine any) (podmanInfo, error) {
	var info struct{ Host podmanInfo }
	err := libpod(ctx, engine, "info", &info)
	return info.Host, err
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
