package docker

import (
	"testing"

	"github.com/moby/moby/api/types/container"

	"github.com/etcdctr/etcdctr/compose"
	"github.com/etcdctr/etcdctr/stack"
)

// Only of a container that Docker has made is it known, while it does not run, which network
// it was made for.
func TestAMemberIsOffItsNetworkWhereItHasNone(t *testing.T) {
	project := map[string]string{"com.docker.compose.project": "orders"}
	networks := []stack.Network{
		{Key: compose.ClusterNetwork, Name: "an-application", Labels: project}, // of another file of the project
		{Key: compose.ClusterNetwork, Name: "orders_cluster", Labels: project},
	}
	for _, tt := range []struct {
		status stack.Status
		made   container.NetworkMode
		on     string
		want   bool
	}{
		{container.StateRunning, "orders_cluster", "orders_cluster", false},
		{container.StateRunning, "orders_cluster", "", true},
		{container.StateRunning, "bridge", "", true},
		{container.StateRunning, "host", "", false},
		{container.StateExited, "orders_cluster", "", true},
		{container.StateExited, "bridge", "", false},
		{container.StateCreated, "orders_cluster", "", false},
	} {
		c := stack.Container{Status: tt.status, Labels: map[string]string{stack.RoleLabel: stack.Member}, NetworkIDs: map[string]string{}}
		if tt.on != "" {
			c.NetworkIDs[tt.on] = "id"
		}
		got := off(networks, c, container.InspectResponse{HostConfig: &container.HostConfig{NetworkMode: tt.made}})
		if (got == "orders_cluster") != tt.want {
			t.Errorf("%+v: it is off %q", tt, got)
		}
	}
}
