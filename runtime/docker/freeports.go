package docker

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/internal/listening"
	"github.com/etcdctr/etcdctr/runtime"
	"github.com/etcdctr/etcdctr/stack"
)

// This file looks whether who takes a server's place gets its ports: an engine tells at the
// start, when the one before is gone.

// checkPorts refuses ports that servers which are there are to be published at, and which
// somebody else has: another container, or on this very machine whoever listens. The errors
// are runtime.PortErrors.
func (r *Runtime) checkPorts(ctx context.Context, t *target, servers []string) error {
	fresh := newPorts(t, servers)
	if len(fresh) == 0 {
		return nil
	}
	list, err := r.engine.ContainerList(ctx, client.ContainerListOptions{})
	if err != nil {
		return fmt.Errorf("ask the engine for published ports: %w", err)
	}
	local, err := r.seesFiles(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, p := range fresh {
		e := &runtime.PortError{Server: p.server, Key: p.key, Address: p.address.String(), Holder: holder(list.Items, t.cluster.Name, p.address)}
		if e.Holder == "" && local {
			e.Err = listening.Refused(e.Address)
		}
		if e.Holder != "" || e.Err != nil {
			errs = append(errs, e)
		}
	}
	return errors.Join(errs...)
}

// publication is where a server is to be published.
type publication struct {
	server  string
	address netip.AddrPort
	key     string // see runtime.PortError
}

// newPorts are those that members which have a container, and Prometheus, get and nobody of
// the cluster has.
func newPorts(t *target, servers []string) []publication {
	own := map[netip.AddrPort]bool{}
	for _, c := range t.state.Containers {
		for _, p := range c.Ports {
			own[p.Address] = true
		}
	}
	var all []publication
	for _, m := range t.cluster.Members {
		there := slices.ContainsFunc(t.state.Containers, func(c stack.Container) bool { return c.Service == m.Name })
		at := m.Published()
		if there && at.IsValid() && !own[at] && (len(servers) == 0 || slices.Contains(servers, m.Name)) {
			all = append(all, publication{server: m.Name, address: at})
		}
	}
	if at := t.cluster.Monitoring.Published(); at.IsValid() && !own[at] && (len(servers) == 0 || slices.Contains(servers, cluster.PrometheusName)) {
		all = append(all, publication{cluster.PrometheusName, at, "prometheus-port"})
	}
	return all
}

// holder is who of other containers is published at an address; empty for none.
func holder(list []container.Summary, cluster string, at netip.AddrPort) string {
	for _, c := range list {
		if stack.IsOfProject(c.Labels, cluster) || len(c.Names) == 0 {
			continue
		}
		for _, p := range c.Ports {
			if p.PublicPort == at.Port() && (p.IP == at.Addr() || !p.IP.IsValid() || p.IP.IsUnspecified() || at.Addr().IsUnspecified()) {
				return "the container " + strings.TrimPrefix(c.Names[0], "/")
			}
		}
	}
	return ""
}
