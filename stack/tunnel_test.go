package stack

import (
	"context"
	"net/netip"
	"testing"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
)

// listed is an engine that has nothing but containers of the project p, and tells how often
// it had to go through all of them.
type listed struct {
	Observer
	containers []container.Summary
	all        int
}

func (l *listed) ContainerList(_ context.Context, o client.ContainerListOptions) (client.ContainerListResult, error) {
	ids := o.Filters["id"]
	if len(ids) == 0 {
		l.all++
	}
	var r client.ContainerListResult
	for _, c := range l.containers {
		if len(ids) == 0 || ids[c.ID] {
			r.Items = append(r.Items, c)
		}
	}
	return r, nil
}

// servedAt is a container of a service that runs at an address, or, without one, does not.
func servedAt(id, service, address string) container.Summary {
	c := container.Summary{ID: id, Names: []string{"/p-" + service + "-1"}, State: container.StateExited, Status: "Exited (0) a moment ago", Labels: map[string]string{
		projectLabel: "p", serviceLabel: service,
	}}
	on := &network.EndpointSettings{NetworkID: "n"}
	if address != "" {
		c.State, on.IPAddress = container.StateRunning, netip.MustParseAddr(address)
	}
	c.NetworkSettings = &container.NetworkSettingsSummary{Networks: map[string]*network.EndpointSettings{"p_cluster": on}}
	return c
}

// What runs and is not on the network is not told of as what does not run.
func TestADialerTellsWhoIsNotOnTheNetwork(t *testing.T) {
	c := servedAt("a", "etcd1", "10.0.0.1")
	c.NetworkSettings.Networks = nil
	d := &directDialer{engine: &listed{containers: []container.Summary{c}}, project: "p", network: "p_cluster"}
	if _, err := d.lookUp(t.Context(), "etcd1"); err == nil || err.Error() != "p-etcd1-1 is not on p_cluster" {
		t.Errorf("the error is %v", err)
	}
}

func TestADialerKnowsWhereContainersAreNow(t *testing.T) {
	e := &listed{}
	d := &directDialer{engine: e, project: "p", network: "p_cluster"}
	for _, step := range []struct {
		what       string
		containers []container.Summary
		want       string // empty: no address
		all        int    // that it asks for, besides the one it knows
	}{
		{"at first", []container.Summary{servedAt("a", "etcd1", "10.0.0.1"), servedAt("b", "etcd2", "10.0.0.2")}, "10.0.0.1", 1},
		{"again", []container.Summary{servedAt("a", "etcd1", "10.0.0.1"), servedAt("b", "etcd2", "10.0.0.2")}, "10.0.0.1", 0},
		{"after a restart", []container.Summary{servedAt("a", "etcd1", "10.0.0.7"), servedAt("b", "etcd2", "10.0.0.1")}, "10.0.0.7", 0},
		{"stopped", []container.Summary{servedAt("a", "etcd1", ""), servedAt("b", "etcd2", "10.0.0.1")}, "", 1},
		{"replaced", []container.Summary{servedAt("c", "etcd1", "10.0.0.3"), servedAt("b", "etcd2", "10.0.0.1")}, "10.0.0.3", 1},
		{"and again", []container.Summary{servedAt("c", "etcd1", "10.0.0.3"), servedAt("b", "etcd2", "10.0.0.1")}, "10.0.0.3", 0},
		{"removed", []container.Summary{servedAt("b", "etcd2", "10.0.0.1")}, "", 1},
	} {
		e.containers, e.all = step.containers, 0
		got, err := d.lookUp(t.Context(), "etcd1")
		if got != step.want || (err == nil) != (step.want != "") || e.all != step.all {
			t.Errorf("%s: %q, %v, with %d lists of all; want %q with %d", step.what, got, err, e.all, step.want, step.all)
		}
	}
}
