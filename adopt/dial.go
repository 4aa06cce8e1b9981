package adopt

import (
	"context"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/moby/moby/api/types/container"
)

// This file is how a container is reached from here. Its own addresses lead nowhere on
// Docker Desktop and with a Podman without root, where what it publishes is on this machine.

// answersWithin is how long the address of a container may take to answer: those on this
// machine do so at once. Where packets come to nothing nobody is to be taken for a member that
// accepts connections and does not answer, as one without a quorum.
const answersWithin = time.Second

// dialAny connects to the first of a container's addresses that leads there.
func (c *Containers) dialAny(ctx context.Context, in container.InspectResponse, name, port string) (conn net.Conn, err error) {
	err = fmt.Errorf("%s has no address that leads there from here", name)
	dialer := net.Dialer{Timeout: answersWithin}
	for _, address := range append(ownAddresses(in, port), c.publishedHere(in, port)...) {
		if conn, err = dialer.DialContext(ctx, "tcp", address); err == nil {
			return conn, nil
		}
	}
	return nil, err
}

// ownAddresses are those on the networks that a container is on.
func ownAddresses(in container.InspectResponse, port string) []string {
	var all []string
	for _, n := range in.NetworkSettings.Networks {
		if n.IPAddress.IsValid() {
			all = append(all, net.JoinHostPort(n.IPAddress.String(), port))
		}
	}
	return all
}

// publishedHere is where a port of a container is published on this machine: of an engine
// that is elsewhere, what has that port here is another's.
func (c *Containers) publishedHere(in container.InspectResponse, port string) []string {
	at, ok := c.Engine.(interface{ DaemonHost() string })
	if !ok || !strings.HasPrefix(at.DaemonHost(), "unix://") && !strings.HasPrefix(at.DaemonHost(), "npipe://") {
		return nil
	}
	var all []string
	for target, bindings := range in.NetworkSettings.Ports {
		if target.Port() != port {
			continue
		}
		for _, b := range bindings {
			host := "127.0.0.1"
			if b.HostIP.IsValid() && !b.HostIP.IsUnspecified() {
				host = b.HostIP.String()
			}
			all = append(all, net.JoinHostPort(host, b.HostPort))
		}
	}
	return all
}
