package e2e

import (
	"context"
	"fmt"
	"net"
	"os"
	"strings"
	"time"
)

// This file finds out where published ports are. testcontainers dials the gateway of a process
// in a container that has the engine's socket, as the engine runs outside of it; where the
// engine runs in the same container, or shares its network, ports are on loopback.

// hostVariable says where published ports are, whatever testcontainers takes for it.
const hostVariable = "TESTCONTAINERS_HOST_OVERRIDE"

// alsoAt are the addresses besides host at which an engine may publish ports that publishes
// them on all: with its socket on this machine its loopback may be that of here. What somebody
// has said is not doubted.
func alsoAt(engine, host string, said bool) []string {
	if said || host == localAddress || !strings.HasPrefix(engine, "unix://") {
		return nil
	}
	return []string{localAddress}
}

// saidHost is whether somebody has said where ports are.
func saidHost() bool {
	_, said := os.LookupEnv(hostVariable)
	return said
}

// at is where this process dials members.
func (c *Cluster) at() string {
	if found := c.found.Load(); found != nil {
		return *found
	}
	return c.host
}

// seek finds out at which address a member's port is, where there are several: who is
// reached there first. That none is within the time shows where it is dialled next.
func (c *Cluster) seek(ctx context.Context, port string) {
	if len(c.elsewhere) == 0 || c.found.Load() != nil {
		return
	}
	ctx, end := context.WithTimeout(ctx, seekTimeout)
	defer end()
	if host := firstReached(ctx, append([]string{c.host}, c.elsewhere...), port); host != "" {
		c.found.CompareAndSwap(nil, &host)
	}
}

// seekTimeout is how long a port may take to be there once its container was started.
const seekTimeout = 10 * time.Second

// firstReached gives the host of which a port is reached first; empty where none is in time.
func firstReached(ctx context.Context, hosts []string, port string) string {
	ctx, end := context.WithCancel(ctx)
	defer end()
	reached := make(chan string, len(hosts))
	for _, host := range hosts {
		go func() {
			if awaitPort(ctx, net.JoinHostPort(host, port)) {
				reached <- host
			}
		}()
	}
	select {
	case host := <-reached:
		return host
	case <-ctx.Done():
		return ""
	}
}

// awaitPort dials until somebody accepts.
func awaitPort(ctx context.Context, address string) bool {
	ticker := time.NewTicker(glance)
	defer ticker.Stop()
	for {
		if conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address); err == nil {
			conn.Close()
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-ticker.C:
		}
	}
}

// unreachedError is the error of members that nobody has reached in time.
type unreachedError struct {
	err    error
	at     string // where they were dialled
	said   bool   // by whoever has set where that is
	inside bool   // the members serve in their containers
}

func (e *unreachedError) Unwrap() error { return e.err }

func (e *unreachedError) Error() string {
	helps := "set " + hostVariable + "=" + localAddress + " where the engine runs on this machine, or to the address at which its ports are"
	if e.said {
		helps = "ports are dialled there as " + hostVariable + " says: leave it out, or set it to the address at which the engine's ports are"
	}
	serve := ""
	if e.inside {
		serve = "; in their containers they serve, so that it is the way to them that lacks"
	}
	return fmt.Sprintf("%v; they were dialled at %s%s: %s", e.err, e.at, serve, helps)
}

// serveInside tells whether members serve in their containers, by their own health checks.
func (c *Cluster) serveInside(ctx context.Context, all []*Member) bool {
	ctx, end := context.WithTimeout(context.WithoutCancel(ctx), insideTimeout)
	defer end()
	for _, m := range all {
		check := c.checks[m.Name]
		if m.container == nil || len(check) < 2 {
			return false
		}
		if code, _, err := m.container.Exec(ctx, check[1:]); err != nil || code != 0 {
			return false
		}
	}
	return true
}

// insideTimeout is how long all health checks together may take.
const insideTimeout = 10 * time.Second
